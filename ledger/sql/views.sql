-- The ledger as the invariants see it (schema inv): signed minor units as exact numerics, one row per
-- account whatever its shards, and the words that reliability checks use for kinds.
CREATE SCHEMA IF NOT EXISTS inv;

CREATE VIEW inv.currency AS
SELECT code::text, exponent FROM ledger_currency;

CREATE VIEW inv.account AS
SELECT a.id AS account_id,
    CASE
        WHEN a.kind = 'player_held' THEN 'player_hold'
        WHEN a.guarded THEN a.kind::text
        WHEN a.kind = 'provider_float' THEN 'provider_clearing'
        WHEN a.kind IN ('fee_income', 'provider_fees') THEN 'fees'
        WHEN a.kind IN ('deposit_clearing', 'game_result', 'bonus_cost') THEN 'world'
        ELSE 'suspense'
    END AS kind,
    a.kind::text AS own_kind,
    CASE WHEN a.guarded OR a.kind = 'overpaid_receivable' THEN a.holder::text END AS player_id,
    CASE
        WHEN a.kind IN ('payout_in_transit', 'returns_held', 'returns_receivable', 'provider_float', 'provider_fees')
        THEN a.holder::text
    END AS provider,
    a.currency::text,
    (SELECT coalesce(sum(b.amount), 0)::numeric(60, 0) FROM ledger_balance b WHERE b.account_id = a.id) AS balance,
    NOT a.guarded AS allow_negative
FROM ledger_account a;

CREATE VIEW inv.entry AS
SELECT id AS entry_id,
    CASE kind
        WHEN 'reserve' THEN 'hold'
        WHEN 'reissue' THEN 'hold'
        WHEN 'unreserve' THEN 'release'
        WHEN 'returned' THEN 'return'
        ELSE kind::text
    END AS kind,
    nullif(reference, '')::text AS withdrawal_id,
    key::text AS idem_key,
    reverses_id AS reverses,
    occurred_at,
    booked_at
FROM ledger_entry;

CREATE VIEW inv.posting AS
SELECT entry_id || '.' || leg AS posting_id, entry_id, account_id, currency::text, amount::numeric(60, 0) AS amount
FROM ledger_posting;
