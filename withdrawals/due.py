"""What the machines have to do, and by when a person should have decided."""

from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet

from backoffice.jobs import queries as jobs
from providers import gateway, routing
from withdrawals.lifecycle import NEXT_STEP
from withdrawals.models import Decision, Withdrawal
from withdrawals.states import BULK, State


def waits_no_longer() -> QuerySet[Withdrawal]:
    """Return what is approved and waited for a pause that is over."""
    stopped = routing.paused()
    over = []
    if routing.EVERYTHING not in stopped:
        over.append("global_stop")
    if not stopped:
        over.append("paused")
    return Withdrawal.objects.filter(state=State.APPROVED, wait_reason__in=over)


def due_at(requested_at: datetime) -> datetime:
    """Return by when a person should have decided."""
    return requested_at + settings.REVIEW_TIME


# What the machines do with a due row of each state: the life's own table, and what is due by a person's doing.
_STEPS: dict[str, str] = {
    **{state: step for state, (step, _delay) in NEXT_STEP.items()},
    State.ON_HOLD: "wake",
    # Due only when somebody contradicted the payment.
    State.COMPLETED: "ask",
}


def due_steps(*, now: datetime) -> list[str]:
    """Return the names of the steps that have due rows, each once."""
    states = Withdrawal.objects.filter(next_step_at__lte=now).values_list("state", flat=True).distinct().order_by()
    steps = {_STEPS[state] for state in states if state in _STEPS}
    if waits_no_longer().exists():
        steps.add("pay")
    if Decision.objects.filter(status=Decision.Status.WAITING, effective_at__lte=now).exists():
        steps.add("apply_decisions")
    if jobs.is_running(*BULK.values()):
        steps.add("decide_bulk")
    if gateway.due_deliveries(now=now, most=1):
        steps.add("apply_webhooks")
    return sorted(steps)
