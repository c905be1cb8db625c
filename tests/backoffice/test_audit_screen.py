"""The audit log: who did what, who may read it, and what the check of the chain says."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.utils import timezone

from backoffice.accounts.models import User
from backoffice.audit import words
from backoffice.audit.actors import Machine
from backoffice.audit.models import AuditEntry
from backoffice.audit.record import record
from tests.factories.withdrawals import make_withdrawal
from tests.menu import menu_links
from withdrawals.models import Withdrawal
from withdrawals.states import Move, State

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]


def act(
    action: str = "approve", *, actor: object, subject: tuple[str, str] = ("thing", "T-1"), **more: object
) -> AuditEntry:
    return record(subject_type=subject[0], subject_id=subject[1], action=action, actor=actor, **more)  # type: ignore[arg-type]


def shown(response: object) -> list[AuditEntry]:
    return [row for row in response.context["page"].rows if row.action not in ("view_log", "denied")]  # type: ignore[attr-defined]


def rows(html: str) -> list[str]:
    found = re.findall(r"<tr data-row>.*?</tr>", html, re.S)
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in found]


def test_only_compliance_and_administrators_find_it(
    client_for: ClientFor, compliance: User, admin: User, operator: User, finance: User, support: User
) -> None:
    for user in (compliance, admin):
        response = client_for(user).get("/audit/")
        assert response.status_code == 200
        assert "/audit/" in menu_links(response)
    for user in (operator, finance, support):
        assert client_for(user).get("/audit/").status_code == 403
        assert client_for(user).post("/audit/check/").status_code == 403
        assert "/audit/" not in menu_links(client_for(user).get("/withdrawals/?view=all"))
    assert AuditEntry.objects.filter(action="denied").count() == 6


def test_a_row_says_who_did_what_to_what_and_why(client_for: ClientFor, compliance: User, operator: User) -> None:
    withdrawal = make_withdrawal(State.APPROVED, by=operator, now=timezone.now())
    page = client_for(compliance).get(f"/audit/?q={withdrawal.ref}").text
    approved = next(row for row in rows(page) if "Approved " in row)
    time, rest = approved[:23], approved[24:]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", time)
    assert rest == f"DK Dana Approved {withdrawal.ref} Under review → Approved Known player"
    assert f'href="/withdrawals/{withdrawal.ref}/"' in page
    machine = next(row for row in rows(page) if "Sent to review" in row)
    assert "The checks" in machine and "Requested → Under review" in machine


def test_people_and_machines_are_called_by_name(
    client_for: ClientFor, compliance: User, operator: User, senior: User
) -> None:
    for person in (operator, senior):
        act("reset_second_factor", actor=compliance, subject=("staff", str(person.pk)))
    act("remove_view", actor=Machine("platform:demo"))
    client = client_for(compliance)
    page = client.get("/audit/?view=people").text
    told = [row for row in rows(page) if "Had their second factor taken away" in row]
    assert [name in row for name, row in zip((senior.name, operator.name), told, strict=True)] == [True, True]
    assert "staff</span>" not in page and "Staff <span" not in page
    assert any("The platform" in row for row in rows(client.get("/audit/").text))


def test_enter_is_offered_where_rows_lead_somewhere(client_for: ClientFor, admin: User) -> None:
    act(actor=admin)
    offered = "<kbd>Enter</kbd> open"
    assert offered in client_for(admin).get("/audit/").text and offered not in client_for(admin).get("/staff/").text


def test_suspicions_stay_with_those_who_may_see_them(
    client_for: ClientFor, compliance: User, admin: User, fraud_analyst: User
) -> None:
    withdrawal = make_withdrawal(State.UNDER_REVIEW, now=timezone.now())
    Withdrawal.advance(withdrawal.pk, Move.REJECT, actor=fraud_analyst, now=timezone.now(), reason="fraud_mule")
    assert "Fraud mule" in client_for(compliance).get("/audit/").text
    page = client_for(admin).get("/audit/").text
    assert "Rejected" in page and "mule" not in page.casefold()


def test_filters_and_views(client_for: ClientFor, compliance: User, operator: User) -> None:
    by_hand = act(actor=operator, subject=("provider", "volta"))
    by_machine = act("start_payout", actor=Machine("payouts"), subject=("withdrawal", "WD-AAAA-0001"))
    client = client_for(compliance)
    assert shown(client.get("/audit/")) == [by_machine, by_hand]
    assert shown(client.get("/audit/?view=people")) == [by_hand]
    assert shown(client.get("/audit/?view=decisions")) == [by_hand]
    assert shown(client.get(f"/audit/?person={operator.pk}")) == [by_hand]
    assert shown(client.get("/audit/?machine=payouts")) == [by_machine]
    assert shown(client.get("/audit/?act=Start+payout")) == [by_machine]
    assert shown(client.get("/audit/?q=wd-aaaa-0001")) == [by_machine]
    assert shown(client.get("/audit/?q=volta")) == [by_hand]
    assert shown(client.get("/audit/?at_to=2020-01-01")) == []
    client_for(operator).get("/audit/")
    assert "Was refused a page" in client.get("/audit/?view=denied").text


@pytest.mark.parametrize(
    "query", ["person=abc", "person=999999", "at_from=never", "view=x", "after=%01", "act=" + "x" * 41]
)
def test_nonsense_is_left_out(client_for: ClientFor, compliance: User, query: str) -> None:
    entry = act(actor=Machine("payouts"))
    response = client_for(compliance).get(f"/audit/?{query}")
    assert (response.status_code, shown(response)) == (200, [entry])


def test_links_go_only_where_the_reader_may_go(client_for: ClientFor, compliance: User, admin: User) -> None:
    act("look_up", actor=Machine("x"), subject=("player", "P-100001"))
    act("pause_provider", actor=Machine("x"), subject=("provider", "volta"))
    for user, player, provider in ((compliance, True, False), (admin, False, True)):
        page = client_for(user).get("/audit/").text
        assert ('href="/players/?q=P-100001"' in page) == player
        assert (re.search(r'href="/providers/">volta<', page) is not None) == provider


def test_reading_is_recorded_once_per_visit(client_for: ClientFor, compliance: User) -> None:
    for n in range(30):
        act(actor=Machine("payouts"), subject=("thing", f"T-{n}"))
    client = client_for(compliance)
    first = client.get("/audit/?act=approve&view=all&who@mail.example=1")
    client.get("/audit/" + first.context["page"].next_url)
    client.get("/audit/?act=approve", headers={"HX-Request": "true"})
    entry = AuditEntry.objects.get(action="view_log")
    assert (entry.actor_user, entry.data) == (compliance, {"filters": {"view": ["all"], "act": ["…"]}})


def test_a_whole_chain(client_for: ClientFor, compliance: User) -> None:
    act(actor=Machine("payouts"))
    act("pay", actor=Machine("payouts"))
    client = client_for(compliance)
    assert client.get("/audit/check/").headers["Location"] == "/audit/"
    page = client.post("/audit/check/")
    assert page.status_code == 200
    assert "All 2 entries in 1 chains are as they were written." in page.text
    assert AuditEntry.objects.get(action="check_chain").data == {"faults": 0, "entries": 2}


@pytest.mark.parametrize(
    ("tampering", "words"),
    [
        ("UPDATE audit_auditentry SET reason = 'better' WHERE seq = 2", "this entry was changed after it was written"),
        ("DELETE FROM audit_auditentry WHERE seq = 1", "an entry before this one is missing"),
        ("DELETE FROM audit_auditentry WHERE seq = 3", "the last entries are missing"),
    ],
)
def test_a_broken_chain_is_named(client_for: ClientFor, compliance: User, tampering: str, words: str) -> None:
    for action in ("open", "approve", "pay"):
        act(action, actor=Machine("payouts"))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(tampering)
        cursor.execute("SET LOCAL session_replication_role = origin")
    page = client_for(compliance).post("/audit/check/").text
    assert "The chain is broken" in page and 'role="alert"' in page
    assert "T-1" in page and words in page


def test_the_number_of_queries_does_not_grow(
    client_for: ClientFor,
    compliance: User,
    make_staff: Callable[..., User],
    django_assert_num_queries: Callable[..., object],
) -> None:
    client = client_for(compliance)
    for names in (("Ann One",), ("Ben Two", "Cid Three")):
        for name in names:
            act(actor=make_staff("Operator", name), subject=("withdrawal", name[:3]))
        client.get("/audit/")
        with django_assert_num_queries(9):  # type: ignore[attr-defined]
            client.get("/audit/")


def test_who_settled_by_hand_decided(client_for: ClientFor, compliance: User, senior: User) -> None:
    by_hand = act("complete", actor=senior, subject=("withdrawal", "WD-AAAA-0001"))
    act("complete", actor=Machine("payouts"), subject=("withdrawal", "WD-AAAA-0002"))
    failed = act("fail", actor=senior, subject=("withdrawal", "WD-AAAA-0003"))
    assert shown(client_for(compliance).get("/audit/?view=decisions")) == [failed, by_hand]


def test_acts_read_as_a_person_would_say_them(
    client_for: ClientFor, compliance: User, admin: User, senior: User
) -> None:
    act("fail", actor=senior, subject=("withdrawal", "WD-AAAA-0001"))
    act("fail", actor=Machine("payouts"), subject=("withdrawal", "WD-AAAA-0001"))
    act("decide", actor=senior, subject=("withdrawal", "WD-AAAA-0001"), data={"move": "endorse"})
    proof = {"move": "complete", "provider_reference": "ng-9", "evidence": "Line 12 of the statement"}
    act("propose", actor=senior, subject=("withdrawal", "WD-AAAA-0001"), reason="on_statement", data=proof)
    proposed, decided, machine, person = rows(client_for(compliance).get("/audit/?q=WD-AAAA-0001").text)
    assert "Marked as not paid" in person and "Failed" in machine and "Marked" not in machine
    assert "Decided WD-AAAA-0001 Approved, first of two" in decided
    assert "Proposed WD-AAAA-0001 Marked as paid On statement · ng-9 · Line 12 of the statement" in proposed
    assert "Line 12" not in client_for(admin).get("/audit/").text


def test_every_act_that_is_recorded_has_words() -> None:
    found: set[str] = set()
    for app in ("backoffice", "kyc", "fraud", "providers", "ledger", "withdrawals"):
        for path in (Path(settings.BASE_DIR) / app).rglob("*.py"):
            found |= set(re.findall(r'action=\(?"([a-z]\w+)"', path.read_text()))
    assert len(found) > 10
    assert found - words.ACTS.keys() - {"append", "store_true"} == set()  # argparse’s own


def test_what_is_no_withdrawal_has_its_page(client_for: ClientFor, admin: User, compliance: User) -> None:
    act("close_finding", actor=admin, subject=("finding", "17"))
    assert 'href="/findings/17/"' in client_for(admin).get("/audit/").text
    assert 'href="/findings/17/"' not in client_for(compliance).get("/audit/").text


def test_why_the_law_holds_something_is_not_for_every_reader_of_signals(
    client_for: ClientFor, make_staff: Callable[..., User], compliance: User
) -> None:
    act(
        "decide", actor=compliance, subject=("withdrawal", "WD-AAAA-0001"), reason="legal", data={"move": "put_on_hold"}
    )
    reader = make_staff("Administrator", "Rita Reader")
    reader.groups.add(Group.objects.get(name="Fraud"))  # reads the log and sees signals
    assert "Legal" not in client_for(reader).get("/audit/").text
    assert "Legal" in client_for(compliance).get("/audit/").text
