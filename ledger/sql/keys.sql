-- Foreign keys that refuse at once (Django's own wait for the commit). A balance has the currency and the
-- guard of its account. Postings need no keys: the trigger on them (triggers.sql) finds their entry and the
-- balance with that account, shard and currency or refuses, and neither is ever removed.
ALTER TABLE ledger_account
    ADD CONSTRAINT ledger_account_currency_known FOREIGN KEY (currency) REFERENCES ledger_currency (code);

ALTER TABLE ledger_balance
    ADD CONSTRAINT ledger_balance_of_account FOREIGN KEY (account_id, currency, guarded)
        REFERENCES ledger_account (id, currency, guarded);

ALTER TABLE ledger_entry
    ADD CONSTRAINT ledger_entry_reverses_known FOREIGN KEY (reverses_id) REFERENCES ledger_entry (id);

-- Balances are updated in place, without touching an index: leave room on their pages.
ALTER TABLE ledger_balance SET (fillfactor = 50);
