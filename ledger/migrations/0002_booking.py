"""Foreign keys, triggers and the stored function that books: read them in ledger/sql."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"

REMOVE_FUNCTIONS = """
    DROP FUNCTION ledger_post, ledger_open_accounts, ledger_refuse_unbalanced, ledger_refuse_repetition,
        ledger_original, ledger_is_same;
"""
REMOVE_TRIGGERS = """
    DROP FUNCTION ledger_account_opened, ledger_postings_booked, ledger_entry_complete, ledger_refuse_change,
        ledger_refuse_other_reversal, ledger_refuse_wrong_postings, ledger_refuse_move, ledger_words CASCADE;
"""
REMOVE_KEYS = """
    ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_reverses_known;
    ALTER TABLE ledger_balance DROP CONSTRAINT ledger_balance_of_account;
    ALTER TABLE ledger_account DROP CONSTRAINT ledger_account_currency_known;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [
        migrations.RunSQL((SQL / "keys.sql").read_text(), REMOVE_KEYS),
        migrations.RunSQL((SQL / "triggers.sql").read_text(), REMOVE_TRIGGERS),
        migrations.RunSQL((SQL / "post.sql").read_text(), REMOVE_FUNCTIONS),
    ]
