"""What nobody may read out of a page: that the law holds a withdrawal, and to support that anybody holds it."""

import re
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from backoffice.accounts.models import User
from ledger.models import Entry
from tests.conftest import NOW
from tests.factories.withdrawals import make_withdrawal
from withdrawals.models import Decision, Note, Withdrawal
from withdrawals.operations import due_decisions
from withdrawals.pages import sheets
from withdrawals.states import State

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]
OTHERS = ("Operator", "Senior", "Fraud", "Support", "Finance", "Administrator")
REASON, NOTE, LETTER = "Legal hold", "Matches the list of 14 October", "The prosecutor wrote again"
LISTS = (
    *(f"/withdrawals/?view={view}" for view in ("needs-decision", "on-hold", "decided", "all")),
    "/withdrawals/?view=all&state=on_hold",
    "/flagged/?view=open",
    "/transactions/?view=all",
    "/transactions/?view=all&export=csv",
    "/ledger/journal/?view=all",
    "/audit/?view=all",
    "/audit/?view=decisions",
)


@pytest.fixture(autouse=True)
def _at_noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def second_officer(make_staff: Any) -> User:
    return make_staff("Compliance", "Carl Roth")


def decide(client: Client, withdrawal: Withdrawal, move: str, **data: str) -> Decision:
    version = Withdrawal.objects.get(pk=withdrawal.pk).version
    fields = {"version": version, "token": uuid.uuid4().hex} | data
    response = client.post(f"/withdrawals/{withdrawal.ref}/{move}/", fields)
    assert response.status_code == 302, response.content[:500]
    return Decision.objects.latest("pk")


def undo_time_is_over() -> None:
    due_decisions.apply_due_decisions(now=NOW + settings.UNDO_TIME)


def told(client: Client, address: str) -> str:
    """What a page says about withdrawals: without what it offers to choose from."""
    response = client.get(address)
    content = b"".join(response) if response.streaming else response.content  # type: ignore[attr-defined]
    return unescape(re.sub(r"<option.*?</option>|<label.*?</label>", "", content.decode(), flags=re.S))


def everything(client: Client, withdrawal: Withdrawal) -> dict[str, str]:
    pages = (
        *LISTS,
        f"/withdrawals/{withdrawal.ref}/",
        f"/withdrawals/{withdrawal.ref}/?view=on-hold",
        f"/withdrawals/{withdrawal.ref}/release/",
        f"/withdrawals/{withdrawal.ref}/reject/",
        f"/flagged/{withdrawal.ref}/",
        f"/players/?q={withdrawal.ref}",
        f"/withdrawals/{withdrawal.ref}/evidence/",
        *(f"/withdrawals/decisions/{one.pk}/{act}/" for one in Decision.objects.all() for act in ("agree", "decline")),
        *(f"/ledger/entries/{entry.pk}/" for entry in Entry.objects.filter(reference=withdrawal.ref)),
    )
    return {page: told(client, page) for page in pages}


def frozen(compliance: User, client_for: SignIn) -> Withdrawal:
    withdrawal = make_withdrawal(
        State.UNDER_REVIEW, now=NOW - timedelta(minutes=30), risk=(71, "high"), is_flagged=True
    )
    decide(client_for(compliance), withdrawal, "hold", reason="legal", note=NOTE)
    return withdrawal


@pytest.mark.parametrize("role", OTHERS)
def test_a_legal_hold_is_read_by_compliance_alone(
    role: str, compliance: User, second_officer: User, make_staff: Any, client_for: SignIn
) -> None:
    client, officer = client_for(make_staff(role)), client_for(compliance)
    secrets = (
        REASON,
        "legal",
        "The law",
        "Freeze",
        "freeze",
        "frozen",
        NOTE,
        LETTER,
        "They closed the file",
        "ompliance",
    )

    def nothing_is_told(moment: str) -> None:
        for page, text in everything(client, withdrawal).items():
            assert [secret for secret in secrets if secret in text] == [], (moment, page)
            if role != "Administrator":  # who reads the log reads who acted, and no reason
                assert "Clara Novak" not in text and "Carl Roth" not in text, (moment, page)

    withdrawal = frozen(compliance, client_for)
    Note.objects.create(withdrawal=withdrawal, author=second_officer, text=LETTER, at=NOW)
    nothing_is_told("decided")
    undo_time_is_over()
    nothing_is_told("held")
    proposed = decide(officer, withdrawal, "release", reason="law_satisfied", note="They closed the file")
    nothing_is_told("release proposed")
    client_for(second_officer).post(f"/withdrawals/decisions/{proposed.pk}/agree/")
    undo_time_is_over()
    assert Withdrawal.objects.get().state == State.UNDER_REVIEW
    nothing_is_told("released")


def test_compliance_reads_all_of_it(compliance: User, second_officer: User, client_for: SignIn) -> None:
    withdrawal = frozen(compliance, client_for)
    undo_time_is_over()
    pages = everything(client_for(second_officer), withdrawal)
    record = pages[f"/withdrawals/{withdrawal.ref}/"]
    assert f"{REASON}. A legal hold has no end of its own: two compliance officers must agree to release it." in record
    assert NOTE in record and "by Clara Novak · Legal hold" in record
    assert REASON in pages["/withdrawals/?view=on-hold"]
    assert "Freeze" in pages["/ledger/journal/?view=all"] and "Freeze" in pages["/transactions/?view=all&export=csv"]


@pytest.mark.parametrize("role", ["Operator", "Senior", "Fraud"])
def test_colleagues_read_that_it_was_a_hold(
    role: str, compliance: User, second_officer: User, make_staff: Any, client_for: SignIn
) -> None:
    withdrawal = frozen(compliance, client_for)
    undo_time_is_over()
    client = client_for(make_staff(role))
    record = told(client, f"/withdrawals/{withdrawal.ref}/")
    assert "<b>On hold.</b>" in record and record.count("On hold") >= 3  # badge, outcome, timeline
    conflict = client.post(f"/withdrawals/{withdrawal.ref}/release/", {"version": 2, "token": "x", "reason": "other"})
    assert conflict.status_code == 409
    assert "It is on hold since" in conflict.text and "Clara" not in conflict.text


def test_a_hold_for_another_reason_says_so(operator: User, senior: User, client_for: SignIn) -> None:
    withdrawal = make_withdrawal(State.UNDER_REVIEW, now=NOW - timedelta(minutes=30))
    decide(client_for(senior), withdrawal, "hold", reason="waiting_colleague", wake="2h", note="Ask Priya")
    undo_time_is_over()
    record = told(client_for(operator), f"/withdrawals/{withdrawal.ref}/")
    assert "by Marta Keller · Waiting for a colleague" in record and "Ask Priya" in record
    assert "Waiting for a colleague" in told(client_for(operator), "/withdrawals/?view=on-hold")


@pytest.mark.parametrize("kind", ["internal", "provider", "legal"])
def test_support_reads_a_hold_as_in_review(
    kind: str, support: User, operator: User, compliance: User, client_for: SignIn
) -> None:
    by = compliance if kind == "legal" else operator
    withdrawal = make_withdrawal(State.ON_HOLD, now=NOW - timedelta(minutes=30), by=by, hold_kind=kind)
    make_withdrawal(State.PROCESSING, now=NOW - timedelta(days=2), player=withdrawal.player, by=operator)
    make_withdrawal(State.OUTCOME_UNKNOWN, now=NOW - timedelta(days=3), player=withdrawal.player, by=operator)
    make_withdrawal(State.SECOND_APPROVAL, now=NOW - timedelta(days=4), player=withdrawal.player, by=operator)
    for row in Withdrawal.objects.all():
        for page, text in everything(client_for(support), row).items():
            for secret in ("On hold", "on hold", "Second approval", "Outcome unknown", "utcome unknown"):
                assert secret not in text, page
    record = told(client_for(support), f"/withdrawals/{withdrawal.ref}/")
    assert "<b>Under review.</b>" in record and " left</time>" not in record and "late</time>" not in record
    assert re.findall(r"<ol class=\"timeline\">.*?</ol>", record, re.S)[0].count("<li>") == 2


def test_support_reads_a_hold_that_asks_the_player(support: User, operator: User, client_for: SignIn) -> None:
    withdrawal = make_withdrawal(State.ON_HOLD, now=NOW - timedelta(minutes=30), by=operator, hold_kind="player")
    for page in (f"/withdrawals/{withdrawal.ref}/", "/withdrawals/", f"/players/?q={withdrawal.ref}"):
        assert "On hold" in told(client_for(support), page), page


def test_support_has_one_list(support: User, operator: User, client_for: SignIn) -> None:
    make_withdrawal(State.ON_HOLD, now=NOW, by=operator)
    client = client_for(support)
    assert set(re.findall(r'href="\?view=([\w-]+)"', client.get("/withdrawals/").text)) == {"all"}
    for query in ("view=on-hold", "view=needs-decision", "view=all&state=on_hold", "view=all&sort=state"):
        page = client.get(f"/withdrawals/?{query}").text
        assert "Left out of the address" in page and "1–1 of 1" in page, query


def two_holds(compliance: User, operator: User, client_for: SignIn) -> tuple[Withdrawal, Withdrawal]:
    """A legal hold, and one for another reason."""
    legal = frozen(compliance, client_for)
    plain = make_withdrawal(State.UNDER_REVIEW, now=NOW - timedelta(minutes=30), risk=(71, "high"), is_flagged=True)
    decide(client_for(operator), plain, "hold", reason="waiting_provider", wake="tomorrow")
    undo_time_is_over()
    return legal, plain


@pytest.mark.parametrize("role", OTHERS)
def test_no_answer_tells_the_two_holds_apart(
    role: str, compliance: User, operator: User, make_staff: Any, client_for: SignIn
) -> None:
    client, holds = client_for(make_staff(role)), two_holds(compliance, operator, client_for)
    person = make_staff(role)
    for slug, move in sheets.BY_SLUG.items():
        for act in (client.get, client.post):
            legal, plain = (act(f"/withdrawals/{one.ref}/{slug}/").status_code for one in holds)
            assert (legal == 403) == (plain == 403), slug
            if not person.has_perm("withdrawals.view_signals"):  # who reads no reason of a hold
                assert legal == plain, (slug, move)


@pytest.mark.parametrize("role", ["Finance", "Administrator"])
def test_the_end_of_a_hold_is_for_those_who_read_its_reason(
    role: str, operator: User, compliance: User, make_staff: Any, client_for: SignIn
) -> None:
    two_holds(compliance, operator, client_for)
    client = client_for(make_staff(role))
    assert "Left out of the address" in client.get("/withdrawals/?view=all&sort=wake").text
    for view in ("on-hold", "all"):
        assert "Wakes up" not in client.get(f"/withdrawals/?view={view}").text
    assert "Wakes up" in client_for(operator).get("/withdrawals/?view=on-hold").text


def test_the_log_shows_no_proposal_that_only_a_legal_hold_has(
    compliance: User, second_officer: User, admin: User, client_for: SignIn
) -> None:
    withdrawal, officer = frozen(compliance, client_for), client_for(compliance)
    undo_time_is_over()
    for answer in ("decline", "agree"):
        proposed = decide(officer, withdrawal, "release", reason="law_satisfied")
        client_for(second_officer).post(f"/withdrawals/decisions/{proposed.pk}/{answer}/", {"why": "Not yet"})
    undo_time_is_over()
    told_of = {}
    for person in (admin, compliance):
        rows = client_for(person).get(f"/audit/?view=all&q={withdrawal.ref}").context["page"].rows
        told_of[person] = {row.action for row in rows}
    assert told_of[compliance] - told_of[admin] == {"propose", "second", "decline_proposal"}
    assert "release" in told_of[admin]
