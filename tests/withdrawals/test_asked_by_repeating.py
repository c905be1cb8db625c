"""An unknown outcome at a provider that finds nothing by our key: only the same request tells, and it pays once."""

import itertools
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from backoffice.accounts.models import User
from backoffice.audit.actors import PAYOUTS
from providers import gateway, routing
from providers.contract import CannotTell
from providers.models import ProviderCall, Verb
from providers.registry import BY_CODE
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import make_destination
from tests.sandbox_process import SandboxProcess
from tests.withdrawals.paying import creates, findings_of, hear, live, nothing_is_in_breach, pay, state_of
from withdrawals.models import Destination, Finding, Withdrawal
from withdrawals.operations import asking, decisions, payouts
from withdrawals.states import Move, State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_to_believe")]

S = State
Lose = Callable[..., Withdrawal]


@pytest.fixture
def by_paypal(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Withdrawal]:
    """Approve a withdrawal that PayPal alone can pay."""
    monkeypatch.setattr(routing, "PROVIDERS", (BY_CODE["paypal"],))

    def make(amount: int = 18_000) -> Withdrawal:
        player = PlayerFactory(verified=True)
        destination = make_destination(player, method="paypal", account="ada@example.com")
        return approved(amount, player=player, destination=destination)

    return make


@pytest.fixture
def lost(sandbox: SandboxProcess, by_paypal: Callable[..., Withdrawal]) -> Lose:
    """Pay a withdrawal and lose the answer, by the named switch of the sandbox; the webhooks as well."""

    def make(fault: str) -> Withdrawal:
        sandbox.faults(**{fault: 1.0, "webhook_lost": 1.0})
        withdrawal = by_paypal()
        pay(withdrawal)
        assert state_of(withdrawal) == S.OUTCOME_UNKNOWN
        sandbox.faults(**{fault: 0})
        return withdrawal

    return make


_minutes = itertools.count(5)


def ask_later(withdrawal: Withdrawal, *, after: timedelta = timedelta(0)) -> None:
    """Ask, each time when everything before has settled."""
    at = timezone.now() + timedelta(minutes=next(_minutes)) + after
    asking.ask(withdrawal.pk, clock=lambda: at)


def test_a_payout_by_paypal_is_paid_to_its_address(
    sandbox: SandboxProcess, by_paypal: Callable[..., Withdrawal]
) -> None:
    withdrawal = by_paypal()
    assert live(sandbox, withdrawal) == S.COMPLETED
    (sent,) = sandbox.payouts(withdrawal.ref)
    assert (sent["account"], sent["amount"], sent["dialect"]) == ("paypal", 18_000, "paypal")
    nothing_is_in_breach(sandbox)


@pytest.mark.parametrize("fault", ["drop_after_accept", "error_after_accept", "unavailable_after_accept", "malformed"])
def test_what_arrived_is_found_by_the_same_request_and_paid_once(
    fault: str, sandbox: SandboxProcess, lost: Lose
) -> None:
    withdrawal = lost(fault)
    ask_later(withdrawal)  # refused, with the name of the payout that is there
    attempt = withdrawal.attempts.get()
    assert attempt.provider_reference == sandbox.payouts(withdrawal.ref)[0]["id"]
    sandbox.wait_for(withdrawal.ref, "paid")
    ask_later(withdrawal)
    assert state_of(withdrawal) == S.COMPLETED
    assert sandbox.oracle(withdrawal.ref)["paid_times"] == 1
    assert len(set(creates(withdrawal))) == 1 and len(creates(withdrawal)) == 2
    nothing_is_in_breach(sandbox)


def test_what_never_arrived_is_paid_by_the_same_request(sandbox: SandboxProcess, lost: Lose) -> None:
    withdrawal = lost("drop_before_accept")
    assert sandbox.oracle(withdrawal.ref)["accepted"] == 0
    ask_later(withdrawal)
    assert state_of(withdrawal) == S.PROCESSING
    sandbox.wait_for(withdrawal.ref, "paid")
    ask_later(withdrawal)
    assert state_of(withdrawal) == S.COMPLETED
    assert sandbox.oracle(withdrawal.ref)["paid_times"] == 1
    nothing_is_in_breach(sandbox)


def test_the_webhook_resolves_it_without_a_repeat(sandbox: SandboxProcess, lost: Lose) -> None:
    withdrawal = lost("drop_after_accept")
    sandbox.wait_for(withdrawal.ref, "paid")
    sandbox.act(withdrawal.ref, "duplicate-webhook")
    hear(sandbox, withdrawal)
    assert state_of(withdrawal) == S.COMPLETED
    assert len(creates(withdrawal)) == 1
    nothing_is_in_breach(sandbox)


def test_the_page_says_what_asking_means_here(lost: Lose, finance: User, client_for: Callable[[User], Client]) -> None:
    withdrawal = lost("drop_after_accept")
    address = f"/in-flight/unknown/{withdrawal.ref}/"
    shown = client_for(finance).get(address).text
    assert "PayPal finds nothing by our key." in shown and "Asking moves no money" not in shown
    withdrawal.attempts.update(provider_reference="PAYPALBATCH1")
    assert "Asking moves no money." in client_for(finance).get(address).text


def test_who_only_looks_sends_nothing(
    lost: Lose, finance: User, client_for: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    withdrawal = lost("drop_before_accept")
    monkeypatch.setattr(asking, "ASKED_JUST_NOW", timedelta(0))
    planned = Withdrawal.objects.get(pk=withdrawal.pk).next_step_at
    for address in (f"/withdrawals/{withdrawal.ref}/", f"/withdrawals/{withdrawal.ref}/complete/"):
        assert client_for(finance).get(address).status_code == 200
    assert Withdrawal.objects.get(pk=withdrawal.pk).next_step_at == planned
    client_for(finance).post(f"/in-flight/unknown/{withdrawal.ref}/")
    assert Withdrawal.objects.get(pk=withdrawal.pk).next_step_at != planned


def test_a_probe_pays_nothing(sandbox: SandboxProcess, lost: Lose) -> None:
    withdrawal = lost("drop_before_accept")
    instruction = payouts.instruction_for(withdrawal.attempts.get())
    assert isinstance(gateway.probe("paypal", instruction, now=timezone.now()), CannotTell)
    assert ProviderCall.objects.get(verb=Verb.PROBE).path == ""
    assert sandbox.oracle(withdrawal.ref)["accepted"] == 0


def repeats(withdrawal: Withdrawal) -> int:
    return len(creates(withdrawal)) - 1


def test_no_repeat_while_a_call_may_be_under_way(sandbox: SandboxProcess, lost: Lose, settings: object) -> None:
    settings.PROVIDER_SETTLE_TIME = timedelta(minutes=1)  # type: ignore[attr-defined]
    withdrawal = lost("drop_before_accept")
    asking.ask(withdrawal.pk, clock=timezone.now)
    assert repeats(withdrawal) == 0
    asking.ask(withdrawal.pk, clock=lambda: timezone.now() + timedelta(minutes=2))
    assert repeats(withdrawal) == 1


def test_no_repeat_after_the_time_of_the_key(sandbox: SandboxProcess, lost: Lose) -> None:
    withdrawal = lost("drop_before_accept")
    ask_later(withdrawal, after=timedelta(days=30))
    assert (repeats(withdrawal), state_of(withdrawal)) == (0, S.OUTCOME_UNKNOWN)


def test_no_repeat_while_people_settle_it(sandbox: SandboxProcess, lost: Lose, finance: User) -> None:
    withdrawal = lost("drop_before_accept")
    version = Withdrawal.objects.get(pk=withdrawal.pk).version
    decisions.decide(
        withdrawal, Move.FAIL, actor=finance, now=timezone.now() + timedelta(minutes=2), version=version,
        key=uuid.uuid4().hex, reason="provider_denies", facts={"evidence": "PayPal’s own list of 21 November"},
    )  # fmt: skip
    ask_later(withdrawal)
    assert (repeats(withdrawal), state_of(withdrawal)) == (0, S.OUTCOME_UNKNOWN)


def test_no_repeat_of_what_may_not_be_paid_any_more(sandbox: SandboxProcess, lost: Lose) -> None:
    withdrawal = lost("drop_before_accept")
    Destination.objects.filter(pk=withdrawal.destination_id).update(holder_name="Somebody Else")
    ask_later(withdrawal)
    assert (repeats(withdrawal), findings_of(withdrawal)) == (0, {"not_repeated"})
    assert state_of(withdrawal) == S.OUTCOME_UNKNOWN


def test_no_repeat_at_a_provider_that_is_paused(sandbox: SandboxProcess, lost: Lose, admin: User) -> None:
    withdrawal = lost("drop_before_accept")
    routing.pause("paypal", actor=admin, reason="Their status page", now=timezone.now())
    ask_later(withdrawal)
    assert (repeats(withdrawal), state_of(withdrawal)) == (0, S.OUTCOME_UNKNOWN)


def test_the_refusal_of_a_repeat_proves_nothing(sandbox: SandboxProcess, by_paypal: Callable[..., Withdrawal]) -> None:
    """It may be over a limit that the first one used up."""
    withdrawal = by_paypal(18_901)
    payouts.start(withdrawal.pk, now=timezone.now())
    Withdrawal.advance(withdrawal.pk, Move.LOSE_TRACK, actor=PAYOUTS, now=timezone.now())
    ask_later(withdrawal)
    assert (state_of(withdrawal), findings_of(withdrawal)) == (S.OUTCOME_UNKNOWN, {"repeat_refused"})


def test_what_our_float_was_too_small_for_is_asked_again(sandbox: SandboxProcess, lost: Lose) -> None:
    withdrawal = lost("drop_before_accept")
    sandbox.set_balance("paypal", "EUR", 0)
    ask_later(withdrawal)
    assert (state_of(withdrawal), findings_of(withdrawal)) == (S.OUTCOME_UNKNOWN, {"repeat_refused"})
    sandbox.set_balance("paypal", "EUR", 1_000_000)
    ask_later(withdrawal)
    sandbox.wait_for(withdrawal.ref, "paid")
    ask_later(withdrawal)
    assert state_of(withdrawal) == S.COMPLETED
    assert sandbox.oracle(withdrawal.ref)["paid_times"] == 1


def test_at_the_end_of_the_plan_a_person_takes_over(sandbox: SandboxProcess, lost: Lose) -> None:
    withdrawal = lost("drop_before_accept")
    sandbox.faults(drop_before_accept=1.0)
    for step in range(len(asking.PLAN["unknown"]) + 1):
        Withdrawal.objects.filter(pk=withdrawal.pk).update(step_tries=step + 1)
        ask_later(withdrawal)
    assert state_of(withdrawal) == S.OUTCOME_UNKNOWN
    assert Finding.objects.get(withdrawal=withdrawal).kind == "no_final_answer"
    assert len(set(creates(withdrawal))) == 1


def test_a_worker_that_died_after_sending_is_found_out(
    sandbox: SandboxProcess, by_paypal: Callable[..., Withdrawal]
) -> None:
    withdrawal = by_paypal()
    attempt = payouts.start(withdrawal.pk, now=timezone.now())
    assert attempt is not None
    gateway.create_payout("paypal", payouts.instruction_for(attempt), now=timezone.now())
    ask_later(withdrawal)
    assert state_of(withdrawal) == S.OUTCOME_UNKNOWN
    sandbox.wait_for(withdrawal.ref, "paid")
    ask_later(withdrawal)
    ask_later(withdrawal)
    assert state_of(withdrawal) == S.COMPLETED
    assert sandbox.oracle(withdrawal.ref)["paid_times"] == 1
