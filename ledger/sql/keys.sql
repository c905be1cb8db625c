-- Foreign keys that refuse at once (Django's own wait for the commit). A balance has the currency and the
-- guard of its account. Postings need no key to their balance: the trigger that moves it (triggers.sql)
-- finds the row with that account, shard and currency or refuses, and no balance is ever removed.
ALTER TABLE ledger_account
    ADD CONSTRAINT ledger_account_currency_known FOREIGN KEY (currency) REFERENCES ledger_currency (code);

ALTER TABLE ledger_balance
    ADD CONSTRAINT ledger_balance_of_account FOREIGN KEY (account_id, currency, guarded)
        REFERENCES ledger_account (id, currency, guarded);

ALTER TABLE ledger_entry
    ADD CONSTRAINT ledger_entry_reverses_known FOREIGN KEY (reverses_id) REFERENCES ledger_entry (id);

ALTER TABLE ledger_posting
    ADD CONSTRAINT ledger_posting_of_entry FOREIGN KEY (entry_id) REFERENCES ledger_entry (id);

-- Balances are updated in place, without touching an index: leave room on their pages.
ALTER TABLE ledger_balance SET (fillfactor = 50);
