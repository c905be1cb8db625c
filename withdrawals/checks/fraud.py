"""How risky does it look? Hands the facts to fraud and translates its answer."""

from datetime import datetime

from fraud import operations as fraud
from fraud.facts import EarlierRequest, PayoutRequest
from ledger import queries as ledger
from withdrawals.checks.outcome import Outcome, Severity, passed
from withdrawals.models import Withdrawal
from withdrawals.states import RELEASED

# How many earlier requests fraud gets to see, newest first.
HISTORY = 200


def assessed(withdrawal: Withdrawal, *, now: datetime) -> list[Outcome]:
    """One outcome per indicator that hit, or a single pass."""
    earlier = (
        Withdrawal.objects.filter(player_id=withdrawal.player_id, pk__lt=withdrawal.pk)
        .order_by("-requested_at", "-pk")
        .values_list("requested_at", "amount", "currency", "reference_amount", "state")[:HISTORY]
    )
    cash = ledger.balance_of(kind="player_cash", holder=withdrawal.holder, currency=withdrawal.currency)
    request = PayoutRequest(
        amount=withdrawal.amount,
        currency=withdrawal.currency,
        requested_at=withdrawal.requested_at,
        reference_amount=withdrawal.reference_amount,
        balance=cash + withdrawal.amount,
        earlier=tuple(
            EarlierRequest(
                requested_at=at,
                amount=amount,
                currency=currency,
                reference_amount=reference_amount,
                released=state in RELEASED,
            )
            for at, amount, currency, reference_amount, state in earlier
        ),
    )
    assessment = fraud.assess(subject=withdrawal.ref, player_id=withdrawal.player_id, request=request, now=now)
    hits = assessment.hits.all()
    if not hits:
        return [
            passed(
                "fraud",
                "No signals in play and deposits",
                {"assessment": assessment.pk, "rule_set": assessment.rule_set},
            )
        ]
    return [
        Outcome(
            code=f"fraud.{hit.code}",
            severity=Severity.REVIEW,
            title=hit.title,
            sentence=hit.sentence,
            short=hit.short,
            points=hit.points,
            version=assessment.rule_set,
            evidence=hit.evidence,
            hold=hit.hold,
        )
        for hit in hits
    ]
