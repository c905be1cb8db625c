-- Numbers and chains an audit entry. The row of audit_audithead is the lock of one subject's chain,
-- so two writers of one subject queue up and writers of different subjects never meet.
CREATE OR REPLACE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head audit_audithead%ROWTYPE;
BEGIN
    INSERT INTO audit_audithead AS h (subject_type, subject_id, seq, hash)
    VALUES (NEW.subject_type, NEW.subject_id, 0, '\x00')
    ON CONFLICT (subject_type, subject_id) DO UPDATE SET seq = h.seq
    RETURNING * INTO head;

    NEW.seq := head.seq + 1;
    NEW.recorded_at := clock_timestamp();
    NEW.prev_hash := head.hash;
    NEW.hash := sha256(NEW.prev_hash || convert_to(audit_body(NEW), 'UTF8'));

    UPDATE audit_audithead SET seq = NEW.seq, hash = NEW.hash WHERE id = head.id;
    RETURN NEW;
END
$$;

-- What the hash covers: everything that an entry says. The verifier calls the same function.
CREATE OR REPLACE FUNCTION audit_body(e audit_auditentry) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_array(
        e.subject_type, e.subject_id, e.seq, e.step, e.action, e.actor_user_id, e.actor_machine,
        e.reason, e.from_state, e.to_state, e.data,
        extract(epoch FROM e.at), extract(epoch FROM e.recorded_at)
    )::text
$$;

CREATE TRIGGER audit_chain BEFORE INSERT ON audit_auditentry
FOR EACH ROW EXECUTE FUNCTION audit_chain();

CREATE SCHEMA IF NOT EXISTS inv;
CREATE VIEW inv.audit AS
SELECT subject_type || ':' || subject_id AS chain, seq, audit_body(e) AS body, prev_hash AS prev, hash
FROM audit_auditentry e;
CREATE VIEW inv.audit_head AS
SELECT subject_type || ':' || subject_id AS chain, seq, hash FROM audit_audithead;
