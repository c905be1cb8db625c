"""Where the money of a withdrawal came from, in sums: from the last payout to the balance of today, to the cent.

The sums come from the postings, the last figure from the balance that the database keeps. What they differ by
is money that nobody can explain: guards.require_explained says who may let it go.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from withdrawals.models import Withdrawal

logger = logging.getLogger(__name__)

# The sums that lead from the balance after the last payout to the balance before this one.
PARTS = ("deposits", "stakes", "wins", "bonus", "returned", "others")


@dataclass(frozen=True, slots=True)
class Statement:
    """Minor units of the withdrawal's currency. ``since``: the last payout before it, if there was one.

    ``sums`` has PARTS, ``before`` (the balance after the last payout) and ``deposit_count``.
    """

    since: datetime | None
    sums: dict[str, int]
    now: int
    left: int
    unexplained: int


_STATEMENT = """
    WITH last AS (
        SELECT coalesce(max(id), 0) AS entry_id, max(occurred_at) AS at
        FROM ledger_entry
        WHERE kind = 'reserve' AND reference = (
            SELECT ref FROM withdrawals_withdrawal
            WHERE player_id = %(player)s AND currency = %(currency)s AND state = 'completed'
              AND requested_at < %(requested_at)s
            ORDER BY requested_at DESC, id DESC LIMIT 1
        )
    ), purse AS (
        SELECT id FROM ledger_account WHERE kind = 'player_cash' AND holder = %(holder)s AND currency = %(currency)s
    ), posted AS (
        SELECT p.amount, e.kind, e.reference, p.entry_id > last.entry_id AS is_since
        FROM last, purse JOIN ledger_posting p ON p.account_id = purse.id JOIN ledger_entry e ON e.id = p.entry_id
    )
    SELECT (SELECT at FROM last),
           (SELECT sum(b.amount) FROM ledger_balance b JOIN purse ON purse.id = b.account_id),
           sum(amount) FILTER (WHERE NOT is_since),
           count(*) FILTER (WHERE is_since AND kind = 'deposit'),
           sum(amount) FILTER (WHERE is_since AND kind = 'deposit'),
           sum(amount) FILTER (WHERE is_since AND kind = 'stake'),
           sum(amount) FILTER (WHERE is_since AND kind = 'win'),
           sum(amount) FILTER (WHERE is_since AND kind = 'bonus_convert'),
           sum(amount) FILTER (WHERE is_since AND kind = 'give_back'),
           sum(amount) FILTER (WHERE is_since AND kind IN ('reserve', 'unreserve') AND reference <> %(ref)s)
    FROM posted
"""


def statement_of(withdrawal: Withdrawal) -> Statement:
    """Return the sums of a withdrawal whose money is reserved; what does not tie out is logged. One statement.

    The last payout before it is the moment at which that one's money was taken out of the balance.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _STATEMENT,
            {
                "player": withdrawal.player_id,
                "holder": withdrawal.holder,
                "currency": withdrawal.currency,
                "requested_at": withdrawal.requested_at,
                "ref": withdrawal.ref,
            },
        )
        since, left, *found = cursor.fetchone()
    left = int(left or 0)
    sums = {name: int(value or 0) for name, value in zip(("before", "deposit_count", *PARTS), found, strict=True)}
    now = sum(sums[part] for part in PARTS) + (sums["before"] if since else 0)
    unexplained = left - (now - withdrawal.amount)
    if unexplained:
        logger.error("The money of %s does not tie out: %s unexplained.", withdrawal.ref, unexplained)
    return Statement(since, sums, now, left, unexplained)
