"""The ledger's views in schema inv, which the invariants read."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_booking")]

    operations = [
        migrations.RunSQL(
            (SQL / "views.sql").read_text(),
            "DROP VIEW inv.posting, inv.entry, inv.account, inv.currency;",
        ),
    ]
