"""What stops a payout before it is sent: switches, changed facts, our money at the provider, wrong credentials."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from backoffice.accounts.models import User
from providers import gateway, routing
from providers.models import ProviderCall
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import make_destination, make_withdrawal, open_withdrawal
from tests.sandbox_process import SandboxProcess
from tests.withdrawals.paying import creates, findings_of, live, make_due, nothing_is_in_breach, pay, state_of, trace_of
from withdrawals import due
from withdrawals.models import Finding, PayoutAttempt, Withdrawal
from withdrawals.operations import payouts
from withdrawals.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_to_believe")]

S = State


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
