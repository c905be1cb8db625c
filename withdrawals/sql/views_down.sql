DROP TABLE inv.provider_stmt;
DROP VIEW inv.outbox;
DROP VIEW inv.webhook;
DROP VIEW inv.attempt;
DROP VIEW inv.approval;
DROP VIEW inv.allowed;
DROP VIEW inv.transition;
DROP VIEW inv.withdrawal;
