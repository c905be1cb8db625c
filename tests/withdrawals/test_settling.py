"""An unknown outcome is settled by two people who saw the same evidence, through the pages."""

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from backoffice.accounts.models import User
from ledger.models import Entry
from tests.conftest import NOW
from tests.factories.withdrawals import make_finding, make_withdrawal
from withdrawals.exceptions import NotAllowed
from withdrawals.models import Decision, PayoutAttempt, Withdrawal
from withdrawals.operations import due_decisions
from withdrawals.states import Move, State

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]
EVIDENCE = "Line 14 of the statement of 21 November"


@pytest.fixture(autouse=True)
def _at_noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def unknown(operator: User) -> Withdrawal:
    return make_withdrawal(State.OUTCOME_UNKNOWN, now=NOW - timedelta(days=1), by=operator)


def page(client: Client, withdrawal: Withdrawal) -> str:
    return unescape(client.get(f"/withdrawals/{withdrawal.ref}/").text)


def settle(client: Client, withdrawal: Withdrawal, move: str, **data: str) -> int:
    proof = {"complete": "on_statement", "fail": "provider_denies"}[move]
    fields = {"version": str(withdrawal.version), "token": uuid.uuid4().hex, "reason": proof} | data
    return client.post(f"/withdrawals/{withdrawal.ref}/{move}/", fields).status_code


def agree(client: Client) -> int:
    return client.post(f"/withdrawals/decisions/{Decision.objects.latest('pk').pk}/agree/").status_code


def undo_time_is_over() -> Withdrawal:
    due_decisions.apply_due_decisions(now=NOW + settings.UNDO_TIME)
    return Withdrawal.objects.get()


@pytest.mark.parametrize("role", ["Finance", "Senior"])
def test_the_page_of_an_unknown_outcome_asks_for_evidence(
    unknown: Withdrawal, make_staff: Callable[[str], User], client_for: SignIn, role: str
) -> None:
    PayoutAttempt.objects.update(provider_reference="ng-77")
    html = page(client_for(make_staff(role)), unknown)
    assert 'id="sheet-complete"' in html and 'id="sheet-fail"' in html
    assert html.count('name="evidence"') == 2 and html.count('name="provider_reference"') == 1
    assert 'value="ng-77"' in html
    assert "Propose: mark as paid" in html


@pytest.mark.parametrize("role", ["Operator", "Fraud", "Support", "Compliance", "Administrator"])
def test_nobody_else_is_asked(
    unknown: Withdrawal, make_staff: Callable[[str], User], client_for: SignIn, role: str
) -> None:
    client = client_for(make_staff(role))
    assert "sheet-complete" not in page(client, unknown)
    assert settle(client, unknown, "complete", provider_reference="x", evidence=EVIDENCE) == 403


def test_what_is_being_processed_is_left_to_the_provider(finance: User, operator: User, client_for: SignIn) -> None:
    withdrawal = make_withdrawal(State.PROCESSING, now=NOW - timedelta(days=1), by=operator)
    assert "sheet-complete" not in page(client_for(finance), withdrawal)
    for move in ("complete", "fail"):
        sent = settle(client_for(finance), withdrawal, move, provider_reference="ng-77", evidence=EVIDENCE)
        assert sent == 409, move
    assert not Decision.objects.exists()


def test_paid_by_two_people_who_saw_the_evidence(
    unknown: Withdrawal, finance: User, senior: User, client_for: SignIn
) -> None:
    first, second = client_for(finance), client_for(senior)
    assert settle(first, unknown, "complete", provider_reference="ng-77") == 422  # no evidence
    assert settle(first, unknown, "complete", provider_reference="ng-77", evidence=EVIDENCE, reason="") == 422
    assert settle(first, unknown, "complete", provider_reference="ng-77", evidence=EVIDENCE) == 302
    assert agree(first) == 403
    assert "Withdraw the proposal" in page(first, unknown) and EVIDENCE in page(first, unknown)
    asked = page(second, unknown)
    assert (
        "Finn Olsen proposes to mark as paid: On the provider’s statement. It waits for somebody else to agree."
        in asked
    )
    assert EVIDENCE in asked and "ng-77" in asked and "sheet-complete" not in asked
    assert agree(second) == 302
    paid = undo_time_is_over()
    assert (paid.state, paid.provider_reference) == (State.COMPLETED, "ng-77")
    assert [entry.kind for entry in Entry.objects.filter(reference=paid.ref).order_by("pk")][-1] == "settle"
    told = page(second, paid)
    assert "by you" in told and EVIDENCE in told


def test_not_paid_gives_the_money_back(unknown: Withdrawal, finance: User, senior: User, client_for: SignIn) -> None:
    first, second = client_for(senior), client_for(finance)
    assert settle(first, unknown, "fail", evidence="They say in writing that they never had it") == 302
    assert "They say in writing that they never had it" in page(second, unknown)
    assert agree(second) == 302
    failed = undo_time_is_over()
    assert failed.state == State.FAILED
    assert [entry.kind for entry in Entry.objects.filter(reference=failed.ref).order_by("pk")][-1] == "unreserve"


def test_a_second_person_may_decline(unknown: Withdrawal, finance: User, senior: User, client_for: SignIn) -> None:
    settle(client_for(finance), unknown, "fail", evidence=EVIDENCE)
    decision = Decision.objects.get()
    assert f"/withdrawals/decisions/{decision.pk}/decline/" in page(client_for(senior), unknown)
    decline = f"/withdrawals/decisions/{decision.pk}/decline/"
    assert client_for(senior).post(decline, {"why": ""}).status_code == 422
    assert client_for(senior).post(decline, {"why": "It is on the statement"}).status_code == 302
    assert undo_time_is_over().state == State.OUTCOME_UNKNOWN
    assert "sheet-complete" in page(client_for(finance), unknown)
    assert "declined the proposal: mark as not paid" in page(client_for(senior), unknown)


def test_the_next_one_is_offered_only_to_who_may_take_it(
    unknown: Withdrawal, finance: User, senior: User, client_for: SignIn
) -> None:
    address, client = f"/withdrawals/{unknown.ref}/?view=all", client_for(finance)
    assert 'name="open_next"' in client_for(senior).get(address).text
    assert 'name="open_next"' not in client.get(address).text
    fail = f"/withdrawals/{unknown.ref}/fail/?view=all"
    asked = client.get(fail).context["form"]
    assert asked["open_next"].value() is None
    sent = {"version": unknown.version, "token": uuid.uuid4().hex, "reason": "provider_denies", "evidence": EVIDENCE}
    answer = client.post(fail, {**sent, "open_next": "1"}, follow=True)
    assert answer.redirect_chain == [(address, 302)]
    assert "Proposed. It waits for somebody else to agree." in answer.text


@pytest.mark.parametrize(
    ("move", "effect"),
    [
        ("complete", "€180.00 is booked as paid."),
        ("fail", "€180.00 goes back to the player’s balance."),
    ],
)
def test_both_people_read_what_becomes_of_the_money(
    unknown: Withdrawal, finance: User, senior: User, client_for: SignIn, move: str, effect: str
) -> None:
    client, reference = client_for(finance), {"provider_reference": "ng-77"} if move == "complete" else {}
    assert f"until somebody else agrees. Then {effect}" in page(client, unknown)
    assert effect in unescape(client.get(f"/withdrawals/{unknown.ref}/{move}/").text)
    settle(client, unknown, move, evidence=EVIDENCE, **reference)
    assert f"It waits for somebody else to agree. Then {effect}" in page(client_for(senior), unknown)


def test_evidence_is_more_than_a_word(unknown: Withdrawal, finance: User, client_for: SignIn) -> None:
    sent = {"version": unknown.version, "token": "t", "reason": "provider_denies", "evidence": "  a mail   "}
    answer = client_for(finance).post(f"/withdrawals/{unknown.ref}/fail/", sent)
    assert answer.status_code == 422
    assert "Write what you saw and where, in 10 characters or more." in answer.text
    assert not Decision.objects.exists()


def test_what_speaks_against_settling_stands_in_the_sheet(
    unknown: Withdrawal, finance: User, client_for: SignIn
) -> None:
    client, asked = client_for(finance), f"/withdrawals/{unknown.ref}/fail/"
    assert "It may still pay it" not in page(client, unknown)
    PayoutAttempt.objects.update(last_receipt_at=NOW - timedelta(hours=2), answer="PENDING")
    make_finding(unknown, "failed_while_unknown", words="The provider says failed.")
    for html in (page(client, unknown), client.get(asked).text):
        assert "On 22 Nov 2026, 10:00 the provider said that it has this payout (PENDING). It may still pay it." in html
        assert "An open finding speaks of it: The provider says failed." in html


def test_who_settled_it_is_not_who_failed(unknown: Withdrawal, finance: User, senior: User, client_for: SignIn) -> None:
    settle(client_for(finance), unknown, "fail", evidence=EVIDENCE)
    agree(client_for(senior))
    assert "Marta Keller marked it as not paid: The provider denies it in writing." in page(
        client_for(finance), unknown
    )
    undo_time_is_over()
    told = page(client_for(senior), unknown)
    assert "Marked as not paid" in told


def test_whoever_may_second_finds_the_proposals(
    unknown: Withdrawal, finance: User, senior: User, operator: User, support: User, admin: User, client_for: SignIn
) -> None:
    settle(client_for(finance), unknown, "fail", evidence=EVIDENCE)
    page = client_for(senior).get("/withdrawals/?view=proposals")
    assert list(page.context["page"].rows) == [unknown]
    assert "Finn Olsen proposes to mark as not paid: The provider denies it in writing" in page.text
    assert list(client_for(operator).get("/withdrawals/?view=proposals").context["page"].rows) == []
    for user in (support, admin):
        assert "view=proposals" not in client_for(user).get("/withdrawals/").text
    agree(client_for(senior))
    assert list(client_for(finance).get("/withdrawals/?view=proposals").context["page"].rows) == []


def test_who_proposed_reads_that_it_was_declined(
    unknown: Withdrawal, finance: User, senior: User, support: User, client_for: SignIn
) -> None:
    settle(client_for(finance), unknown, "fail", evidence=EVIDENCE)
    client_for(senior).post(f"/withdrawals/decisions/{Decision.objects.get().pk}/decline/", {"why": "Look again."})
    told = (
        "Marta Keller declined it: Look again. Finn Olsen had proposed to mark as not paid:"
        " The provider denies it in writing."
    )
    assert told in page(client_for(finance), unknown)
    assert "declined" not in page(client_for(support), unknown)
    settle(client_for(finance), unknown, "fail", evidence=EVIDENCE)
    assert told not in page(client_for(finance), unknown)


@pytest.mark.parametrize("move", ["complete", "fail"])
def test_nobody_settles_what_they_approved(senior: User, finance: User, client_for: SignIn, move: str) -> None:
    own = make_withdrawal(State.OUTCOME_UNKNOWN, now=NOW - timedelta(days=1), by=senior)
    proof = {"provider_reference": "ng-77"} if move == "complete" else {}
    assert f"sheet-{move}" not in page(client_for(senior), own)
    assert settle(client_for(senior), own, move, evidence=EVIDENCE, **proof) == 403
    assert settle(client_for(finance), own, move, evidence=EVIDENCE, **proof) == 302
    assert agree(client_for(senior)) == 403
    with pytest.raises(NotAllowed):  # nor by a proposal that came about in another way
        Withdrawal.advance(
            own.pk, Move(move), actor=finance, now=NOW, evidence=EVIDENCE, proposed_by=senior.pk,
            reason={"complete": "on_statement", "fail": "provider_denies"}[move], **proof,
        )  # fmt: skip
