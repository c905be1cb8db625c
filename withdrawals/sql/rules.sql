-- What the database itself knows about withdrawals. Each rule is also kept by the code, which says it
-- in friendlier words; these hold when the code is wrong or goes round.

-- State and ledger agree, and every state was written down: checked when the transaction commits.
-- A session plans this once; planned over empty tables it would read them whole ever after.
CREATE OR REPLACE FUNCTION withdrawal_agrees() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    w withdrawals_withdrawal%ROWTYPE;
    held bigint;
    frozen bigint;
    transit bigint;
    with_provider bigint;
    is_open boolean;
    is_frozen boolean;
BEGIN
    SELECT * INTO w FROM withdrawals_withdrawal WHERE id = NEW.id;
    is_open := w.state IN ('requested', 'under_review', 'second_approval', 'on_hold', 'approved');
    is_frozen := w.state = 'on_hold' AND w.hold_kind = 'legal';
    SELECT coalesce(sum(p.amount) FILTER (WHERE a.kind = 'player_held'), 0),
           coalesce(sum(p.amount) FILTER (WHERE a.kind = 'legal_hold'), 0),
           coalesce(sum(p.amount) FILTER (WHERE a.kind = 'payout_in_transit'), 0),
           coalesce(sum(p.amount) FILTER (WHERE a.kind = 'payout_in_transit' AND a.holder = w.provider), 0)
    INTO held, frozen, transit, with_provider
    FROM ledger_entry e
    JOIN ledger_posting p ON p.entry_id = e.id
    JOIN ledger_account a ON a.id = p.account_id
    WHERE e.reference = w.ref;

    IF held <> (CASE WHEN is_open AND NOT is_frozen THEN w.amount ELSE 0 END) THEN
        RAISE EXCEPTION 'withdrawal % is % but % of % is reserved', w.ref, w.state, held, w.amount
            USING ERRCODE = 'check_violation', CONSTRAINT = 'withdrawal_agrees_with_ledger';
    END IF;
    IF frozen <> (CASE WHEN is_frozen THEN w.amount ELSE 0 END) THEN
        RAISE EXCEPTION 'withdrawal % is % but % of % is frozen', w.ref, w.state, frozen, w.amount
            USING ERRCODE = 'check_violation', CONSTRAINT = 'withdrawal_agrees_with_ledger';
    END IF;
    IF transit <> with_provider
       OR transit <> (CASE WHEN w.state IN ('processing', 'outcome_unknown') THEN w.amount ELSE 0 END) THEN
        RAISE EXCEPTION 'withdrawal % is % but % of % is in transit', w.ref, w.state, transit, w.amount
            USING ERRCODE = 'check_violation', CONSTRAINT = 'withdrawal_agrees_with_ledger';
    END IF;
    IF NOT EXISTS (
        SELECT FROM audit_auditentry
        WHERE subject_type = 'withdrawal' AND subject_id = w.ref AND step = w.version AND to_state = w.state
    ) THEN
        RAISE EXCEPTION 'withdrawal % became % without an audit entry for version %', w.ref, w.state, w.version
            USING ERRCODE = 'check_violation', CONSTRAINT = 'withdrawal_is_audited';
    END IF;
    RETURN NULL;
END
$$;
DROP TRIGGER IF EXISTS withdrawal_agrees_on_insert ON withdrawals_withdrawal;
CREATE CONSTRAINT TRIGGER withdrawal_agrees_on_insert AFTER INSERT ON withdrawals_withdrawal
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION withdrawal_agrees();
DROP TRIGGER IF EXISTS withdrawal_agrees_on_update ON withdrawals_withdrawal;
CREATE CONSTRAINT TRIGGER withdrawal_agrees_on_update AFTER UPDATE OF state, version ON withdrawals_withdrawal
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION withdrawal_agrees();

-- Every check has run, and none has a concern.
CREATE OR REPLACE FUNCTION withdrawal_is_clean(pk bigint) RETURNS boolean LANGUAGE sql STABLE
RETURN (
    SELECT count(*) > 0 AND bool_and(outcome IN ('pass', 'note'))
    FROM withdrawals_checkresult WHERE withdrawal_id = pk AND is_current
);

-- Nothing is approved, paid, refused or given back while a provider says that the money went out already
-- and nobody has settled that.
CREATE OR REPLACE FUNCTION withdrawal_undisputed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM withdrawals_finding
        WHERE withdrawal_id = NEW.id AND resolved_at IS NULL AND stops_payouts
    ) THEN
        RAISE EXCEPTION 'the money of withdrawal % may be out already', NEW.ref
            USING ERRCODE = 'check_violation', CONSTRAINT = 'withdrawal_is_undisputed';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER withdrawal_undisputed BEFORE UPDATE OF state ON withdrawals_withdrawal FOR EACH ROW
WHEN (OLD.state IN ('requested', 'under_review', 'second_approval', 'on_hold', 'approved')
      AND NEW.state IN ('second_approval', 'approved', 'processing', 'rejected', 'cancelled')
      AND NEW.state IS DISTINCT FROM OLD.state)
EXECUTE FUNCTION withdrawal_undisputed();

-- Entering approved or second approval: enough different people, all for the same content, and whoever
-- confirms decided nothing on it before. The two amounts are those of withdrawals/policy.py.
CREATE OR REPLACE FUNCTION withdrawal_approvals() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    people int;
    digests int;
    last_approver bigint;
    wanted int := NEW.required_approvals;
BEGIN
    IF NEW.state = 'approved' AND OLD.state = 'processing' THEN
        RETURN NEW; -- the approval of the first attempt still counts
    END IF;
    SELECT count(DISTINCT approver_id), count(DISTINCT fingerprint), (array_agg(approver_id ORDER BY id DESC))[1]
    INTO people, digests, last_approver
    FROM withdrawals_approval WHERE withdrawal_id = NEW.id AND voided_at IS NULL;

    IF NEW.state = 'second_approval' THEN
        wanted := 1;
    ELSIF OLD.state = 'second_approval' OR NEW.reference_amount IS NULL OR NEW.reference_amount > 1000000 THEN
        wanted := greatest(wanted, 2);
    ELSIF OLD.state = 'requested' AND NOT (NEW.reference_amount <= 100000 AND withdrawal_is_clean(NEW.id)) THEN
        wanted := greatest(wanted, 1);
    END IF;
    IF people < wanted OR digests > 1 THEN
        RAISE EXCEPTION 'withdrawal % needs % approvals of the same content, it has % of %',
            NEW.ref, wanted, people, digests
            USING ERRCODE = 'check_violation', CONSTRAINT = 'withdrawal_has_its_approvals';
    END IF;
    IF NEW.state = 'approved' AND OLD.state = 'second_approval' AND EXISTS (
        SELECT FROM audit_auditentry
        WHERE subject_type = 'withdrawal' AND subject_id = NEW.ref AND step IS NOT NULL
          AND actor_user_id = last_approver
    ) THEN
        RAISE EXCEPTION 'withdrawal % must be confirmed by somebody who decided nothing on it before', NEW.ref
            USING ERRCODE = 'check_violation', CONSTRAINT = 'withdrawal_has_its_approvals';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER withdrawal_approvals BEFORE UPDATE OF state ON withdrawals_withdrawal FOR EACH ROW
WHEN (NEW.state IN ('approved', 'second_approval') AND NEW.state IS DISTINCT FROM OLD.state)
EXECUTE FUNCTION withdrawal_approvals();

-- The house's limits, under one lock for all approvals: row locks protect rows, not a sum over rows.
CREATE OR REPLACE FUNCTION withdrawal_house_limits() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    cap record;
    used bigint;
    counted bigint;
BEGIN
    IF OLD.state = 'processing' THEN
        RETURN NEW; -- back for another try: it was counted when it was approved
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('withdrawals.house_limits'));
    FOR cap IN
        SELECT cap_amount, cap_count,
               CASE period WHEN 'day' THEN interval '1 day' WHEN 'week' THEN interval '7 days'
                           ELSE interval '30 days' END AS length
        FROM withdrawals_limit WHERE scope = 'house' AND effect = 'block' AND period <> 'request'
    LOOP
        SELECT coalesce(sum(reference_amount), 0), count(*) INTO used, counted
        FROM withdrawals_withdrawal
        WHERE approved_at > NEW.approved_at - cap.length AND id <> NEW.id
          AND state IN ('approved', 'processing', 'outcome_unknown', 'completed');
        IF used + coalesce(NEW.reference_amount, 0) > cap.cap_amount OR counted + 1 > cap.cap_count THEN
            RAISE EXCEPTION 'approving withdrawal % would pass the limit of the house', NEW.ref
                USING ERRCODE = 'check_violation', CONSTRAINT = 'house_limit';
        END IF;
    END LOOP;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER withdrawal_house_limits BEFORE UPDATE OF state ON withdrawals_withdrawal FOR EACH ROW
WHEN (NEW.state = 'approved' AND NEW.state IS DISTINCT FROM OLD.state)
EXECUTE FUNCTION withdrawal_house_limits();

-- An attempt begins only while its withdrawal is approved or processing, for its amount and currency,
-- and for what was approved.
CREATE OR REPLACE FUNCTION attempt_matches() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    w withdrawals_withdrawal%ROWTYPE;
BEGIN
    SELECT * INTO w FROM withdrawals_withdrawal WHERE id = NEW.withdrawal_id;
    IF w.state NOT IN ('approved', 'processing') OR NEW.amount <> w.amount - w.fee OR NEW.currency <> w.currency
       OR NEW.fingerprint <> w.fingerprint THEN
        RAISE EXCEPTION 'attempt % of withdrawal % does not match what was approved', NEW.number, w.ref
            USING ERRCODE = 'check_violation', CONSTRAINT = 'attempt_matches_withdrawal';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER attempt_matches BEFORE INSERT ON withdrawals_payoutattempt
FOR EACH ROW EXECUTE FUNCTION attempt_matches();
