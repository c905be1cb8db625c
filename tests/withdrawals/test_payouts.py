"""Paying against the real sandbox provider over HTTP: every story ends as told, and is paid at most once."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from backoffice.accounts.models import User
from backoffice.audit.actors import PAYOUTS
from backoffice.audit.models import AuditEntry
from ledger.queries import balance_of
from providers import gateway, routing
from providers.adapters import sandbox as adapter
from providers.models import CallOutcome, ProviderCall, Verb, WebhookDelivery
from providers.registry import BY_CODE
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import make_destination, make_withdrawal, open_withdrawal
from tests.sandbox_process import SandboxProcess
from withdrawals import due, verification
from withdrawals.models import Finding, PayoutAttempt, Withdrawal
from withdrawals.operations import asking, inbox, payouts, receipts
from withdrawals.states import Move, State

pytestmark = pytest.mark.django_db

S = State


@pytest.fixture(autouse=True)
def _patience(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Believe a "no such payout" after a moment instead of a minute."""
    settings.PROVIDER_SETTLE_TIME = timedelta(milliseconds=50)
    for code, registered in BY_CODE.items():
        quick = dataclasses.replace(registered.capabilities, visibility_delay=timedelta(0))
        monkeypatch.setitem(BY_CODE, code, dataclasses.replace(registered, capabilities=quick))


@pytest.fixture
def approved(operator: User) -> Callable[..., Withdrawal]:
    def make(amount: int = 18_000, **request: Any) -> Withdrawal:
        return make_withdrawal(S.APPROVED, by=operator, amount=amount, now=timezone.now(), **request)

    return make


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


@dataclass(frozen=True)
class Story:
    """How a payout of a magic amount ends: our state, what was really paid, what was found, how often it was sent."""

    number: int
    after: State
    paid_times: int
    findings: frozenset[str] = frozenset()
    sent: int = 1


STORIES = (
    Story(901, S.FAILED, 0),
    Story(902, S.APPROVED, 0, frozenset({"waiting_for_funds"}), sent=2),
    Story(903, S.COMPLETED, 1),
    Story(904, S.COMPLETED, 1, sent=2),
    Story(905, S.FAILED, 0),
    Story(906, S.COMPLETED, 1, sent=2),
    Story(907, S.COMPLETED, 1, sent=3),
    Story(908, S.COMPLETED, 1),
    Story(909, S.COMPLETED, 1),
    Story(910, S.PROCESSING, 0),
    Story(911, S.PROCESSING, 0),
    Story(912, S.RETURNED, 1),
    Story(913, S.COMPLETED, 1, frozenset({"failed_after_paid"})),
    Story(914, S.COMPLETED, 1),
    Story(915, S.COMPLETED, 1),
    Story(916, S.COMPLETED, 1),
    Story(917, S.COMPLETED, 1),
    Story(918, S.OUTCOME_UNKNOWN, 0, frozenset({"unmapped_status"})),
    Story(919, S.COMPLETED, 1, frozenset({"amount_differs"})),
    Story(920, S.COMPLETED, 1),
    Story(921, S.COMPLETED, 1),
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: str(story.number))
def test_every_magic_amount_ends_as_told(
    story: Story,
    sandbox: SandboxProcess,
    approved: Callable[..., Withdrawal],
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> None:
    if story.number in (908, 920):  # silent, or invisible, for a while: nothing is to be believed before that
        settings.PROVIDER_SETTLE_TIME = timedelta(seconds=2)
    if story.number == 908:  # our patience is shorter than its silence
        monkeypatch.setattr(adapter, "CREATE_TIMEOUT", httpx.Timeout(0.1))
    withdrawal = approved(10_000 + story.number)
    live(sandbox, withdrawal, rounds=4)
    if story.number == 908:
        sandbox.wait_until(lambda: sandbox.payouts(withdrawal.ref))
    for _step in range(5):
        payout = sandbox.payouts(withdrawal.ref)
        if not payout or payout[0]["status"] in ("paid", "held", "in_orbit", "returned", "failed"):
            break
        sandbox.advance(0.2)
    sandbox.advance(30)
    live(sandbox, withdrawal)
    told = sandbox.oracle(withdrawal.ref)
    assert (state_of(withdrawal), told["paid_times"], findings_of(withdrawal)) == (
        story.after,
        story.paid_times,
        story.findings,
    )
    assert told["accepted"] <= 1
    assert len(creates(withdrawal)) == story.sent
    nothing_is_in_breach(sandbox)


def test_a_held_payout_arrives_when_the_provider_lets_it_go(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    withdrawal = approved(10_911)
    assert live(sandbox, withdrawal, rounds=2) == S.PROCESSING
    sandbox.push(withdrawal.ref)
    assert live(sandbox, withdrawal) == S.COMPLETED
    nothing_is_in_breach(sandbox)


def test_asking_alone_is_enough(sandbox: SandboxProcess, approved: Callable[..., Withdrawal]) -> None:
    withdrawal = approved(10_915)
    pay(withdrawal)
    sandbox.wait_for(withdrawal.ref, "paid")
    assert sandbox.webhooks(withdrawal.ref) == []
    assert live(sandbox, withdrawal, webhooks=False) == S.COMPLETED
    nothing_is_in_breach(sandbox)


def test_a_payout_that_never_ends_is_a_persons_after_the_plan(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    withdrawal = approved(10_910)
    pay(withdrawal)
    for tries in range(1, 40):
        Withdrawal.objects.filter(pk=withdrawal.pk).update(step_tries=tries)
        ask(withdrawal)
        if Withdrawal.objects.get(pk=withdrawal.pk).next_step_at is None:
            break
    assert tries == len(asking.PLAN["accepted"]) + 1
    assert findings_of(withdrawal) == {"no_final_answer"}


# -- what stands in the way ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("switch", "reason"), [("*", "global_stop"), ("northgate", "paused")], ids=["global stop", "provider paused"]
)
def test_nothing_is_sent_after_a_switch_and_everything_once_it_is_back(
    switch: str, reason: str, sandbox: SandboxProcess, approved: Callable[..., Withdrawal], finance: User
) -> None:
    player = PlayerFactory(verified=True)
    # Only Northgate pays to cards.
    card = make_destination(player, method="card", account="tok_visa_4417_9fK2pQ7x")
    withdrawal = approved(player=player, destination=card)
    routing.pause(switch, actor=finance, reason="a drill", now=timezone.now())
    make_due()
    payouts.pay_due(clock=timezone.now)
    waiting = Withdrawal.objects.get(pk=withdrawal.pk)
    assert (waiting.state, waiting.wait_reason) == (S.APPROVED, reason)
    assert waiting.next_step_at > timezone.now()
    assert "pay" not in due.due_steps(now=timezone.now())
    routing.resume(switch, actor=finance, reason="over", now=timezone.now())
    assert "pay" in due.due_steps(now=timezone.now())
    assert ProviderCall.objects.count() == 0
    payouts.pay_due(clock=timezone.now)
    assert state_of(withdrawal) == S.PROCESSING
    assert "pay" not in due.due_steps(now=timezone.now())


def test_a_switch_between_our_commit_and_the_call_still_counts(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal], finance: User
) -> None:
    withdrawal = approved()
    attempt = payouts.start(withdrawal.pk, now=timezone.now())
    assert attempt is not None
    routing.pause("*", actor=finance, reason="a drill", now=timezone.now())
    payouts.send(attempt, clock=timezone.now)
    assert creates(withdrawal) == []
    assert sandbox.oracle(withdrawal.ref)["accepted"] == 0
    waiting = Withdrawal.objects.get(pk=withdrawal.pk)
    assert (waiting.state, waiting.wait_reason) == (S.APPROVED, "provider_not_reached")
    assert waiting.next_step_at > timezone.now()
    nothing_is_in_breach(sandbox)


@pytest.mark.parametrize("change", ["holder", "owned", "shared", "check"])
def test_what_was_approved_and_changed_is_recalled(
    change: str, sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    withdrawal = approved()
    if change == "holder":
        withdrawal.destination.holder_name = "Somebody Else"
        withdrawal.destination.save()
    elif change == "owned":
        withdrawal.destination.owned = False
        withdrawal.destination.save()
    elif change == "shared":
        make_destination(PlayerFactory(), account=withdrawal.destination.account)
    else:
        withdrawal.check_results.create(code="fraud.FR01", outcome="review", title="New", at=timezone.now())
    pay(withdrawal)
    recalled = Withdrawal.objects.get(pk=withdrawal.pk)
    assert (recalled.state, recalled.reason) == (S.UNDER_REVIEW, "changed_since_approval")
    assert recalled.approver_ids() == set()
    assert (ProviderCall.objects.count(), PayoutAttempt.objects.count()) == (0, 0)
    nothing_is_in_breach(sandbox)


def test_an_incident_of_the_player_recalls(sandbox: SandboxProcess, approved: Callable[..., Withdrawal]) -> None:
    withdrawal = approved()
    before = open_withdrawal(player=withdrawal.player)
    Finding.objects.create(
        withdrawal=before, provider="volta", kind="x", stops_payouts=True, at=timezone.now(), key="k"
    )
    pay(withdrawal)
    recalled = Withdrawal.objects.get(pk=withdrawal.pk)
    assert (recalled.state, recalled.reason) == (S.UNDER_REVIEW, "money_may_be_out")
    assert ProviderCall.objects.count() == 0


def test_an_expired_identity_recalls(sandbox: SandboxProcess, operator: User) -> None:
    player = PlayerFactory(verified=True)
    withdrawal = make_withdrawal(S.APPROVED, by=operator, player=player)
    payouts.start(withdrawal.pk, now=timezone.now() + timedelta(days=1000))
    recalled = Withdrawal.objects.get(pk=withdrawal.pk)
    assert (recalled.state, recalled.reason) == (S.UNDER_REVIEW, "identity_no_longer_valid")
    assert ProviderCall.objects.count() == 0


# -- another provider --------------------------------------------------------------------------------


def test_another_provider_pays_when_the_first_was_certainly_not_reached(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal], settings: Any
) -> None:
    closed = {**settings.PROVIDERS["northgate"], "base_url": "http://127.0.0.1:9"}
    settings.PROVIDERS = {**settings.PROVIDERS, "northgate": closed}
    withdrawal = approved()
    assert live(sandbox, withdrawal) == S.COMPLETED
    assert list(withdrawal.attempts.order_by("number").values_list("provider", "state")) == [
        ("northgate", "not_sent"),
        ("volta", "paid"),
    ]
    assert trace_of(withdrawal) == ["Northgate Pay was not reached just now", "Volta is the first that can"]
    assert sandbox.oracle(withdrawal.ref)["paid_times"] == 1
    nothing_is_in_breach(sandbox)


def keys_of(withdrawal: Withdrawal) -> list[str]:
    return [str(key) for key in withdrawal.attempts.order_by("number").values_list("key", flat=True)]


@pytest.mark.parametrize("number", [906, 907])
def test_after_a_try_that_moved_nothing_the_same_provider_gets_the_same_key(
    number: int, sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    withdrawal = approved(10_000 + number)
    assert live(sandbox, withdrawal) == S.COMPLETED
    assert len(keys_of(withdrawal)) == len(creates(withdrawal)) > 1
    assert len(set(creates(withdrawal))) == 1


def test_a_503_that_was_not_true_pays_once(sandbox: SandboxProcess, approved: Callable[..., Withdrawal]) -> None:
    sandbox.faults(unavailable_after_accept=1.0, webhook_lost=1.0)
    withdrawal = approved()
    assert live(sandbox, withdrawal) == S.COMPLETED
    assert [attempt.state for attempt in withdrawal.attempts.order_by("number")] == ["not_sent", "paid"]
    told = sandbox.oracle(withdrawal.ref)
    assert (told["accepted"], told["paid_times"]) == (1, 1)
    nothing_is_in_breach(sandbox)


def test_a_503_that_was_not_true_pays_once_though_the_webhook_comes_first(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal], operator: User
) -> None:
    sandbox.faults(unavailable_after_accept=1.0)
    withdrawal = approved()
    pay(withdrawal)
    sandbox.wait_for(withdrawal.ref, "paid")
    hear(sandbox, withdrawal)
    assert (state_of(withdrawal), findings_of(withdrawal)) == (S.UNDER_REVIEW, {"paid_after_not_sent"})
    Finding.objects.update(resolved_at=timezone.now())  # a person looked, and lets the same key find it
    Withdrawal.advance(withdrawal.pk, Move.APPROVE, actor=operator, reason="known_player", now=timezone.now())
    pay(withdrawal)
    assert live(sandbox, withdrawal) == S.COMPLETED
    assert balance_of(kind="overpaid_receivable", holder=withdrawal.holder, currency="EUR") == 0
    assert sandbox.oracle(withdrawal.ref)["paid_times"] == 1
    nothing_is_in_breach(sandbox)


def test_a_webhook_about_a_key_that_was_used_twice_is_about_the_last_attempt(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    sandbox.faults(unavailable_after_accept=1.0)
    withdrawal = approved()
    pay(withdrawal)
    sandbox.wait_for(withdrawal.ref, "paid")
    payouts.start(withdrawal.pk, now=timezone.now())
    hear(sandbox, withdrawal)
    assert (state_of(withdrawal), findings_of(withdrawal)) == (S.COMPLETED, set())
    nothing_is_in_breach(sandbox)


def test_who_said_it_did_nothing_is_asked_again_before_anybody_else(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal], finance: User
) -> None:
    sandbox.faults(unavailable_after_accept=1.0, webhook_lost=1.0)
    withdrawal = approved()
    routing.pause("northgate", actor=finance, reason="a drill", now=timezone.now())
    pay(withdrawal)
    routing.resume("northgate", actor=finance, reason="over", now=timezone.now())
    assert live(sandbox, withdrawal) == S.COMPLETED
    assert trace_of(withdrawal) == ["Northgate Pay comes after the one tried last", "Volta is the first that can"]
    assert sandbox.oracle(withdrawal.ref)["paid_times"] == 1


def test_another_pays_when_who_said_it_did_nothing_is_paused(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal], finance: User
) -> None:
    sandbox.faults(create_unavailable=1.0)
    withdrawal = approved()
    pay(withdrawal)
    sandbox.faults(create_unavailable=0)
    routing.pause("northgate", actor=finance, reason="down", now=timezone.now())
    assert live(sandbox, withdrawal) == S.COMPLETED
    assert withdrawal.attempts.get(state="paid").provider == "volta"


def test_after_a_definite_refusal_the_key_is_a_new_one(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    for account in ("northgate", "volta"):
        sandbox.set_balance(account, "EUR", 0)
    withdrawal = approved()
    assert live(sandbox, withdrawal, rounds=3) == S.APPROVED
    sandbox.set_balance("northgate", "EUR", 10**9)
    payouts.pay(withdrawal.pk, clock=lambda: timezone.now() + payouts.FUNDING_TIME)
    assert list(withdrawal.attempts.order_by("number").values_list("provider", flat=True)) == [
        "northgate", "volta", "northgate",
    ]  # fmt: skip
    assert len(set(keys_of(withdrawal))) == 3


def test_the_database_keeps_a_key_from_being_used_again_unless_nothing_was_sent_under_it(
    approved: Callable[..., Withdrawal],
) -> None:
    withdrawal = approved()
    first = payouts.start(withdrawal.pk, now=timezone.now())
    assert first is not None
    Withdrawal.advance(withdrawal.pk, Move.REROUTE, actor=PAYOUTS, outcome="failed", now=timezone.now())
    columns = {
        "amount": first.amount,
        "currency": "EUR",
        "fingerprint": first.fingerprint,
        "created_at": timezone.now(),
    }
    with pytest.raises(IntegrityError, match="attempt_key_unique"), transaction.atomic():
        withdrawal.attempts.create(number=2, provider="northgate", key=first.key, **columns)


def test_not_sent_ends_nothing_that_the_provider_took_on_meanwhile(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal], finance: User
) -> None:
    withdrawal = approved(10_910)
    attempt = payouts.start(withdrawal.pk, now=timezone.now())
    assert attempt is not None

    def clock() -> datetime:
        """Between our last look and our call: another worker's repeat is taken on, and a switch falls."""
        if not routing.paused():
            told = gateway.create_payout(attempt.provider, payouts.instruction_for(attempt), now=timezone.now())
            receipts.apply(attempt, told, now=timezone.now(), source="answer")
            routing.pause(attempt.provider, actor=finance, reason="a drill", now=timezone.now())
        return timezone.now()

    payouts.send(attempt, clock=clock)
    assert state_of(withdrawal) == S.PROCESSING
    assert withdrawal.attempts.get().state == "accepted"


def test_another_provider_pays_when_the_first_lacks_our_money(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    sandbox.set_balance("northgate", "EUR", 0)
    withdrawal = approved()
    assert live(sandbox, withdrawal) == S.COMPLETED
    assert list(withdrawal.attempts.order_by("number").values_list("provider", "state")) == [
        ("northgate", "failed"),
        ("volta", "paid"),
    ]
    assert trace_of(withdrawal) == ["Northgate Pay declined it lately", "Volta is the first that can"]
    assert sandbox.oracle(withdrawal.ref)["paid_times"] == 1
    nothing_is_in_breach(sandbox)


def test_waiting_for_funds_ends_when_they_come(sandbox: SandboxProcess, approved: Callable[..., Withdrawal]) -> None:
    for account in ("northgate", "volta"):
        sandbox.set_balance(account, "EUR", 0)
    withdrawal = approved()
    assert live(sandbox, withdrawal, rounds=3) == S.APPROVED
    assert Withdrawal.objects.get(pk=withdrawal.pk).wait_reason == "waiting_for_funds"
    sandbox.set_balance("northgate", "EUR", 10**9)
    payouts.pay(withdrawal.pk, clock=lambda: timezone.now() + payouts.FUNDING_TIME)
    assert live(sandbox, withdrawal) == S.COMPLETED
    assert sandbox.oracle(withdrawal.ref)["paid_times"] == 1


def test_a_provider_that_is_known_to_hold_too_little_of_ours_is_not_asked(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    sandbox.set_balance("northgate", "EUR", 17_999)
    gateway.read_balances(now=timezone.now())
    withdrawal = approved()
    assert live(sandbox, withdrawal) == S.COMPLETED
    assert trace_of(withdrawal) == ["Northgate Pay has only €179.99 of ours", "Volta is the first that can"]
    assert [provider for provider, _key in creates(withdrawal)] == ["volta"]


def test_nothing_is_sent_while_all_are_known_to_hold_too_little(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    for account in ("northgate", "volta"):
        sandbox.set_balance(account, "EUR", 17_999)
    gateway.read_balances(now=timezone.now())
    withdrawal = approved()
    assert live(sandbox, withdrawal, rounds=3) == S.APPROVED
    waiting = Withdrawal.objects.get(pk=withdrawal.pk)
    assert (waiting.wait_reason, findings_of(withdrawal)) == ("waiting_for_funds", {"waiting_for_funds"})
    assert waiting.next_step_at > timezone.now()
    assert creates(withdrawal) == []
    sandbox.set_balance("volta", "EUR", 18_000)
    gateway.read_balances(now=timezone.now())
    assert live(sandbox, withdrawal) == S.COMPLETED
    assert withdrawal.attempts.get().provider == "volta"
    nothing_is_in_breach(sandbox)


def test_wrong_credentials_pause_the_provider(sandbox: SandboxProcess, approved: Callable[..., Withdrawal]) -> None:
    sandbox.faults(unauthorised=True)
    withdrawal = approved()
    pay(withdrawal)
    assert set(routing.paused()) == {"northgate"}
    assert state_of(withdrawal) == S.APPROVED
    sandbox.faults(unauthorised=False)
    assert live(sandbox, withdrawal) == S.COMPLETED
    assert withdrawal.attempts.get(state="paid").provider == "volta"
    nothing_is_in_breach(sandbox)


@pytest.mark.parametrize("fault", ["drop_after_accept", "error_after_accept", "malformed"])
def test_nothing_is_sent_again_while_the_outcome_is_unknown(
    fault: str, sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    sandbox.faults(**{fault: 1.0, "query_unavailable": 1.0, "webhook_lost": 1.0})
    withdrawal = approved()
    assert live(sandbox, withdrawal, rounds=8) == S.OUTCOME_UNKNOWN
    assert len(creates(withdrawal)) == 1
    assert withdrawal.attempts.count() == 1
    sandbox.faults(**{fault: 0, "query_unavailable": 0})
    assert live(sandbox, withdrawal) == S.COMPLETED
    assert len(creates(withdrawal)) == 1
    assert sandbox.oracle(withdrawal.ref)["paid_times"] == 1
    nothing_is_in_breach(sandbox)


def soon() -> datetime:
    """A clock past the settle time."""
    return timezone.now() + timedelta(seconds=1)


# -- the provider says it has no such payout ------------------------------------------------------------


def lost(sandbox: SandboxProcess, approved: Callable[..., Withdrawal]) -> Withdrawal:
    """A withdrawal whose create vanished: no reply, nothing accepted."""
    sandbox.faults(drop_before_accept=1.0)
    withdrawal = approved()
    pay(withdrawal)
    assert state_of(withdrawal) == S.OUTCOME_UNKNOWN
    return withdrawal


def test_not_found_means_nothing_before_the_settle_time(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal], settings: Any
) -> None:
    settings.PROVIDER_SETTLE_TIME = timedelta(minutes=1)
    withdrawal = lost(sandbox, approved)
    for _question in range(5):
        ask(withdrawal)
    assert len(creates(withdrawal)) == 1
    assert withdrawal.attempts.get().not_found_count == 0


def test_not_found_twice_repeats_the_same_key_once_and_no_other(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    withdrawal = lost(sandbox, approved)
    asking.ask(withdrawal.pk, clock=soon)
    assert len(creates(withdrawal)) == 1
    asking.ask(withdrawal.pk, clock=soon)
    assert len(creates(withdrawal)) == 2
    for hour in range(1, 6):
        asking.ask(withdrawal.pk, clock=lambda hour=hour: timezone.now() + timedelta(hours=hour))
    assert len(set(creates(withdrawal))) == 1
    assert len(creates(withdrawal)) == 2
    assert state_of(withdrawal) == S.OUTCOME_UNKNOWN
    assert findings_of(withdrawal) == {"not_found"}
    assert sandbox.oracle(withdrawal.ref)["accepted"] == 0
    nothing_is_in_breach(sandbox)


def test_a_repeat_that_never_left_is_made_again(sandbox: SandboxProcess, approved: Callable[..., Withdrawal]) -> None:
    withdrawal = lost(sandbox, approved)
    asking.ask(withdrawal.pk, clock=soon)
    sandbox.faults(drop_before_accept=0, create_unavailable=1.0)
    asking.ask(withdrawal.pk, clock=soon)
    sandbox.faults(create_unavailable=0)
    assert live(sandbox, withdrawal) == S.COMPLETED
    assert len(set(creates(withdrawal))) == 1
    assert sandbox.oracle(withdrawal.ref)["paid_times"] == 1


def test_no_repeat_where_the_provider_does_not_promise_it_is_safe(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal], monkeypatch: pytest.MonkeyPatch
) -> None:
    northgate = BY_CODE["northgate"]
    careful = dataclasses.replace(northgate.capabilities, may_repeat=False)
    monkeypatch.setitem(BY_CODE, "northgate", dataclasses.replace(northgate, capabilities=careful))
    withdrawal = lost(sandbox, approved)
    for _question in range(3):
        asking.ask(withdrawal.pk, clock=soon)
    assert len(creates(withdrawal)) == 1
    assert (state_of(withdrawal), findings_of(withdrawal)) == (S.OUTCOME_UNKNOWN, {"not_found"})


def test_a_payout_that_the_provider_had_and_lost_is_never_sent_again(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    withdrawal = approved(10_910)
    pay(withdrawal)
    sandbox.reset()
    for _question in range(4):
        asking.ask(withdrawal.pk, clock=lambda: timezone.now() + timedelta(hours=1))
    assert len(creates(withdrawal)) == 1
    assert (state_of(withdrawal), findings_of(withdrawal)) == (S.OUTCOME_UNKNOWN, {"vanished"})


# -- somebody was faster ---------------------------------------------------------------------------------


def test_a_worker_that_slept_finds_its_attempt_taken_over(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    withdrawal = approved()
    attempt = payouts.start(withdrawal.pk, now=timezone.now())
    assert attempt is not None
    Withdrawal.advance(withdrawal.pk, Move.FAIL, actor=PAYOUTS, now=timezone.now())
    payouts.send(attempt, clock=timezone.now)
    assert creates(withdrawal) == []
    assert sandbox.oracle(withdrawal.ref)["accepted"] == 0


def test_the_webhook_overtakes_our_own_answer(sandbox: SandboxProcess, approved: Callable[..., Withdrawal]) -> None:
    withdrawal = approved(10_916)
    attempt = payouts.start(withdrawal.pk, now=timezone.now())
    assert attempt is not None
    answer = gateway.create_payout(attempt.provider, payouts.instruction_for(attempt), now=timezone.now())
    sandbox.wait_for(withdrawal.ref, "paid")
    hear(sandbox, withdrawal)
    assert state_of(withdrawal) == S.COMPLETED
    receipts.apply(attempt, answer, now=timezone.now(), source="answer")
    assert state_of(withdrawal) == S.COMPLETED
    assert findings_of(withdrawal) == set()
    nothing_is_in_breach(sandbox)


def test_nothing_is_sent_for_an_attempt_that_was_paid_meanwhile(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    withdrawal = approved()
    attempt = payouts.start(withdrawal.pk, now=timezone.now())
    assert attempt is not None
    gateway.create_payout(attempt.provider, payouts.instruction_for(attempt), now=timezone.now())
    sandbox.wait_for(withdrawal.ref, "paid")
    hear(sandbox, withdrawal)
    assert payouts.send(PayoutAttempt.objects.get(pk=attempt.pk), clock=timezone.now) is False
    assert state_of(withdrawal) == S.COMPLETED
    assert sandbox.oracle(withdrawal.ref)["paid_times"] == 1


def test_forged_webhooks_for_a_live_payout_change_nothing(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    withdrawal = approved(10_910)
    pay(withdrawal)
    for kind in ("bad_signature", "other_key", "stale", "reserialised", "amount", "currency", "reference", "account"):
        sandbox.act(withdrawal.ref, "forge", kind=kind)
    hear(sandbox, withdrawal)
    assert state_of(withdrawal) == S.PROCESSING
    assert findings_of(withdrawal) == {"amount_differs", "reference_differs"}
    refused = WebhookDelivery.objects.filter(verified=False)
    assert {row.http_status for row in refused} == {401}
    assert refused.count() == 4
    nothing_is_in_breach(sandbox)


def test_the_log_of_calls_says_what_happened(sandbox: SandboxProcess, approved: Callable[..., Withdrawal]) -> None:
    withdrawal = approved(10_903)
    assert settings.PROVIDERS["northgate"]["base_url"] == sandbox.base_url
    live(sandbox, withdrawal, webhooks=False)
    outcomes = list(ProviderCall.objects.order_by("pk").values_list("verb", "outcome"))
    assert outcomes[0] == (Verb.CREATE, CallOutcome.UNKNOWN)
    assert set(outcomes[1:]) == {(Verb.PROBE, CallOutcome.ANSWERED)}
