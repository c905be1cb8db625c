"""What the database knows about withdrawals: run by the newest migration that changed sql/."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("withdrawals", "0001_initial"),
        ("ledger", "0002_booking"),
        ("audit", "0002_chain"),
        ("providers", "0001_initial"),
    ]

    operations: list[migrations.operations.base.Operation] = []
