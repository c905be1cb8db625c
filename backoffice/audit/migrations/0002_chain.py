"""The chain of audit entries: sql/chain.sql is where to read it."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunSQL((SQL / "chain.sql").read_text(), (SQL / "chain_down.sql").read_text())]
