-- What the database does and refuses by itself, whoever writes.
-- Error codes LG001 to LG009 are translated in ledger/operations.py.

-- An amount in whole units of its currency, for messages.
CREATE OR REPLACE FUNCTION ledger_words(amount numeric, in_currency text) RETURNS text
    LANGUAGE sql STABLE
RETURN (
    SELECT round(amount / 10::numeric ^ c.exponent, c.exponent) || ' ' || c.code
    FROM ledger_currency c WHERE c.code = in_currency
);

-- An account comes with its balance rows: one if it is guarded, sixteen if it may go below zero.
CREATE OR REPLACE FUNCTION ledger_account_opened() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_balance (account_id, shard, currency, guarded, amount)
    SELECT NEW.id, shard, NEW.currency, NEW.guarded, 0
    FROM generate_series(CASE WHEN NEW.guarded THEN 0 ELSE 1 END, CASE WHEN NEW.guarded THEN 0 ELSE 16 END) shard;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER ledger_account_opened AFTER INSERT ON ledger_account
    FOR EACH ROW EXECUTE FUNCTION ledger_account_opened();

-- Says why a balance could not be moved.
CREATE OR REPLACE FUNCTION ledger_refuse_move(account bigint, of_shard smallint, in_currency text, total numeric) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    kept record;
    purse text;
BEGIN
    SELECT a.kind, a.holder, a.guarded, b.currency, b.amount INTO kept
    FROM ledger_balance b JOIN ledger_account a ON a.id = b.account_id
    WHERE b.account_id = account AND b.shard = of_shard AND b.currency = in_currency;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'LG009', MESSAGE = format(
            'There is no account %s with a balance %s in %s.', account, of_shard, in_currency);
    END IF;
    purse := format('%s of %s', kept.kind, coalesce(nullif(kept.holder, ''), 'the house'));
    IF kept.guarded AND kept.amount + total < 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = format(
            '%s holds %s; %s cannot be taken from it, because it may not go below zero.',
            purse, ledger_words(kept.amount, kept.currency), ledger_words(-total, kept.currency));
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'LG006', MESSAGE = format(
        '%s holds %s; with %s more the balance would not fit 64 bits.',
        purse, ledger_words(kept.amount, kept.currency), ledger_words(total, kept.currency));
END $$;

-- Says what is wrong with the postings of an entry, if anything is.
CREATE OR REPLACE FUNCTION ledger_refuse_wrong_postings(of_entry bigint, lines bigint, first smallint) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    wrong record;
BEGIN
    PERFORM FROM ledger_entry WHERE id = of_entry;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'LG001', MESSAGE = format('There is no entry %s to post to.', of_entry);
    END IF;
    IF lines < 2 OR first <> 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'LG001', MESSAGE = format(
            'The postings of entry %s must be two or more, numbered from 1, all in one statement.', of_entry);
    END IF;
    -- Numbered from 1, they are all the postings that the entry has.
    SELECT currency, sum(amount) AS off INTO wrong
    FROM ledger_posting WHERE entry_id = of_entry GROUP BY currency HAVING sum(amount) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'LG001', MESSAGE = format(
            'The postings of entry %s are off by %s; they must sum to zero in every currency.',
            of_entry, ledger_words(abs(wrong.off), wrong.currency));
    END IF;
END $$;

-- Postings move balances. All lines of an entry come in one statement and sum to zero per currency;
-- as they are numbered from 1, the primary key refuses a line that is added later.
-- Locks are taken in one order everywhere: players first, then the shards of the house, each by number.
CREATE OR REPLACE FUNCTION ledger_postings_booked() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    part record;
BEGIN
    -- One pass: each entry as a whole, then each balance that they move.
    FOR part IN
        SELECT entry_id, account_id, shard, currency, sum(amount) AS total, count(*) AS lines, min(leg) AS first,
            min(currency) <> max(currency) AS is_mixed
        FROM booked GROUP BY GROUPING SETS ((entry_id), (account_id, shard, currency))
        ORDER BY shard > 0 NULLS FIRST, account_id, shard
    LOOP
        IF part.entry_id IS NOT NULL THEN
            IF part.total <> 0 OR part.first <> 1 OR part.lines < 2 OR part.is_mixed
                OR NOT EXISTS (SELECT FROM ledger_entry WHERE id = part.entry_id)
            THEN
                PERFORM ledger_refuse_wrong_postings(part.entry_id, part.lines, part.first);
            END IF;
            CONTINUE;
        END IF;
        UPDATE ledger_balance SET amount = amount + part.total
        WHERE account_id = part.account_id AND shard = part.shard AND currency = part.currency
            AND amount + part.total BETWEEN CASE WHEN guarded THEN 0 ELSE -9223372036854775808 END
                AND 9223372036854775807;
        IF NOT FOUND THEN
            PERFORM ledger_refuse_move(part.account_id, part.shard, part.currency, part.total);
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER ledger_postings_booked AFTER INSERT ON ledger_posting
    REFERENCING NEW TABLE AS booked FOR EACH STATEMENT EXECUTE FUNCTION ledger_postings_booked();

-- A reversal moves what it takes back, and nothing else, by exactly the amounts of the original. Money
-- that came back from a provider goes on to another account of the player; that leg is its own.
CREATE OR REPLACE FUNCTION ledger_refuse_other_reversal(reversal bigint) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    entry ledger_entry;
    is_exact boolean;
BEGIN
    SELECT * INTO STRICT entry FROM ledger_entry WHERE id = reversal;
    SELECT bool_and(coalesce(back = -forth, false)) INTO is_exact FROM (
        SELECT sum(amount) FILTER (WHERE entry_id = entry.id) AS back,
            sum(amount) FILTER (WHERE entry_id = entry.reverses_id) AS forth
        FROM ledger_posting WHERE entry_id IN (entry.id, entry.reverses_id) GROUP BY account_id
    ) line
    WHERE entry.kind NOT IN ('give_back', 'reissue') OR (back IS NOT NULL AND forth IS NOT NULL);
    IF is_exact IS NOT TRUE THEN
        RAISE EXCEPTION USING ERRCODE = 'LG007', MESSAGE = format(
            'Entry %s does not take back what entry %s booked, which it says it reverses.',
            entry.key, entry.reverses_id);
    END IF;
END $$;

-- At the end of the transaction: no entry that does not say what it must, without lines, or reversing
-- something else. Not a CHECK, which PostgreSQL would read anew for every statement: that is measurable.
CREATE OR REPLACE FUNCTION ledger_entry_complete() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    is_said CONSTANT boolean := NEW.key <> '' AND NEW.posted_by <> '' AND CASE
        WHEN NEW.kind IN ('deposit', 'stake', 'win', 'bonus_grant', 'bonus_convert') THEN NEW.reverses_id IS NULL
        WHEN NEW.kind IN (
            'reserve', 'to_transit', 'settle', 'freeze', 'returned', 'return_received', 'paid_after_release'
        ) THEN NEW.reference <> '' AND NEW.reverses_id IS NULL
        WHEN NEW.kind IN ('unreserve', 'back_from_transit', 'unfreeze', 'give_back', 'reissue', 'overpaid_returned')
            THEN NEW.reference <> '' AND NEW.reverses_id IS NOT NULL
        ELSE false
    END;
BEGIN
    IF NOT is_said THEN
        RAISE EXCEPTION USING ERRCODE = 'LG009', MESSAGE = format(
            'Entry "%s" of the kind "%s" lacks a key, who booked it, the withdrawal or what it reverses, '
            'or there is no such kind.', NEW.key, NEW.kind);
    END IF;
    PERFORM FROM ledger_posting WHERE entry_id = NEW.id AND leg = 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'LG001', MESSAGE = format('Entry %s has no postings.', NEW.key);
    END IF;
    IF NEW.reverses_id IS NOT NULL THEN
        PERFORM ledger_refuse_other_reversal(NEW.id);
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS ledger_entry_complete ON ledger_entry;
CREATE CONSTRAINT TRIGGER ledger_entry_complete AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_complete();

-- Booked for good.
CREATE OR REPLACE FUNCTION ledger_refuse_change() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'LG004', MESSAGE = format(
        'What is booked is never changed or removed: %s on %s refused.', TG_OP, TG_TABLE_NAME);
END $$;

CREATE OR REPLACE TRIGGER ledger_currency_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_currency
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE OR REPLACE TRIGGER ledger_account_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_account
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE OR REPLACE TRIGGER ledger_entry_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE OR REPLACE TRIGGER ledger_posting_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_posting
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE OR REPLACE TRIGGER ledger_balance_kept BEFORE DELETE OR TRUNCATE ON ledger_balance
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
-- Only the two triggers above write balances: whoever comes directly is at depth 0.
CREATE OR REPLACE TRIGGER ledger_balance_moved_by_postings BEFORE INSERT OR UPDATE ON ledger_balance
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger_refuse_change();
