"""What is with providers: which are unknown or slow, what is said of each, and what settling one would book."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client

from backoffice.accounts.models import User
from backoffice.audit.actors import PAYOUTS
from backoffice.audit.models import AuditEntry
from ledger.models import Entry, Posting
from providers.models import ProviderCall, WebhookDelivery
from tests.conftest import NOW
from tests.factories.withdrawals import make_finding, make_withdrawal
from tests.menu import menu_links
from withdrawals import in_flight
from withdrawals.models import PayoutAttempt, Withdrawal
from withdrawals.operations import decisions, rehearsal
from withdrawals.states import Move, State

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]
ADDRESS = "/in-flight/"


@pytest.fixture(autouse=True)
def _at_noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def sent(minutes: float, state: State = State.PROCESSING, *, by: User, **facts: Any) -> Withdrawal:
    return make_withdrawal(state, now=NOW - timedelta(minutes=minutes), by=by, **facts)


def completed(seconds: int, *, by: User) -> None:
    """A payout that was completed an hour ago and took so many seconds."""
    row = sent(60, State.COMPLETED, by=by)
    PayoutAttempt.objects.filter(withdrawal=row).update(sent_at=row.closed_at - timedelta(seconds=seconds))


def rows(client: Client, view: str = "with-providers", **more: str) -> list[Withdrawal]:
    response = client.get(ADDRESS, {"view": view, **more})
    assert response.status_code == 200
    return list(response.context["page"].rows)


def test_each_view_holds_its_own(operator: User, client_for: SignIn) -> None:
    unknown, fresh, slow = sent(30, State.OUTCOME_UNKNOWN, by=operator), sent(1, by=operator), sent(3, by=operator)
    failed, returned = sent(50, State.FAILED, by=operator), sent(90, State.RETURNED, by=operator)
    sent(3000, State.FAILED, by=operator)
    client = client_for(operator)
    assert rows(client) == [unknown, slow, fresh]
    assert rows(client, "unknown") == [unknown] and rows(client, "slow") == [unknown, slow]
    assert rows(client, "failed") == [failed] and rows(client, "returned") == [returned]
    assert rows(client, age="5min") == [unknown] and rows(client, state="processing") == [slow, fresh]
    assert rows(client, provider="volta") == [] and rows(client, amount_min="1000") == []


def test_slow_is_longer_than_nine_of_ten_took_and_never_under_two_minutes(operator: User, client_for: SignIn) -> None:
    client = client_for(operator)
    row = sent(5, by=operator)
    assert rows(client, "slow") == [row]
    for seconds in (10, 20, 30, 40, 50, 60, 70, 80, 400, 900):
        completed(seconds, by=operator)
    assert in_flight.usual_times() == {"northgate": timedelta(seconds=450)}
    assert rows(client, "slow") == []
    with time_machine.travel(NOW + timedelta(seconds=151), tick=False):
        assert rows(client, "slow") == [row]


def test_the_summary_counts_and_adds_up(operator: User, client_for: SignIn) -> None:
    sent(30, State.OUTCOME_UNKNOWN, by=operator), sent(1, by=operator), sent(1, by=operator, currency="BRL")
    sent(50, State.FAILED, by=operator)
    text = client_for(operator).get(ADDRESS).text
    summary = text.partition('<p id="summary">')[2].partition("</p>")[0]
    assert "<b>3</b> with providers" in summary and "€360.00" in summary and "180.00" in summary
    assert "1 unknown" in summary and "<b>1</b> slower than usual" in summary


def test_each_row_says_when_it_was_sent_what_was_answered_and_what_comes_next(
    operator: User, admin: User, client_for: SignIn
) -> None:
    row = sent(30, State.OUTCOME_UNKNOWN, by=operator)
    PayoutAttempt.objects.update(answer="no answer after 30 s")
    Withdrawal.objects.update(next_step_at=NOW + timedelta(minutes=6))
    text = client_for(operator).get(ADDRESS).text
    assert "No answer after 30 s" in text and "Ask again <time" in text and ">30 min ago</time>" in text
    assert f'href="/in-flight/unknown/{row.ref}/?view=in-flight.with-providers"' in text
    Withdrawal.objects.update(next_step_at=None)
    text = client_for(admin).get(ADDRESS).text
    assert "A person decides" in text
    assert "No answer after 30 s" not in text and row.player.name not in text


def test_it_takes_the_same_few_statements_for_any_number_of_rows(
    operator: User, client_for: SignIn, django_assert_num_queries: Any
) -> None:
    client = client_for(operator)
    sent(30, by=operator)
    client.get(ADDRESS)
    with django_assert_num_queries(9):
        client.get(ADDRESS)
    sent(20, State.OUTCOME_UNKNOWN, by=operator)
    with django_assert_num_queries(9):
        client.get(ADDRESS)


def test_a_row_whose_outcome_is_unknown_is_asked_about_from_the_list(operator: User, client_for: SignIn) -> None:
    unknown, other = sent(30, State.OUTCOME_UNKNOWN, by=operator), sent(20, by=operator)
    client = client_for(operator)
    asks = f'action="/in-flight/unknown/{unknown.ref}/?view=in-flight.with-providers"'
    assert asks in client.get(f"{ADDRESS}?peek={unknown.ref}").text
    assert "Ask the provider now" not in client.get(f"{ADDRESS}?peek={other.ref}").text


def test_the_last_decision_can_be_taken_back_from_here(operator: User, senior: User, client_for: SignIn) -> None:
    row = make_withdrawal(State.UNDER_REVIEW, now=NOW)
    decisions.decide(row, Move.APPROVE, actor=operator, now=NOW, version=row.version, key="k")
    for user, offered in ((operator, True), (senior, False)):
        assert ("/undo/" in client_for(user).get(ADDRESS).text) is offered
    endorsed = make_withdrawal(State.SECOND_APPROVAL, now=NOW, by=operator)
    decisions.decide(endorsed, Move.CONFIRM, actor=senior, now=NOW, version=endorsed.version, key="k2")
    assert "/undo/?view=second-approval" in client_for(senior).get("/withdrawals/second-approval/").text


def test_finance_takes_the_list_as_a_file_and_that_is_recorded(
    finance: User, operator: User, admin: User, client_for: SignIn
) -> None:
    row = sent(30, by=operator)
    answer = client_for(finance).get(f"{ADDRESS}?export=csv")
    lines = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert row.ref in lines and "180.00" in lines and row.player.name not in lines
    assert AuditEntry.objects.get(action="export").data["rows"] == 1
    assert "text/html" in client_for(admin).get(f"{ADDRESS}?export=csv")["Content-Type"]


def test_who_comes_here(make_staff: Any, client_for: SignIn) -> None:
    for role in ("Operator", "Senior", "Finance", "Administrator"):
        client = client_for(make_staff(role))
        assert ADDRESS in menu_links(client.get(ADDRESS)), role
        assert client.get("/withdrawals/?view=with-provider")["Location"] == ADDRESS
    for role in ("Fraud", "Support", "Compliance"):
        client = client_for(make_staff(role))
        assert client.get(ADDRESS).status_code == 403, role
        assert ADDRESS not in menu_links(client.get("/withdrawals/"))
        assert "with-provider" not in client.get("/withdrawals/").text


# One of them ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def unknown(operator: User) -> Withdrawal:
    return sent(60 * 24, State.OUTCOME_UNKNOWN, by=operator)


def page(client: Client, row: Withdrawal) -> str:
    response = client.get(f"/in-flight/unknown/{row.ref}/")
    assert response.status_code == 200
    return unescape(response.text)


def test_it_says_what_is_known_and_offers_no_second_sending(
    unknown: Withdrawal, senior: User, admin: User, finance: User, client_for: SignIn
) -> None:
    key = str(unknown.live_attempt.key)
    ProviderCall.objects.create(
        provider="northgate", verb="create", key=key, latency_ms=30_012, outcome="unknown", words="no answer",
        method="POST", path="/payouts", at=NOW - timedelta(minutes=5),
    )  # fmt: skip
    for body, event in ((f'{{"key": "{key}"}}', "e-1"), ('{"key": "another"}', "e-2")):
        WebhookDelivery.objects.create(
            provider="northgate", event_id=event, received_at=NOW - timedelta(minutes=3), headers={}, verified=True,
            body=body.encode(), http_status=200, outcome="applied", apply_after=NOW,
        )  # fmt: skip
    make_finding(unknown, words="The provider fell silent.")
    text = page(client_for(senior), unknown)
    assert "We do not know whether this was paid. Do not send it again until this is settled." in text
    assert key in text and "Create payout: outcome unknown" in text and "No answer" in text
    assert text.count("The provider wrote") == 1 and "/payouts" not in text
    assert text.index("The provider wrote") < text.index("Create payout: outcome unknown")
    assert "The provider fell silent." in text and "Ask the provider now" in text
    assert "esend" not in text and "start-payout" not in text
    raw = page(client_for(admin), unknown)
    assert "POST /payouts: no answer, 30,012 ms" in raw and "e-1" in raw and "Mark as paid" not in raw
    assert "/complete/" in page(client_for(finance), unknown)


def test_what_the_provider_wrote_is_said_in_words(unknown: Withdrawal, senior: User, client_for: SignIn) -> None:
    payout = {
        "id": "po_1", "reference": unknown.ref, "idempotency_key": str(unknown.live_attempt.key), "status": "dreaming",
        "reason": None, "amount": unknown.amount, "currency": unknown.currency, "updated_at": NOW.isoformat(),
        "sequence": 3,
    }  # fmt: skip
    event = {"id": "e-1", "type": "payout.updated", "account": "northgate", "data": payout}
    WebhookDelivery.objects.create(
        provider="northgate", event_id="e-1", received_at=NOW - timedelta(minutes=3), headers={}, verified=True,
        body=json.dumps(event).encode(), http_status=200, outcome="applied", apply_after=NOW,
    )  # fmt: skip
    text = page(client_for(senior), unknown)
    assert "<blockquote>“dreaming” · Nothing: we do not know this status</blockquote>" in text
    assert "Applied" not in text


def test_settling_by_hand_is_a_key_away(unknown: Withdrawal, senior: User, client_for: SignIn) -> None:
    text = page(client_for(senior), unknown)
    for verb, key in (("paid", "m"), ("not paid", "f")):
        assert re.search(rf'<a [^>]*data-key="{key}"[^>]*>Mark as {verb}…', text), verb


def test_the_same_question_asked_again_is_one_line(unknown: Withdrawal, admin: User, client_for: SignIn) -> None:
    for minutes in (9, 6, 3):
        ProviderCall.objects.create(
            provider="northgate", verb="probe", key=str(unknown.live_attempt.key), latency_ms=minutes,
            outcome="unknown", method="GET", path="/payouts", at=NOW - timedelta(minutes=minutes),
        )  # fmt: skip
    text = page(client_for(admin), unknown)
    assert text.count("Ask whether it arrived") == 1 and "3 times since" in text
    assert text.count("GET /payouts: no answer") == 3


@pytest.mark.parametrize("move", [Move.COMPLETE, Move.FAIL])
def test_the_preview_is_what_is_booked(unknown: Withdrawal, move: Move) -> None:
    facts = {"provider_reference": "ng-1"} if move == Move.COMPLETE else {"reason": "not_on_statement"}
    before = Entry.objects.count()
    seen = rehearsal.postings_of(unknown, move, now=NOW, **facts)
    assert Entry.objects.count() == before
    assert Withdrawal.objects.get().state == State.OUTCOME_UNKNOWN
    known = list(Entry.objects.values_list("pk", flat=True))
    Withdrawal.advance(unknown.pk, move, actor=PAYOUTS, now=NOW, **facts)
    booked = Posting.objects.exclude(entry__in=known).select_related("entry", "account").order_by("entry_id", "leg")
    told = [
        [(one.entry.kind, one.account.kind, one.account.holder, one.amount, one.currency_id) for one in ones]
        for ones in (seen, booked)
    ]
    assert told[0] == told[1] and told[0]


def test_asking_now_says_what_happens(unknown: Withdrawal, operator: User, client_for: SignIn) -> None:
    Withdrawal.objects.update(next_step_at=None)
    client, address = client_for(operator), f"/in-flight/unknown/{unknown.ref}/"
    assert "Northgate Pay is being asked." in client.post(address, follow=True).text
    assert Withdrawal.objects.get().next_step_at == NOW
    ProviderCall.objects.create(
        provider="northgate", verb="probe", key=str(unknown.live_attempt.key), latency_ms=9, outcome="answered", at=NOW
    )
    assert "was asked less than 30 s ago" in client.post(address, follow=True).text


def test_what_is_settled_leads_to_its_record(operator: User, client_for: SignIn) -> None:
    row = sent(60, State.COMPLETED, by=operator)
    address = f"/in-flight/unknown/{row.ref}/"
    assert client_for(operator).get(address)["Location"] == f"/withdrawals/{row.ref}/"


def test_nobody_else_reads_it(unknown: Withdrawal, support: User, fraud_analyst: User, client_for: SignIn) -> None:
    for user in (support, fraud_analyst):
        client = client_for(user)
        assert client.get(f"/in-flight/unknown/{unknown.ref}/").status_code == 403
        assert client.post(f"/in-flight/unknown/{unknown.ref}/").status_code == 403


def test_a_peek_shows_what_the_reader_may_see_and_leads_on(operator: User, finance: User, client_for: SignIn) -> None:
    row, lost = sent(30, by=operator), sent(20, State.OUTCOME_UNKNOWN, by=operator)
    peek = client_for(operator).get(f"{ADDRESS}?peek={row.ref}").text
    assert row.player.name in peek and "data-claim-row" not in peek
    assert f'href="/withdrawals/{row.ref}/?view=in-flight.with-providers"' in peek
    peek = client_for(finance).get(f"{ADDRESS}?peek={lost.ref}").text
    assert (
        f'href="/in-flight/unknown/{lost.ref}/?view=in-flight.with-providers"' in peek and lost.player.name not in peek
    )
