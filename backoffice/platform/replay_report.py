"""What became of a replay, as one object: counts of rows, of withdrawals, of money, of broken invariants."""

from collections import Counter
from typing import Any

from django.db.models import Count, Exists, OuterRef, Sum

from backoffice.platform.draining import Drained
from backoffice.platform.replay import Replay
from fraud.rules import INDICATORS
from ledger.models import Balance
from withdrawals import verification
from withdrawals.models import CheckResult, Withdrawal
from withdrawals.states import State

_INDICATORS = {f"fraud.{indicator.code}": indicator.name for indicator in INDICATORS}


def make(taken: Replay, drained: Drained, *, intake_seconds: float, seconds: float) -> dict[str, Any]:
    """Return the report. Amounts are minor units; ``accounted`` sums to ``rows``."""
    tally = taken.tally
    invariants = verification.run()
    return {
        "rows": tally.rows.total(),
        "accounted": dict(tally.rows.most_common()),
        "refused": dict(tally.refused.most_common()),
        "refused_examples": {
            reason: [{"line": r.line, "words": r.words} for r in examples]
            for reason, examples in tally.examples.items()
        },
        "players_new": tally.players,
        "inferred_play": {"count": tally.wins, "amount": tally.won, "staked": tally.staked},
        "inferred_sign_ins": tally.rows["withdrawals"],
        "withdrawals_known": tally.known,
        "withdrawals_by_state": _by_state(tally.withdrawals),
        "review_reasons": _review_reasons(tally.withdrawals),
        "ledger": _ledger(),
        "invariants": invariants,
        "invariant_breaches": sum(invariants.values()),
        "unfinished": dict(drained.left),
        "worked_off_by": drained.by,
        "events_per_second": round(tally.rows.total() / intake_seconds) if intake_seconds else 0,
        "intake_seconds": round(intake_seconds, 1),
        "drain_seconds": round(drained.seconds, 1),
        "seconds": round(seconds, 1),
    }


def _by_state(withdrawals: list[int]) -> dict[str, int]:
    rows = Withdrawal.objects.filter(pk__in=withdrawals).values("state").annotate(count=Count("pk"))
    found = {row["state"]: row["count"] for row in rows.order_by("state")}
    return {state.value: found[state] for state in State if state in found}


def _review_reasons(withdrawals: list[int]) -> dict[str, int]:
    """Count what the checks of the withdrawals under review found, and where none did, what policy says."""
    review = Withdrawal.objects.filter(pk__in=withdrawals, state=State.UNDER_REVIEW)
    concerns = CheckResult.objects.filter(is_current=True, outcome__in=CheckResult.CONCERNS)
    codes = concerns.filter(withdrawal__in=review).values_list("code", flat=True)
    unconcerned = review.exclude(Exists(concerns.filter(withdrawal=OuterRef("pk"))))
    counts = Counter(_words(code) for code in codes)
    counts.update(" · ".join(why) for why in unconcerned.values_list("why", flat=True))
    return dict(counts.most_common())


def _words(code: str) -> str:
    return f"{code} {_INDICATORS[code]}" if code in _INDICATORS else code


def _ledger() -> list[dict[str, Any]]:
    rows = Balance.objects.values("account__kind", "currency").annotate(total=Sum("amount"))
    return [
        {"kind": row["account__kind"], "currency": row["currency"], "amount": int(row["total"])}
        for row in rows.order_by("account__kind", "currency")
    ]
