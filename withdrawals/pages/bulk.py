"""What the pages of many approvals at once say: totals, the effect on limits, and what became of each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from backoffice.jobs.models import JobItem
from backoffice.money import format_money
from withdrawals.models import Decision, Limit, Withdrawal
from withdrawals.usage import Usage


def limit_words(house: Iterable[Usage]) -> list[tuple[str, bool]]:
    """Return what approving all of them does to each limit of the house, and whether it passes it."""

    def words(number: int, usage: Usage) -> str:
        return f"{number:,}" if usage.is_count else format_money(number, settings.HOUSE_CURRENCY)

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
    Decision.Status.WAITING: ("success", "clock", "Approved, takes effect when the undo time is over"),
    Decision.Status.APPLIED: ("success", "check", "Approved"),
    Decision.Status.UNDONE: ("neutral", "undo", "Taken back"),
    Decision.Status.DECLINED: ("neutral", "xc", "Declined"),
    Decision.Status.OVERTAKEN: ("attn", "warn", "Not applied"),
}


def results_of(items: Iterable[JobItem], rows: Mapping[str, Withdrawal], made: Mapping[str, Decision]) -> list[Result]:
    """Return what became of each item, in the order of the job."""
    return [_result(item, rows[item.subject], made.get(item.subject)) for item in items]


def _result(item: JobItem, withdrawal: Withdrawal, decision: Decision | None) -> Result:
    if item.outcome == JobItem.Outcome.WAITING:
        return Result(withdrawal, "neutral", "spin", "Waits for its turn")
    if decision is None or item.outcome != JobItem.Outcome.DONE:
        return Result(withdrawal, "attn", "warn", f"Not approved: {item.words}")
    tone, icon, words = _ENDED[Decision.Status(decision.status)]
    return Result(withdrawal, tone, icon, f"{words}: {decision.words}" if decision.words else words)


def undo_seconds(made: Iterable[Decision], *, now: datetime) -> int:
    """Return for how many seconds at least one of them can still be taken back; 0 when none can."""
    left = [
        (one.effective_at - now).total_seconds()
        for one in made
        if one.status == Decision.Status.WAITING and one.effective_at > now
    ]
    return max(1, int(max(left))) if left else 0
