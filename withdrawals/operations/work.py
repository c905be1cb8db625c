"""Taking due rows: the state column is the work queue, next_step_at says when a row is due.

A row is taken by moving its next_step_at on, with a gap that grows with every try. If the taker dies,
the row simply becomes due again; if it lives, the row's own move sets the next time. So every message
may be lost, doubled or late.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from withdrawals.models import Withdrawal
from withdrawals.states import State

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime]

FIRST_GAP = timedelta(seconds=5)
LONGEST_GAP = timedelta(hours=1)
# One task works for this long, then makes room for others; what is left stays due.
BUDGET = timedelta(seconds=3)


def scaled(gap: timedelta) -> timedelta:
    """Return a gap of a plan at this installation's pace (POLL_SCALE_PERCENT)."""
    return gap * settings.POLL_SCALE_PERCENT / 100


def gap_after(tries: int, *, longest: timedelta = LONGEST_GAP) -> timedelta:
    """Return how long a row rests after it was looked at ``tries`` times in vain."""
    return min(FIRST_GAP * 2 ** min(tries, 12), longest)


def take(states: Sequence[State], *, now: datetime, most: int) -> list[int]:
    """Take up to ``most`` due withdrawals in these states for this worker alone; return their keys."""
    with transaction.atomic():
        rows = list(
            Withdrawal.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(state__in=states, next_step_at__lte=now)
            .order_by("next_step_at", "pk")
            .only("pk", "step_tries")[:most]
        )
        for row in rows:
            Withdrawal.objects.filter(pk=row.pk).update(
                next_step_at=now + gap_after(row.step_tries), step_tries=row.step_tries + 1
            )
    return [row.pk for row in rows]


def work_off(states: Sequence[State], step: Callable[[int], object], *, clock: Clock, batch: int) -> int:
    """Take due withdrawals and do ``step`` for each until none is left or the budget is spent.

    An exception in one must not stop the others: it is logged and the row comes round again later.
    Returns how many were worked on.
    """
    until = clock() + BUDGET
    done = 0
    while (now := clock()) < until:
        keys = take(states, now=now, most=batch)
        if not keys:
            break
        for pk in keys:
            try:
                step(pk)
            except Exception:
                logger.exception("The next step of withdrawal %s failed; it comes round again.", pk)
            done += 1
    return done
