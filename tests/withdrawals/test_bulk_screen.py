"""The preview of many approvals and the page of the job: what is said, what is refused, and who may."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from backoffice.accounts.models import User
from backoffice.jobs.models import Job
from tests.conftest import NOW
from tests.factories.withdrawals import make_withdrawal
from withdrawals.models import Decision, Limit, Withdrawal
from withdrawals.operations import bulk, claims, due_decisions
from withdrawals.states import Move, State

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]
PREVIEW, APPLY = "/withdrawals/bulk/preview/", "/withdrawals/bulk/apply/"


@pytest.fixture(autouse=True)
def _at_noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def client(operator: User, client_for: SignIn) -> Client:
    return client_for(operator)


def review(**facts: Any) -> Withdrawal:
    return make_withdrawal(State.UNDER_REVIEW, **facts)


def select(client: Client, *rows: Withdrawal) -> str:
    response = client.post(PREVIEW, {"pick": [row.ref for row in rows]})
    assert response.status_code == 200
    return response.text


def sealed(text: str) -> str:
    found = re.search(r'name="preview" value="([^"]+)"', text)
    assert found
    return found[1]


def kept(text: str) -> list[str]:
    return re.findall(r'name="keep" value="([^"]+)"[^>]* checked', text)


def send(client: Client, text: str, keep: list[str] | None = None, **more: str) -> Any:
    return client.post(APPLY, {"preview": sealed(text), "keep": kept(text) if keep is None else keep, **more})


def heading(text: str) -> str:
    found = re.search(r"<h1>([^<]+)</h1>", text)
    assert found
    return found[1]


def notices(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text.partition('class="board"')[0].partition('class="notices"')[2]).split())


def test_the_queue_offers_boxes_to_who_approves(
    client: Client, senior: User, fraud_analyst: User, finance: User, client_for: SignIn
) -> None:
    review()
    assert 'name="pick"' in client.get("/withdrawals/").text
    assert 'action="/withdrawals/bulk/preview/"' in client.get("/withdrawals/").text
    for view in ("on-hold", "decided", "all"):
        assert 'name="pick"' not in client.get(f"/withdrawals/?view={view}").text
    assert 'name="pick"' in client_for(senior).get("/withdrawals/").text
    for user in (fraud_analyst, finance):
        assert 'name="pick"' not in client_for(user).get("/withdrawals/").text


def test_the_preview_says_what_and_what_not_and_why(client: Client, senior: User) -> None:
    first, reais = review(), review(amount=70_000, currency="BRL")
    claimed, high = review(), review(risk=(72, "high"))
    claims.claim(claimed, user=senior, now=NOW)
    text = select(client, first, reais, claimed, high)
    assert heading(text) == "Approve 2 of 4 selected"
    assert kept(text) == [first.ref, reais.ref]
    assert "Left out 2: Marta Keller has it (1) · Not yours to decide (1)" in notices(text)
    summary = re.search(r'<span role="status">(.*?)</span></p>', text, re.S)
    assert summary and "€180.00" in summary[1] and "700.00" in summary[1] and "880" not in summary[1]
    assert re.findall(r'scope="rowgroup"><b>([^<]+)</b>', text) == ["Will be approved", "Left out"]
    assert not Job.objects.exists()


def test_every_row_takes_the_statements_of_its_own_checks(client: Client, django_assert_num_queries: Any) -> None:
    first, second = review(), review()
    select(client, first)
    with django_assert_num_queries(16):
        select(client, first)
    with django_assert_num_queries(27):
        select(client, first, second)


def test_unchecked_rows_are_taken_out_of_the_totals(client: Client) -> None:
    first, second = review(), review(amount=64_000)
    text = client.post(PREVIEW, {"preview": sealed(select(client, first, second)), "keep": [second.ref]}).text
    assert heading(text) == "Approve 1 of 2 selected" and kept(text) == [second.ref]
    part = client.post(PREVIEW, {"preview": sealed(text), "keep": []}, headers={"HX-Request": "true"}).text
    assert part.lstrip().startswith("<form") and "data-commits" not in part
    assert "None of them can be decided together with others." in part


def test_what_is_sent_is_decided_once_however_often(client: Client, operator: User) -> None:
    first, second = review(), review()
    text = select(client, first, second)
    answers = [send(client, text) for _ in range(2)]
    job = Job.objects.get()
    assert [answer["Location"] for answer in answers] == [f"/withdrawals/bulk/{job.pk}/"] * 2
    assert (job.title, job.owner, job.items.count()) == ("Approve 2 payouts", operator, 2)
    bulk.work_off(clock=lambda: NOW)
    assert Decision.objects.count() == 2
    assert send(client, text).status_code == 302 and Job.objects.count() == 1


def test_other_rows_than_were_added_up_are_shown_first(client: Client) -> None:
    first, second = review(), review(amount=64_000)
    text = select(client, first, second)
    again = send(client, text, keep=[second.ref])
    assert again.status_code == 200 and heading(again.text) == "Approve 1 of 2 selected"
    assert "You changed which rows." in notices(again.text) and not Job.objects.exists()
    assert send(client, again.text).status_code == 302


def test_a_selection_that_changed_is_refused_with_the_differences(client: Client, senior: User) -> None:
    first, second = review(), review()
    text = select(client, first, second)
    claims.claim(second, user=senior, now=NOW)
    answer = send(client, text)
    assert answer.status_code == 409 and not Job.objects.exists()
    assert f"Nothing was done. {second.ref}: Marta Keller has it." in notices(answer.text)
    assert heading(answer.text) == "Approve 1 of 2 selected"
    assert send(client, answer.text).status_code == 302  # seen anew, it may be sent


def test_a_whole_view_that_grew_is_refused_by_name(client: Client) -> None:
    review(), review()
    bar = client.post(
        "/withdrawals/?view=needs-decision", {"pick": [Withdrawal.objects.earliest("pk").ref], "whole": "1"}
    )
    posted = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', bar.text))
    text = client.post(PREVIEW, posted).text
    assert heading(text) == "Approve 2 of 2 selected"
    late = review()
    answer = send(client, text)
    assert answer.status_code == 409 and f"{late.ref}: came into the view since." in notices(answer.text)
    refused = client.post(PREVIEW, posted)
    assert refused.status_code == 409 and "The view held 2 rows when you selected them" in refused.text


def test_above_the_limit_a_senior_types_the_number_and_an_operator_may_not(
    client: Client, senior: User, client_for: SignIn, settings: Any
) -> None:
    settings.BULK_LIMIT = 1
    rows = review(), review()
    text = select(client, *rows)
    assert "You may decide at most 1 at once." in notices(text) and "data-commits" not in text
    assert send(client, text, typed="2").status_code == 422
    higher = client_for(senior)
    text = select(higher, *rows)
    assert "Type how many: 2" in text
    for typed in ("", "1", "two"):
        answer = send(higher, text, typed=typed)
        assert answer.status_code == 422 and "Type 2, the number of payouts." in answer.text
    assert not Job.objects.exists()
    assert send(higher, text, typed=" 2 ").status_code == 302


def test_together_they_may_not_pass_the_limit_of_the_house(client: Client) -> None:
    Limit.objects.create(scope="house", period=Limit.Period.DAY, cap_amount=30_000, effect="block")
    text = select(client, review(), review())
    assert "House, 24 hours: €0.00 before, €360.00 after, of €300.00" in text
    assert "limit of the house" in notices(text) and "data-commits" not in text
    assert send(client, text).status_code == 422 and not Job.objects.exists()


@pytest.mark.parametrize("posted", [{"preview": "x"}, {"preview": ""}, {}])
def test_what_was_never_shown_is_refused(client: Client, posted: dict[str, str]) -> None:
    assert client.post(APPLY, posted).status_code == 409
    assert client.post(PREVIEW, posted).status_code in (409, 422)
    assert client.get(PREVIEW).status_code == client.get(APPLY).status_code == 302


def test_a_preview_is_good_for_who_saw_it_alone(client: Client, senior: User, client_for: SignIn) -> None:
    text = select(client, review())
    assert send(client_for(senior), text).status_code == 409


def test_who_does_not_approve_comes_nowhere_near(
    client: Client, fraud_analyst: User, support: User, admin: User, client_for: SignIn
) -> None:
    text = select(client, review())
    for user in (fraud_analyst, support, admin):
        other = client_for(user)
        assert other.post(PREVIEW, {"pick": ["x"]}).status_code == 403
        assert send(other, text).status_code == 403


# The job ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def job(client: Client) -> Job:
    send(client, select(client, review(), review(amount=64_000)))
    return Job.objects.get()


def test_the_job_s_page_asks_until_it_is_over(client: Client, job: Job, django_assert_num_queries: Any) -> None:
    address = f"/withdrawals/bulk/{job.pk}/"
    text = client.get(address).text
    assert (
        "0 of 2" in text and text.count("Waits for its turn") == 2 and 'hx-trigger="every 2s, seen from:body"' in text
    )
    assert "Cancel the rest" in text
    bulk.work_off(clock=lambda: NOW)
    with django_assert_num_queries(8):  # the one that notes that the end was seen
        part = client.get(address, headers={"HX-Request": "true"})
    assert part.status_code == 200 and "2 of 2" in part.text and "Undo all" in part.text
    assert part.text.count("Approved, takes effect when the undo time is over") == 2
    with time_machine.travel(NOW + settings.UNDO_TIME, tick=False):
        due_decisions.apply_due_decisions(now=NOW + settings.UNDO_TIME)
        last = client.get(address, headers={"HX-Request": "true"})
    assert last.status_code == 286 and "hx-trigger" not in last.text and "Undo all" not in last.text
    assert last.text.count("<span>Approved</span>") == 2


def test_all_of_it_can_be_taken_back(client: Client, job: Job) -> None:
    bulk.work_off(clock=lambda: NOW)
    answer = client.post(f"/withdrawals/bulk/{job.pk}/undo/", follow=True)
    assert "2 taken back." in answer.text and answer.text.count("<span>Taken back</span>") == 2
    assert set(Decision.objects.values_list("status", flat=True)) == {"undone"}


def test_the_rest_can_be_cancelled(client: Client, job: Job) -> None:
    answer = client.post(f"/withdrawals/bulk/{job.pk}/cancel/", follow=True)
    assert "Cancelled. 2 were not decided." in answer.text
    bulk.work_off(clock=lambda: NOW)
    assert not Decision.objects.exists()


def test_a_job_is_its_owner_s(job: Job, senior: User, client_for: SignIn) -> None:
    other = client_for(senior)
    assert other.get(f"/withdrawals/bulk/{job.pk}/").status_code == 404
    for act in ("undo", "cancel"):
        assert other.post(f"/withdrawals/bulk/{job.pk}/{act}/").status_code == 404


# Holding and rejecting many ---------------------------------------------------------------------------------------


def chosen(client: Client, move: str, *rows: Withdrawal) -> str:
    response = client.post(PREVIEW, {"pick": [row.ref for row in rows], "move": move})
    assert response.status_code == 200
    return response.text


def test_rejecting_asks_for_one_reason_that_fits_all(client: Client, operator: User) -> None:
    first, risky = review(), review(risk=(72, "high"))
    text = chosen(client, "reject", first, risky)
    assert heading(text) == "Reject 2 of 2 selected"  # what keeps from approving does not keep from rejecting
    assert "checked" not in text.partition('class="reasons"')[2].partition("</div>")[0]
    without = send(client, text, note="All from one device.")
    assert without.status_code == 422 and "Choose a reason." in without.text and "All from one device." in without.text
    assert not Job.objects.exists()
    answer = send(client, without.text, reason="linked_account", note="All from one device.")
    job = Job.objects.get()
    assert answer["Location"] == f"/withdrawals/bulk/{job.pk}/" and job.title == "Reject 2 payouts"
    bulk.work_off(clock=lambda: NOW)
    made = Decision.objects.order_by("pk")
    assert [(one.move, one.reason, one.note, one.actor) for one in made] == [
        (Move.REJECT, "linked_account", "All from one device.", operator)
    ] * 2
    page = client.get(f"/withdrawals/bulk/{job.pk}/").text
    assert page.count("Rejected, takes effect when the undo time is over") == 2
    due_decisions.apply_due_decisions(now=NOW + settings.UNDO_TIME)
    assert {row.state for row in Withdrawal.objects.all()} == {State.REJECTED}


def test_holding_asks_until_when_and_says_nothing_of_legal_holds(client: Client) -> None:
    row = review()
    text = chosen(client, "hold", row)
    assert heading(text) == "Hold 1 of 1 selected" and "Legal hold" not in text
    refused = send(client, text, reason="waiting_provider", wake="date", wake_on="2026-11-01")
    assert refused.status_code == 422 and "Choose a day from tomorrow" in refused.text
    send(client, text, reason="waiting_document", wake="3d", player_message="Your passport, please.")
    bulk.work_off(clock=lambda: NOW)
    due_decisions.apply_due_decisions(now=NOW + settings.UNDO_TIME)
    row = Withdrawal.objects.get(pk=row.pk)
    assert (row.state, row.wake_at, row.player_message) == (
        State.ON_HOLD,
        NOW + timedelta(days=3),
        "Your passport, please.",
    )


def test_what_was_typed_stays_while_rows_are_unchecked(client: Client) -> None:
    first, second = review(), review()
    text = chosen(client, "reject", first, second)
    typed = {"preview": sealed(text), "keep": [first.ref], "reason": "linked_account", "note": "One device."}
    part = client.post(PREVIEW, typed, headers={"HX-Request": "true"}).text
    assert heading(part) == "Reject 1 of 2 selected" and "One device." in part
    assert re.search(r'value="linked_account" checked', part)


def test_a_preview_of_one_thing_sends_no_other(client: Client) -> None:
    row = review()
    answer = send(client, select(client, row), move="reject", reason="other")
    assert answer.status_code == 302
    assert Job.objects.get().kind == "bulk_approve"


def test_only_three_things_are_done_to_many(client: Client) -> None:
    answer = client.post(PREVIEW, {"pick": [review().ref], "move": "recall"})
    assert answer.status_code == 422 and "approved, held, rejected or assigned" in answer.text
