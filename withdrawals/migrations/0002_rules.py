"""What the database knows about withdrawals, and the views for its checker: sql/ is where to read it."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("withdrawals", "0001_initial"),
        ("ledger", "0002_booking"),
        ("audit", "0002_chain"),
        ("providers", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL((SQL / "rules.sql").read_text(), (SQL / "rules_down.sql").read_text()),
        migrations.RunSQL((SQL / "views.sql").read_text(), (SQL / "views_down.sql").read_text()),
    ]
