"""What the pages of many decisions at once say: totals, the effect on limits, and what became of each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from backoffice.jobs.models import JobItem
from backoffice.ui import inline
from withdrawals.models import Decision, Limit, Withdrawal
from withdrawals.states import Move
from withdrawals.usage import Usage


@dataclass(frozen=True, slots=True)
class Words:
    """How the pages speak of one move: ``Hold 3 payouts``, ``Putting on hold…``, ``Not put on hold``."""

    verb: str
    busy: str
    past: str
    icon: str
    question: str = ""
    danger: bool = False

    @property
    def done(self) -> str:
        return f"{self.past[:1].upper()}{self.past[1:]}"


WORDS: dict[Move, Words] = {
    Move.APPROVE: Words("Approve", "Approving…", "approved", "check"),
    Move.HOLD: Words("Hold", "Putting on hold…", "put on hold", "pause", "What are all of them waiting for?"),
    Move.REJECT: Words("Reject", "Rejecting…", "rejected", "x", "Why are all of them rejected?", danger=True),
}


def limit_words(house: Iterable[Usage]) -> list[tuple[str, bool]]:
    """Return what approving all of them does to each limit of the house, and whether it passes it."""

    def words(number: int, usage: Usage) -> str:
        return f"{number:,}" if usage.is_count else inline.written(number, settings.HOUSE_CURRENCY)

    return [
        (
            f"House, {Limit.Period(usage.limit.period).label}: {words(usage.before, usage)} before, "
            f"{words(usage.before + usage.this, usage)} after, of {words(usage.cap, usage)}",
            usage.is_over,
        )
        for usage in house
    ]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one item, as a mark."""

    withdrawal: Withdrawal
    tone: str
    icon: str
    words: str


_ENDED = {
    Decision.Status.PROPOSED: ("second", "two", "Waits for a second person"),
    Decision.Status.WAITING: ("success", "clock", "{}, takes effect when the undo time is over"),
    Decision.Status.APPLIED: ("success", "check", "{}"),
    Decision.Status.UNDONE: ("neutral", "undo", "Taken back"),
    Decision.Status.DECLINED: ("neutral", "xc", "Declined"),
    Decision.Status.OVERTAKEN: ("attn", "warn", "Not applied"),
}


def results_of(
    items: Iterable[JobItem], rows: Mapping[str, Withdrawal], made: Mapping[str, Decision], words: Words
) -> list[Result]:
    """Return what became of each item, in the order of the job."""
    return [_result(item, rows[item.subject], made.get(item.subject), words) for item in items]


def _result(item: JobItem, withdrawal: Withdrawal, decision: Decision | None, said: Words) -> Result:
    if item.outcome == JobItem.Outcome.WAITING:
        return Result(withdrawal, "neutral", "spin", "Waits for its turn")
    if decision is None or item.outcome != JobItem.Outcome.DONE:
        return Result(withdrawal, "attn", "warn", f"Not {said.past}: {item.words}")
    tone, icon, words = _ENDED[Decision.Status(decision.status)]
    words = words.format(said.done)
    return Result(withdrawal, tone, icon, f"{words}: {decision.words}" if decision.words else words)


def undo_seconds(made: Iterable[Decision], *, now: datetime) -> int:
    """Return for how many seconds at least one of them can still be taken back; 0 when none can."""
    left = [
        (one.effective_at - now).total_seconds()
        for one in made
        if one.status == Decision.Status.WAITING and one.effective_at > now
    ]
    return max(1, int(max(left))) if left else 0
