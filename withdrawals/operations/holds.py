"""How long a hold may last, and waking up what was put on hold until a time."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils import timezone

from backoffice.audit.actors import SWEEPER
from withdrawals import guards, reasons
from withdrawals.exceptions import IllegalMove
from withdrawals.models import Withdrawal
from withdrawals.operations import work
from withdrawals.states import HoldKind, Move, State

LONGEST_HOLD = timedelta(days=90)
# Whom nobody answered decides without the answer.
ANSWER_TIME = timedelta(days=1)


def wake_at(choice: str, *, on: date | None = None, now: datetime) -> datetime:
    """Return the moment that a choice of pages.looks.WAKE_CHOICES stands for; ``on`` is the date that was chosen."""
    local = timezone.localtime(now)
    if choice in ("tomorrow", "date"):
        day = on or (local + timedelta(days=1)).date()
        return timezone.make_aware(datetime.combine(day, time(9)), local.tzinfo)
    number, unit = int(choice[:-1]), choice[-1]
    return now + (timedelta(hours=number) if unit == "h" else timedelta(days=number))


def is_too_long(day: date, *, now: datetime) -> bool:
    return day > timezone.localdate(now) + LONGEST_HOLD


def require_fitting(reason: str, facts: Mapping[str, Any], *, now: datetime) -> None:
    """Raise IllegalMove for a hold of another kind than its reason says, or that ends too late or not ahead."""
    kind, ends = str(facts.get("kind", "")), facts.get("wake_at")
    if reasons.HOLD_KINDS.get(reason) != kind:
        raise IllegalMove("The kind of the hold does not fit its reason.")
    wake = datetime.fromisoformat(ends) if ends else None
    guards.require_wake_up(kind, wake)
    guards.require_reader(kind, str(facts.get("player_message", "")))
    if wake is not None and (wake <= now or is_too_long(timezone.localdate(wake), now=now)):
        raise IllegalMove(f"A hold ends from now on, and at most {LONGEST_HOLD.days} days from now.")


def wake_due(*, clock: work.Clock) -> int:
    """Release what was on hold until now; an unanswered question to the player is cancelled as expired.

    Where the law keeps money from going back into play, it goes back to review instead.
    """
    return work.work_off([State.ON_HOLD], lambda pk: wake(pk, now=clock()), clock=clock, batch=20)


def wake(pk: int, *, now: datetime) -> Withdrawal | None:
    """End one hold whose time has come; a legal hold never ends by itself."""
    withdrawal = Withdrawal.objects.select_related("player").get(pk=pk)
    if withdrawal.state != State.ON_HOLD or withdrawal.hold_kind == HoldKind.LEGAL:
        return None
    if withdrawal.wake_at is None or withdrawal.wake_at > now:
        return None
    if withdrawal.hold_kind == HoldKind.PLAYER and guards.law_allows_cancelling(withdrawal):
        move, reason = Move.CANCEL, "expired"
    else:
        move, reason = Move.RELEASE, "time_is_up"
    return Withdrawal.advance(pk, move, actor=SWEEPER, now=now, reason=reason, version=withdrawal.version)
