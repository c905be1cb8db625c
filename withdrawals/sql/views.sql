-- Read-only truth for a checker that knows nothing of our tables. Columns as the checker expects them.
CREATE SCHEMA IF NOT EXISTS inv;

CREATE OR REPLACE VIEW inv.withdrawal AS
SELECT w.ref AS withdrawal_id, w.player_id::text AS player_id, NULL::bigint AS requested_by, w.currency,
       w.amount::numeric(60, 0) AS amount, w.state, w.hold_kind,
       w.state IN ('requested', 'under_review', 'second_approval', 'on_hold', 'approved') AS is_open,
       w.required_approvals, w.source, w.intake_key, w.created_at, w.fingerprint AS digest,
       w.destination_id::text AS payee_id, w.reference_amount, nullif(w.provider, '') AS provider
FROM withdrawals_withdrawal w;

CREATE OR REPLACE VIEW inv.transition AS
SELECT subject_id AS withdrawal_id, step AS seq, from_state, to_state, action,
       coalesce('staff:' || actor_user_id, actor_machine) AS actor_id, at, recorded_at
FROM audit_auditentry WHERE subject_type = 'withdrawal' AND step IS NOT NULL;

CREATE OR REPLACE VIEW inv.allowed AS
SELECT * FROM (VALUES
    ('', 'requested'),
    ('approved', 'cancelled'),
    ('approved', 'on_hold'),
    ('approved', 'processing'),
    ('approved', 'under_review'),
    ('completed', 'returned'),
    ('on_hold', 'cancelled'),
    ('on_hold', 'rejected'),
    ('on_hold', 'under_review'),
    ('outcome_unknown', 'completed'),
    ('outcome_unknown', 'failed'),
    ('outcome_unknown', 'processing'),
    ('processing', 'approved'),
    ('processing', 'completed'),
    ('processing', 'failed'),
    ('processing', 'outcome_unknown'),
    ('requested', 'approved'),
    ('requested', 'cancelled'),
    ('requested', 'rejected'),
    ('requested', 'under_review'),
    ('second_approval', 'approved'),
    ('second_approval', 'cancelled'),
    ('second_approval', 'on_hold'),
    ('second_approval', 'rejected'),
    ('second_approval', 'under_review'),
    ('under_review', 'approved'),
    ('under_review', 'cancelled'),
    ('under_review', 'on_hold'),
    ('under_review', 'rejected'),
    ('under_review', 'second_approval')
) AS edge (from_state, to_state);

CREATE OR REPLACE VIEW inv.approval AS
SELECT w.ref AS withdrawal_id, 'staff:' || a.approver_id AS approver_id, 'approve'::text AS decision,
       a.fingerprint AS digest, a.at, a.voided_at
FROM withdrawals_approval a JOIN withdrawals_withdrawal w ON w.id = a.withdrawal_id;

CREATE OR REPLACE VIEW inv.check_result AS
SELECT w.ref AS withdrawal_id, c.code, c.outcome, c.at, c.is_current
FROM withdrawals_checkresult c JOIN withdrawals_withdrawal w ON w.id = c.withdrawal_id;

CREATE OR REPLACE VIEW inv.attempt AS
SELECT a.id AS attempt_id, w.ref AS withdrawal_id, a.number AS attempt_no, a.provider, a.key::text AS idem_key,
       nullif(a.provider_reference, '') AS provider_ref, a.amount::numeric(60, 0) AS amount, a.currency, a.state,
       a.created_at, a.fingerprint AS digest, w.fee::numeric(60, 0) AS fee
FROM withdrawals_payoutattempt a JOIN withdrawals_withdrawal w ON w.id = a.withdrawal_id;

CREATE OR REPLACE VIEW inv.finding AS
SELECT f.id AS finding_id, w.ref AS withdrawal_id, f.kind, f.stops_payouts, f.at, f.resolved_at
FROM withdrawals_finding f LEFT JOIN withdrawals_withdrawal w ON w.id = f.withdrawal_id;

CREATE OR REPLACE VIEW inv.webhook AS
SELECT provider, event_id, verified, received_at AS received, applied_at AS applied FROM providers_webhookdelivery;

CREATE OR REPLACE VIEW inv.outbox AS
SELECT n.id, 'platform'::text AS topic, w.ref || ':' || n.version AS ref, n.created_at AS created,
       n.delivered_at AS done, n.tries
FROM withdrawals_notification n JOIN withdrawals_withdrawal w ON w.id = n.withdrawal_id
-- Out of the queue untried: nobody wants to be told.
WHERE n.tries > 0 OR n.next_try_at IS NOT NULL OR n.delivered_at IS NOT NULL;

-- What providers say they did: empty here, filled for the time of a check from their own books.
CREATE TABLE IF NOT EXISTS inv.provider_stmt (
    provider text NOT NULL, provider_ref text NOT NULL, idem_key text NOT NULL, amount numeric(60, 0) NOT NULL,
    currency text NOT NULL, status text NOT NULL, customer_ref text NOT NULL
);
