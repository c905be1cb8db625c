"""The same content is told by the rows themselves instead of a digest; overpaid money can come back.

Runs sql/triggers.sql and sql/post.sql again, as every later change of them does.
"""

from pathlib import Path

from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"

# The trigger on postings looks for the entry itself, once for an entry instead of once for a line.
REMOVED = """
    ALTER TABLE ledger_posting DROP CONSTRAINT IF EXISTS ledger_posting_of_entry;
    DROP FUNCTION IF EXISTS ledger_digest;
"""
KINDS = [
    ("deposit", "Deposit"),
    ("stake", "Stake"),
    ("win", "Win"),
    ("bonus_grant", "Bonus granted"),
    ("bonus_convert", "Bonus converted"),
    ("reserve", "Reserve"),
    ("unreserve", "Give back reserve"),
    ("to_transit", "Hand to provider"),
    ("back_from_transit", "Back from provider"),
    ("settle", "Pay"),
    ("freeze", "Freeze"),
    ("unfreeze", "Unfreeze"),
    ("returned", "Return announced"),
    ("return_received", "Return received"),
    ("give_back", "Give back return"),
    ("reissue", "Pay again"),
    ("paid_after_release", "Paid after release"),
    ("overpaid_returned", "Owed no longer"),
]


class Migration(migrations.Migration):
    dependencies = [("ledger", "0004_journal")]

    operations = [
        migrations.RemoveIndex(model_name="entry", name="ledger_entry_by_time"),
        migrations.RemoveField(model_name="entry", name="digest"),
        migrations.AlterField(
            model_name="entry", name="kind", field=models.CharField(choices=KINDS, max_length=24)
        ),
        migrations.AddIndex(
            model_name="entry", index=BrinIndex(fields=["booked_at"], name="ledger_entry_by_period")
        ),
        migrations.RunSQL(REMOVED, migrations.RunSQL.noop),
        migrations.RunSQL((SQL / "triggers.sql").read_text(), migrations.RunSQL.noop),
        migrations.RunSQL((SQL / "post.sql").read_text(), migrations.RunSQL.noop),
    ]
