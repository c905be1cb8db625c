"""Waking up what was put on hold until a time."""

from datetime import datetime

from backoffice.audit.actors import SWEEPER
from withdrawals import guards
from withdrawals.models import Withdrawal
from withdrawals.operations import work
from withdrawals.states import HoldKind, Move, State


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
