-- Foreign keys that refuse at once (Django's own wait for the commit) and that span several columns:
-- a balance has the currency and the guard of its account, a posting the currency of its balance.
-- Postings point at the shard they move, which their transaction locks anyway, and not at the
-- account, whose row every posting of the house would otherwise have to share.
ALTER TABLE ledger_account
    ADD CONSTRAINT ledger_account_currency_known FOREIGN KEY (currency) REFERENCES ledger_currency (code);

ALTER TABLE ledger_balance
    ADD CONSTRAINT ledger_balance_of_account FOREIGN KEY (account_id, currency, guarded)
        REFERENCES ledger_account (id, currency, guarded);

ALTER TABLE ledger_entry
    ADD CONSTRAINT ledger_entry_reverses_known FOREIGN KEY (reverses_id) REFERENCES ledger_entry (id);

ALTER TABLE ledger_posting
    ADD CONSTRAINT ledger_posting_of_entry FOREIGN KEY (entry_id) REFERENCES ledger_entry (id),
    ADD CONSTRAINT ledger_posting_of_balance FOREIGN KEY (account_id, shard, currency)
        REFERENCES ledger_balance (account_id, shard, currency);

-- What an entry must say. A function, because PostgreSQL reads a long CHECK anew for every statement,
-- which made a booking a third slower.
CREATE FUNCTION ledger_entry_fits(kind text, key text, reference text, reverses bigint, posted_by text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN key <> '' AND posted_by <> '' AND CASE
        WHEN kind IN ('deposit', 'stake', 'win', 'bonus_grant', 'bonus_convert') THEN reverses IS NULL
        WHEN kind IN ('reserve', 'to_transit', 'settle', 'freeze', 'returned', 'return_received', 'paid_after_release')
            THEN reference <> '' AND reverses IS NULL
        WHEN kind IN ('unreserve', 'back_from_transit', 'unfreeze', 'give_back', 'reissue')
            THEN reference <> '' AND reverses IS NOT NULL
        ELSE false
    END;
END $$;

ALTER TABLE ledger_entry
    ADD CONSTRAINT ledger_entry_fits CHECK (ledger_entry_fits(kind, key, reference, reverses_id, posted_by));

-- Balances are updated in place, without touching an index: leave room on their pages.
ALTER TABLE ledger_balance SET (fillfactor = 50);
