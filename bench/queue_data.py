"""Invented withdrawals by the hundred thousand, of the shape that the pages of the queue read.

Rows are written set by set and no trigger runs, so nobody acted for them: every CHECK and unique constraint
holds, foreign keys hold by construction, and only what waits for a person has its audit entries, its checks and
the money that it reserves.
"""

from collections.abc import Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

PLAYERS_PER_ROW = 0.2
FIRST_PLAYER = 100_000
LEDGER_BATCH = 5_000
_FIRST = (
    "Ada Ben Carla Dario Elena Felix Greta Hugo Ines Jonas Katja Liam Marta Nils Olga Pavel Rosa Stefan Tilda Viktor"
)
_LAST = (
    "Almeida Berg Castro Dahl Eriksen Ferrari Gruber Horvat Ivanov Jansen Keller Lund Moreau Novak Olsen Petrov Rossi"
    " Santos Toth Weber"
)
# What share of all is in which state, in thousandths.
STATES = {
    "completed": 820, "under_review": 30, "second_approval": 5, "on_hold": 10, "approved": 3, "processing": 5,
    "outcome_unknown": 1, "requested": 1, "rejected": 50, "cancelled": 35, "failed": 25, "returned": 15,
}  # fmt: skip

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PLACES = [f"((m >> {5 * (6 - place)}) & 31)" for place in range(7)]
_SUM = " + ".join(f"{2 * place + 1} * {digit}" for place, digit in enumerate(_PLACES))
_LETTERS = [f"substr('{_ALPHABET}', ({digit})::int + 1, 1)" for digit in [*_PLACES, f"(({_SUM}) % 32)"]]
# The 35 bits of a reference in the spelling of withdrawals.reference, and something that looks drawn by lot.
# (Both are written so that PostgreSQL puts them in place: called a million times they would take minutes.)
_FUNCTIONS = f"""
CREATE FUNCTION pg_temp.reference(m bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT 'WD-' || {" || ".join(_LETTERS[:4])} || '-' || {" || ".join(_LETTERS[4:])}
$$;
CREATE FUNCTION pg_temp.pick(n bigint, salt int, below int) RETURNS int LANGUAGE sql IMMUTABLE AS $$
    SELECT ((hashint8extended(n, salt) & 9223372036854775807) % below)::int
$$;
"""

_PLAYERS = """
INSERT INTO kyc_player (id, external_id, name, folded_name, email, phone, country, city, language, jurisdiction,
    registered_at, self_excluded, suspended)
SELECT %(first)s + i, 'ext-' || i, name, lower(replace(name, '-', ' ')), 'player' || i || '@mail.invalid', '',
    (ARRAY['DE', 'SE', 'FI', 'BR', 'AT'])[1 + i %% 5], 'City', 'en', 'MGA',
    %(now)s::timestamptz - interval '800 days', false, false
FROM (
    SELECT i, (string_to_array(%(names)s, ' '))[1 + pg_temp.pick(i, 1, 20)] || ' '
        || (string_to_array(%(surnames)s, ' '))[1 + pg_temp.pick(i, 2, 20)] || '-'
        || (string_to_array(%(surnames)s, ' '))[1 + pg_temp.pick(i, 11, 20)] AS name
    FROM generate_series(1, %(players)s) i
) people;

INSERT INTO kyc_verification (player_id, kind, state, level, decided_at, expires_on, vendor, vendor_reference,
    recorded_at, current)
SELECT %(first)s + i, 'identity', CASE i %% 20 WHEN 0 THEN 'pending' ELSE 'verified' END, 2,
    %(now)s::timestamptz - interval '700 days', (%(now)s::timestamptz + interval '400 days')::date, 'vendor', 'v' || i,
    %(now)s::timestamptz - interval '700 days', true
FROM generate_series(1, %(players)s) i;
"""

# One for each player, and new ones for every 25th withdrawal.
_DESTINATIONS = """
INSERT INTO withdrawals_destination (id, player_id, external_id, method, account, account_digest, label, holder_name,
    country, owned, first_seen_at)
SELECT i, %(first)s + player, 'd' || i, method, 'account-' || i,
    encode(sha256(('account-' || CASE WHEN i %% 500 < 2 THEN i / 500 ELSE i END)::bytea), 'hex'),
    CASE method WHEN 'iban' THEN 'IBAN •••• ' WHEN 'card' THEN 'Visa •••• ' ELSE 'BTC bc1q…' END
        || lpad(pg_temp.pick(i, 3, 10000)::text, 4, '0'),
    p.name, p.country, true, seen
FROM (
    SELECT i, i AS player, %(now)s::timestamptz - interval '750 days' AS seen FROM generate_series(1, %(players)s) i
    UNION ALL
    SELECT %(players)s + n, 1 + pg_temp.pick(n, 4, %(players)s), asked - interval '1 hour' FROM asked WHERE n %% 25 = 0
) places
JOIN kyc_player p ON p.id = %(first)s + player,
LATERAL (
    SELECT CASE WHEN i %% 10 < 7 THEN 'iban' WHEN i %% 10 < 9 THEN 'card' ELSE 'wallet' END AS method
) kind;
"""

_ASKED = """
CREATE TEMPORARY TABLE asked AS
SELECT n, 1 + pg_temp.pick(n, 4, %(players)s) AS player,
    %(now)s::timestamptz - (%(rows)s - n) * (interval '730 days' / %(rows)s) - interval '1 minute' AS asked,
    pg_temp.pick(n, 5, 1000) AS share
FROM generate_series(1, %(rows)s) n;
CREATE TEMPORARY TABLE shares (state text, begins int, ends int);
ANALYZE asked;
"""

_WITHDRAWALS = """
INSERT INTO withdrawals_withdrawal (id, ref, player_id, destination_id, method, amount, fee, currency,
    reference_amount, requested_at, due_at, source, intake_key, request_digest, risk_score, risk_level, is_flagged,
    why, routes, state, version, next_step_at, step_tries, closed_at, approved_at, reason, hold_kind, wake_at,
    required_approvals, fingerprint, provider, provider_reference, wait_reason, created_at, has_new_details,
    player_message)
SELECT n, pg_temp.reference((n * 21474836473) %% 34359738368), %(first)s + player, d.id, d.method, amount, 0, currency,
    CASE currency WHEN 'EUR' THEN amount WHEN 'USD' THEN amount * 92 / 100 WHEN 'SEK' THEN amount * 88 / 1000 END,
    asked, asked + interval '2 hours', 'platform', 'key-' || n, md5(n::text), risk,
    CASE WHEN risk < 30 THEN 'low' WHEN risk < 60 THEN 'medium' ELSE 'high' END, risk >= 60,
    CASE WHEN waits THEN '["Limit of one person", "First withdrawal"]' ELSE '[]' END::jsonb,
    CASE d.method WHEN 'wallet' THEN '["volta"]' ELSE '["northgate", "volta"]' END::jsonb, state, 1,
    CASE WHEN state IN ('requested', 'approved', 'processing', 'outcome_unknown')
        THEN %(now)s::timestamptz + interval '1 hour' WHEN state = 'on_hold' THEN wakes END, 0,
    CASE WHEN closed THEN asked + interval '3 hours' END,
    CASE WHEN sent OR state = 'approved' THEN asked + interval '1 hour' END,
    CASE state WHEN 'rejected' THEN 'limits.blocked' WHEN 'cancelled' THEN 'player_asked'
        WHEN 'on_hold' THEN 'waiting_document' ELSE '' END,
    CASE state WHEN 'on_hold' THEN 'player' ELSE '' END, CASE state WHEN 'on_hold' THEN wakes END,
    CASE state WHEN 'second_approval' THEN 2 ELSE 1 END,
    CASE WHEN sent OR state IN ('approved', 'second_approval') THEN md5('f' || n) ELSE '' END,
    CASE WHEN sent THEN pays ELSE '' END,
    CASE WHEN state IN ('completed', 'returned') THEN left(pays, 2) || '-' || n ELSE '' END, '', asked, n %% 25 = 0,
    ''
FROM asked
JOIN shares ON share >= begins AND share < ends
JOIN withdrawals_destination d ON d.id = CASE WHEN n %% 25 = 0 THEN %(players)s + n ELSE player END,
LATERAL (
    SELECT 1000 + pg_temp.pick(n, 6, 200000) + CASE WHEN n %% 100 = 0 THEN 4000000 ELSE 0 END AS amount,
        (ARRAY['EUR', 'EUR', 'EUR', 'EUR', 'EUR', 'EUR', 'EUR', 'EUR', 'USD', 'SEK'])[1 + pg_temp.pick(n, 7, 10)]
            AS usual,
        (pg_temp.pick(n, 8, 100) * pg_temp.pick(n, 9, 100) / 100)::smallint AS risk,
        %(now)s::timestamptz + (1 + pg_temp.pick(n, 10, 300)) * interval '1 hour' AS wakes,
        state IN ('under_review', 'second_approval', 'on_hold') AS waits,
        state IN ('completed', 'rejected', 'cancelled', 'failed', 'returned') AS closed,
        state IN ('processing', 'outcome_unknown', 'completed', 'failed', 'returned') AS sent,
        CASE d.method WHEN 'wallet' THEN 'volta' ELSE 'northgate' END AS pays
) drawn,
LATERAL (SELECT CASE WHEN n %% 150 = 0 THEN 'CZK' ELSE usual END AS currency) money
ORDER BY n;
"""

# Every fourth of what was paid, and all that is on its way.
_ATTEMPTS = """
INSERT INTO withdrawals_payoutattempt (withdrawal_id, number, provider, key, amount, currency, fingerprint, trace,
    created_at, state, sent_at, request_hash, provider_reference, not_found_count, last_receipt_at, answer, answer_code)
SELECT id, 1, provider, md5('attempt' || id)::uuid, amount, currency, fingerprint, '["the first of its routes"]',
    approved_at, CASE state WHEN 'processing' THEN 'accepted' WHEN 'outcome_unknown' THEN 'unknown'
        WHEN 'completed' THEN 'paid' ELSE state END,
    approved_at, '', provider_reference, 0, closed_at, '', ''
FROM withdrawals_withdrawal
WHERE provider <> '' AND (state <> 'completed' OR id %% 4 = 0);
"""

_WAITING = """
INSERT INTO audit_auditentry (subject_type, subject_id, seq, step, action, actor_machine, reason, from_state, to_state,
    data, at, recorded_at, prev_hash, hash)
SELECT 'withdrawal', ref, step + 1, step, (ARRAY['open', 'refer'])[step + 1],
    (ARRAY['platform', 'screening'])[step + 1], '', (ARRAY['', 'requested'])[step + 1],
    (ARRAY['requested', state])[step + 1], '{}', requested_at, requested_at, '', sha256(ref::bytea)
FROM withdrawals_withdrawal, generate_series(0, 1) step
WHERE state IN ('under_review', 'second_approval', 'on_hold');
INSERT INTO audit_audithead (subject_type, subject_id, seq, hash)
SELECT subject_type, subject_id, seq, hash FROM audit_auditentry WHERE seq = 2;

INSERT INTO withdrawals_checkresult (withdrawal_id, code, version, outcome, title, short, sentence, points, evidence,
    at, is_current)
SELECT id, code, '1', outcome, title, title, title || '.', points, '{}', requested_at, true
FROM withdrawals_withdrawal,
    (VALUES ('request.limits', 'pass', 'Within limits', 0),
        ('fraud.FR01', 'review', 'Withdrawal soon after a deposit', 25)) checks (code, outcome, title, points)
WHERE state IN ('under_review', 'second_approval', 'on_hold');

INSERT INTO withdrawals_claim (withdrawal_id, owner_id, page, since, until)
SELECT id, (%(staff)s)[1 + (id %% array_length(%(staff)s, 1))], '', %(now)s,
    %(now)s::timestamptz + interval '15 minutes'
FROM withdrawals_withdrawal WHERE state = 'under_review' ORDER BY due_at, id LIMIT 20;

INSERT INTO withdrawals_decision (withdrawal_id, move, actor_id, reason, note, facts, key, version, status, decided_at,
    effective_at, ended_at, words)
SELECT id, CASE state WHEN 'completed' THEN 'approve' ELSE 'reject' END,
    (%(staff)s)[1 + (id %% array_length(%(staff)s, 1))], 'limits.blocked', '', '{}', 'd' || id, 1,
    CASE state WHEN 'under_review' THEN 'waiting' ELSE 'applied' END, at, at + interval '1 hour',
    CASE WHEN state <> 'under_review' THEN at END, ''
FROM (
    (SELECT id, state, %(now)s::timestamptz AS at FROM withdrawals_withdrawal WHERE state = 'rejected'
        ORDER BY id DESC LIMIT 300)
    UNION ALL (SELECT id, state, %(now)s FROM withdrawals_withdrawal WHERE state = 'under_review'
        ORDER BY id DESC LIMIT 5)
    UNION ALL (SELECT id, state, approved_at FROM withdrawals_withdrawal WHERE state = 'completed' AND id %% 8 = 0)
) decided;

INSERT INTO providers_providercall (provider, verb, key, method, path, status, latency_ms, outcome, words, at)
SELECT (ARRAY['northgate', 'volta'])[1 + i %% 2], 'create', '', 'POST', '/payouts', 201, 80 + i %% 200, 'answered', '',
    %(now)s::timestamptz - i * interval '20 seconds'
FROM generate_series(1, 4000) i;
"""

# The rows of the life's own sequence go on behind these.
_SEQUENCES = """
SELECT setval(pg_get_serial_sequence('kyc_player', 'id'), %(first)s + %(players)s),
    setval(pg_get_serial_sequence('withdrawals_destination', 'id'), %(players)s + %(rows)s),
    setval(pg_get_serial_sequence('withdrawals_withdrawal', 'id'), %(rows)s)
"""

_FILLED = (
    "kyc_player", "kyc_verification", "withdrawals_destination", "withdrawals_withdrawal", "withdrawals_payoutattempt",
    "withdrawals_checkresult", "withdrawals_claim", "withdrawals_decision", "audit_auditentry",
    "providers_providercall",
)  # fmt: skip

_MONEY = """
SELECT ledger_post(jsonb_agg(jsonb_build_object('key', key, 'kind', kind, 'reference', reference, 'by', 'bench',
    'at', requested_at, 'legs', jsonb_build_array(
        jsonb_build_array(giving, CASE giving WHEN 'player_cash' THEN player_id::text ELSE '' END, currency, -amount),
        jsonb_build_array(taking, player_id::text, currency, amount))) ORDER BY key))
FROM (
    SELECT *, ref || ':' || kind AS key, CASE kind WHEN 'reserve' THEN ref ELSE '' END AS reference
    FROM withdrawals_withdrawal,
        (VALUES ('deposit', 'deposit_clearing', 'player_cash'), ('reserve', 'player_cash', 'player_held'))
            entries (kind, giving, taking)
    WHERE state IN ('under_review', 'second_approval', 'on_hold') AND kind = %s
    ORDER BY id LIMIT %s OFFSET %s
) booked
"""


def fill(cursor: Any, *, rows: int, staff: Sequence[int], now: datetime) -> None:
    """Fill an empty database with ``rows`` withdrawals, over two years up to ``now``, of a fifth as many players.

    ``staff`` are the keys of those who have claimed and decided some. The login must be allowed to switch
    triggers off, which is a superuser's right.
    """
    values = {
        "rows": rows,
        "players": int(rows * PLAYERS_PER_ROW),
        "first": FIRST_PLAYER,
        "names": _FIRST,
        "surnames": _LAST,
        "staff": list(staff),
        "now": now,
    }
    with _without_triggers(cursor):
        cursor.execute(_FUNCTIONS)
        cursor.execute(_ASKED, values)
        begins = 0
        for state, share in STATES.items():
            cursor.execute("INSERT INTO shares VALUES (%s, %s, %s)", [state, begins, begins + share])
            begins += share
        for step in (_PLAYERS, _DESTINATIONS, _WITHDRAWALS, _ATTEMPTS, _WAITING, _SEQUENCES):
            cursor.execute(step, values)
    _reserve(cursor)
    cursor.execute("DROP TABLE asked, shares; DROP FUNCTION pg_temp.reference, pg_temp.pick")
    cursor.execute(f"ANALYZE {', '.join(_FILLED)}")


def _reserve(cursor: Any) -> None:
    """Book what waits for a person, through the ledger's own function: first the money, then its reserving."""
    cursor.execute(
        "SELECT count(*) FROM withdrawals_withdrawal WHERE state IN ('under_review', 'second_approval', 'on_hold')"
    )
    (waiting,) = cursor.fetchone()
    for kind in ("deposit", "reserve"):
        for offset in range(0, waiting, LEDGER_BATCH):
            cursor.execute(_MONEY, [kind, LEDGER_BATCH, offset])


@contextmanager
def _without_triggers(cursor: Any) -> Any:
    cursor.execute("SET session_replication_role = replica")
    yield
    cursor.execute("SET session_replication_role = origin")
