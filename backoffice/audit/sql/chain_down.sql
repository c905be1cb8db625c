DROP VIEW inv.audit_head;
DROP VIEW inv.audit;
DROP TRIGGER audit_chain ON audit_auditentry;
DROP FUNCTION audit_chain();
DROP FUNCTION audit_body(audit_auditentry);
