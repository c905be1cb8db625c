"""Postings are checked and moved in one pass over them. Runs sql/triggers.sql and sql/post.sql again."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0006_view_freezes")]

    operations = [
        migrations.RunSQL((SQL / "triggers.sql").read_text(), migrations.RunSQL.noop),
        migrations.RunSQL((SQL / "post.sql").read_text(), migrations.RunSQL.noop),
    ]
