"""What the tests of paying do and see: pay, ask, hear the webhooks, and who was sent what."""

from django.db import connection
from django.utils import timezone

from backoffice.audit.models import AuditEntry
from providers import gateway
from providers.models import ProviderCall, Verb
from tests.sandbox_process import SandboxProcess
from withdrawals import verification
from withdrawals.models import Finding, Withdrawal
from withdrawals.operations import asking, inbox, payouts
from withdrawals.states import Move, State

S = State


def pay(withdrawal: Withdrawal) -> None:
    payouts.pay(withdrawal.pk, clock=timezone.now)


def ask(withdrawal: Withdrawal) -> None:
    asking.ask(withdrawal.pk, clock=timezone.now)


def make_due() -> None:
    Withdrawal.objects.filter(next_step_at__isnull=False).update(next_step_at=timezone.now(), step_tries=0)


def hear(sandbox: SandboxProcess, withdrawal: Withdrawal, heard: set[str] | None = None) -> None:
    """Receive and apply the webhooks that the provider has for us, in its order of sending."""
    for letter in sandbox.webhooks(withdrawal.ref):
        identity = str(letter["id"])
        if heard is not None and identity in heard:
            continue
        gateway.receive_webhook(letter["account"], letter["headers"], letter["body"].encode(), timezone.now())
        inbox.apply_due(clock=timezone.now)
        if heard is not None:
            heard.add(identity)


def live(sandbox: SandboxProcess, withdrawal: Withdrawal, *, webhooks: bool = True, rounds: int = 12) -> str:
    """Let the machines do whatever is due until the withdrawal is closed; return its state."""
    heard: set[str] = set()
    for _round in range(rounds):
        make_due()
        payouts.pay_due(clock=timezone.now)
        if webhooks:
            hear(sandbox, withdrawal, heard)
        asking.ask_due(clock=timezone.now)
        if state_of(withdrawal) in (S.COMPLETED, S.FAILED, S.RETURNED):
            break
    if webhooks:
        hear(sandbox, withdrawal, heard)
    return state_of(withdrawal)


def state_of(withdrawal: Withdrawal) -> str:
    return Withdrawal.objects.values_list("state", flat=True).get(pk=withdrawal.pk)


def creates(withdrawal: Withdrawal) -> list[tuple[str, str]]:
    """What was sent for a withdrawal: provider and key of every create."""
    keys = [str(key) for key in withdrawal.attempts.values_list("key", flat=True)]
    calls = ProviderCall.objects.filter(verb=Verb.CREATE, key__in=keys).exclude(path="").order_by("pk")
    return list(calls.values_list("provider", "key"))


def trace_of(withdrawal: Withdrawal) -> list[str]:
    """Why the last attempt went where it went, as the chained audit has it too."""
    trace = withdrawal.attempts.order_by("number").last().trace
    entry = AuditEntry.objects.filter(subject_id=withdrawal.ref, action=Move.START_PAYOUT).order_by("step").last()
    assert entry.data["trace"] == trace
    return trace


def findings_of(withdrawal: Withdrawal) -> set[str]:
    return set(Finding.objects.filter(withdrawal=withdrawal).values_list("kind", flat=True))


def nothing_is_in_breach(sandbox: SandboxProcess) -> None:
    """No invariant is broken, the providers' own books included."""
    connection.check_constraints()
    assert [breach for breach in verification.check(statement=sandbox.statement()) if breach.count] == []
