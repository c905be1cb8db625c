-- The one statement that books. It takes a list of entries, in the order of their keys and usually of one:
--   {"key", "kind", "reference", "by", "at", "legs": [[kind, holder, currency, amount], ...],
--    and "reverses": entry id, or "undoes": [kind, reference] for the latest such entry not yet reversed}
-- and returns their ids, or books nothing. A key that is taken is answered with its first entry if the
-- content is the same; who booked it and when it happened are not content.
-- Keys, then accounts, then balances are locked, each in one order, so that two calls never deadlock.
-- The plans are generic on purpose: planning would cost more than all the rest.

-- Whether what is booked under a key is what is asked for: everything but who booked it and when it happened.
CREATE OR REPLACE FUNCTION ledger_is_same(entry jsonb, booked bigint) RETURNS boolean
    LANGUAGE sql STABLE
RETURN (
    SELECT e.kind = entry ->> 'kind' AND e.reference = entry ->> 'reference'
        AND CASE
            WHEN entry ? 'undoes' THEN jsonb_build_array(o.kind, o.reference) = entry -> 'undoes'
            ELSE e.reverses_id IS NOT DISTINCT FROM (entry ->> 'reverses')::bigint
        END
        AND entry -> 'legs' = (
            SELECT jsonb_agg(jsonb_build_array(a.kind, a.holder, p.currency, p.amount) ORDER BY p.leg)
            FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id WHERE p.entry_id = e.id
        )
    FROM ledger_entry e LEFT JOIN ledger_entry o ON o.id = e.reverses_id WHERE e.id = booked
);

-- The entry that a reversal takes back; none for an entry that undoes nothing.
CREATE OR REPLACE FUNCTION ledger_original(undoes jsonb) RETURNS bigint
    LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    original bigint;
BEGIN
    SELECT e.id INTO original FROM ledger_entry e
    WHERE e.kind = undoes ->> 0 AND e.reference = undoes ->> 1 AND e.reference <> ''
        AND NOT EXISTS (SELECT FROM ledger_entry WHERE reverses_id = e.id)
    ORDER BY e.id DESC LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'LG007', MESSAGE = format(
            'There is no %s of %s left to take back.', undoes ->> 0, undoes ->> 1);
    END IF;
    RETURN original;
END $$;

-- Says why an entry was neither new nor known: something that happens once has happened under another key.
CREATE OR REPLACE FUNCTION ledger_refuse_repetition(entry jsonb) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'LG005', MESSAGE = format(
        'Entry %s refused: %s of %s is already booked under another key, or what it reverses is reversed.',
        entry ->> 'key', entry ->> 'kind', entry ->> 'reference');
END $$;

CREATE OR REPLACE FUNCTION ledger_refuse_unbalanced(entry jsonb) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    wrong record;
BEGIN
    SELECT leg ->> 2 AS currency, sum((leg ->> 3)::numeric) AS off INTO wrong
    FROM jsonb_array_elements(entry -> 'legs') leg GROUP BY 1 HAVING sum((leg ->> 3)::numeric) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'LG001', MESSAGE = format(
            'Entry %s is off by %s; its postings must sum to zero in every currency.', entry ->> 'key',
            coalesce(ledger_words(wrong.off, wrong.currency), wrong.off || ' ' || wrong.currency));
    END IF;
END $$;

-- Opens, in one order everywhere, whatever account the entries still lack.
CREATE OR REPLACE FUNCTION ledger_open_accounts(entries jsonb) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    unknown text;
BEGIN
    SELECT leg ->> 2 INTO unknown
    FROM jsonb_array_elements(entries) entry, jsonb_array_elements(entry -> 'legs') leg
    WHERE NOT EXISTS (SELECT FROM ledger_currency WHERE code = leg ->> 2) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'LG008', MESSAGE = format('The ledger does not keep the currency %s.', unknown);
    END IF;
    INSERT INTO ledger_account (kind, holder, currency)
    SELECT DISTINCT leg ->> 0, leg ->> 1, leg ->> 2
    FROM jsonb_array_elements(entries) entry, jsonb_array_elements(entry -> 'legs') leg
    ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING;
END $$;

CREATE OR REPLACE FUNCTION ledger_post(entries jsonb) RETURNS bigint[]
    LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    house_shard CONSTANT smallint := 1 + floor(random() * 16);
    ids bigint[];
    entry jsonb;
    name text;
    booked_id bigint;
    is_new boolean;
    original bigint;
    reversals bigint[] := '{}';
    legs jsonb;
    leg jsonb;
    in_currency text;
    moved bigint;
    account record;
    total numeric;
    one_currency text;
    line ledger_posting;
    lines ledger_posting[];
BEGIN
    FOR e IN 0 .. jsonb_array_length(entries) - 1 LOOP
        entry := entries -> e;
        name := entry ->> 'key';
        is_new := false;
        SELECT id INTO booked_id FROM ledger_entry WHERE key = name;
        IF NOT FOUND THEN
            original := coalesce((entry ->> 'reverses')::bigint, ledger_original(entry -> 'undoes'));
            INSERT INTO ledger_entry (key, kind, reference, reverses_id, occurred_at, posted_by)
            VALUES (name, entry ->> 'kind', entry ->> 'reference', original,
                (entry ->> 'at')::timestamptz, entry ->> 'by')
            ON CONFLICT DO NOTHING RETURNING id INTO booked_id;
            is_new := FOUND;
            IF NOT is_new THEN
                -- Somebody else booked it while we waited for the index.
                SELECT id INTO booked_id FROM ledger_entry WHERE key = name;
                IF NOT FOUND THEN
                    PERFORM ledger_refuse_repetition(entry);
                END IF;
            END IF;
        END IF;
        ids := ids || booked_id;
        IF NOT is_new THEN
            IF NOT ledger_is_same(entry, booked_id) THEN
                RAISE EXCEPTION USING ERRCODE = 'LG003', MESSAGE = format(
                    'The key %s is taken by entry %s, which has other content.', name, booked_id);
            END IF;
            CONTINUE;
        END IF;
        IF original IS NOT NULL THEN
            reversals := reversals || booked_id;
        END IF;

        legs := entry -> 'legs';
        total := 0;
        one_currency := legs #>> '{0,2}';
        FOR l IN 0 .. jsonb_array_length(legs) - 1 LOOP
            leg := legs -> l;
            in_currency := leg ->> 2;
            moved := leg ->> 3;
            SELECT id, guarded INTO account FROM ledger_account
            WHERE holder = leg ->> 1 AND kind = leg ->> 0 AND currency = in_currency;
            IF NOT FOUND THEN
                PERFORM ledger_open_accounts(entries);
                SELECT id, guarded INTO STRICT account FROM ledger_account
                WHERE holder = leg ->> 1 AND kind = leg ->> 0 AND currency = in_currency;
            END IF;
            line.entry_id := booked_id;
            line.leg := l + 1;
            line.account_id := account.id;
            line.shard := CASE WHEN account.guarded THEN 0 ELSE house_shard END;
            line.currency := in_currency;
            line.amount := moved;
            lines := lines || line;
            total := total + moved;
            IF in_currency <> one_currency THEN
                one_currency := NULL;
            END IF;
        END LOOP;
        IF total <> 0 OR one_currency IS NULL THEN
            PERFORM ledger_refuse_unbalanced(entry);
        END IF;
    END LOOP;

    INSERT INTO ledger_posting (entry_id, leg, account_id, shard, currency, amount)
    SELECT l.entry_id, l.leg, l.account_id, l.shard, l.currency, l.amount FROM unnest(lines) l;
    FOREACH original IN ARRAY reversals LOOP
        PERFORM ledger_refuse_other_reversal(original);
    END LOOP;
    RETURN ids;
END $$;
