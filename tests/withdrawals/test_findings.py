"""Findings: who sees them, how they read, and that a person closes each once, with a note."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from tests.conftest import NOW
from tests.factories.withdrawals import make_finding, make_withdrawal
from tests.menu import menu_links
from withdrawals.exceptions import FindingClosed
from withdrawals.models import Finding
from withdrawals.operations import findings
from withdrawals.states import State

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]
TOLD = {
    "status": "paid",
    "raw_status": "SETTLED",
    "amount": 17_000,
    "currency": "EUR",
    "provider_reference": "ng-9",
    "occurred_at": "2026-11-22T11:14:15.628308+00:00",
}


@pytest.fixture(autouse=True)
def _at_noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def shown(client: Client, query: str = "") -> list[str]:
    return [row.kind for row in client.get(f"/findings/{query}").context["page"].rows]


def test_who_finds_them(client_for: SignIn, finance: User, senior: User, admin: User, operator: User) -> None:
    finding = make_finding()
    for user in (finance, senior, admin):
        page = client_for(user).get("/findings/")
        assert "/findings/" in menu_links(page) and "Findings, 1" in page.text
    for address in ("/findings/", f"/findings/{finding.pk}/"):
        assert client_for(operator).get(address).status_code == 403
    assert client_for(operator).post(f"/findings/{finding.pk}/", {"note": "mine"}).status_code == 403
    assert client_for(finance).get("/findings/999999/").status_code == 404


def test_open_ones_stand_first_the_oldest_on_top(client_for: SignIn, finance: User, operator: User) -> None:
    withdrawal = make_withdrawal(State.COMPLETED, now=NOW - timedelta(days=1), by=operator)
    make_finding(at=NOW - timedelta(hours=1), provider="volta")
    make_finding(withdrawal, "failed_after_paid", at=NOW - timedelta(hours=3))
    make_finding(withdrawal, "amount_differs", resolved_at=NOW)
    client = client_for(finance)
    assert shown(client) == ["failed_after_paid", "unknown_reference"]
    assert shown(client, "?view=closed") == ["amount_differs"]
    assert shown(client, "?provider=volta") == ["unknown_reference"]
    assert shown(client, "?kind=failed_after_paid") == ["failed_after_paid"]
    assert shown(client, f"?q={withdrawal.ref.lower()}") == ["failed_after_paid"]
    assert shown(client, "?q=nonsense") == []
    page = client.get("/findings/").text
    assert "Failed after paid" in page and f'href="/withdrawals/{withdrawal.ref}/"' in page
    assert "A message about a payout that we do not know." in page and "Northgate Pay" in page


def test_nothing_open_says_so(client_for: SignIn, finance: User) -> None:
    page = client_for(finance).get("/findings/").text
    assert "Nothing is open" in page
    assert re.search(r'href="/findings/"[^>]*title="Findings"', page)  # no zero in the menu


def test_closing_takes_a_note_and_is_written_down(client_for: SignIn, finance: User, senior: User) -> None:
    withdrawal = make_withdrawal(State.PROCESSING, now=NOW - timedelta(hours=1), by=senior)
    finding = make_finding(withdrawal, "amount_differs", data=TOLD)
    client, address = client_for(finance), f"/findings/{finding.pk}/"
    page = client.get(address).text
    assert "€170.00" in page and "SETTLED" in page and "ng-9" in page
    assert "22 Nov 2026, 11:14:15 +0000" in page and "2026-11-22T11" not in page
    assert "Closing moves no money" in page and "Payouts to this player go on." not in page
    assert client.post(address, {"note": "  "}).status_code == 422
    assert Finding.objects.get().resolved_at is None
    closed = client.post(address, {"note": "Northgate corrected it by mail"}, follow=True)
    assert closed.redirect_chain == [("/findings/", 302)]
    assert shown(client) == []
    entry = AuditEntry.objects.get(action="close_finding")
    assert (entry.subject_type, entry.subject_id, entry.actor_user) == ("withdrawal", withdrawal.ref, finance)
    assert (entry.reason, entry.data) == (
        "Northgate corrected it by mail",
        {"finding": finding.pk, "kind": "amount_differs"},
    )
    assert "Finn Olsen closed it" in client.get(address).text
    record = client_for(senior).get(f"/withdrawals/{withdrawal.ref}/").text
    assert "Finn Olsen closed a finding" in record and "Northgate corrected it by mail" in record


def test_one_without_a_withdrawal_has_a_log_of_its_own(client_for: SignIn, finance: User) -> None:
    finding = make_finding()
    client_for(finance).post(f"/findings/{finding.pk}/", {"note": "A test payout of theirs"})
    entry = AuditEntry.objects.get(action="close_finding")
    assert (entry.subject_type, entry.subject_id) == ("finding", str(finding.pk))
    assert "A test payout of theirs" in client_for(finance).get(f"/findings/{finding.pk}/").text


def test_who_comes_second_is_told(client_for: SignIn, finance: User, senior: User) -> None:
    finding = make_finding()
    findings.close(finding, actor=senior, note="Asked them", now=NOW)
    with pytest.raises(FindingClosed):
        findings.close(finding, actor=finance, note="Me too", now=NOW)
    answer = client_for(finance).post(f"/findings/{finding.pk}/", {"note": "Me too"})
    assert answer.status_code == 409
    assert "It was closed before." in answer.text and "Marta Keller closed it" in answer.text
    assert AuditEntry.objects.filter(action="close_finding").count() == 1


def test_no_finding_is_closed_without_a_word(finance: User) -> None:
    finding = make_finding()
    with pytest.raises(ValueError, match="note"):
        findings.close(finding, actor=finance, note=" ", now=NOW)
    assert not AuditEntry.objects.filter(action="close_finding").exists()


def test_what_is_with_a_provider_is_one_list(client_for: SignIn, senior: User, support: User, operator: User) -> None:
    made = {
        name: make_withdrawal(state, now=NOW - timedelta(hours=hours), by=operator)
        for name, state, hours in (
            ("processing", State.PROCESSING, 9),
            ("unknown, old", State.OUTCOME_UNKNOWN, 5),
            ("unknown", State.OUTCOME_UNKNOWN, 2),
            ("approved", State.APPROVED, 1),
        )
    }
    page = client_for(senior).get("/in-flight/")
    expected = [made[name] for name in ("processing", "unknown, old", "unknown")]
    assert list(page.context["page"].rows) == expected
    assert "Northgate Pay" in page.text
    assert "/in-flight/" not in client_for(support).get("/withdrawals/").text


@pytest.mark.parametrize("state", [State.UNDER_REVIEW, State.OUTCOME_UNKNOWN])
def test_the_withdrawal_itself_tells_what_is_open_about_it(
    client_for: SignIn, finance: User, senior: User, admin: User, operator: User, state: State
) -> None:
    withdrawal = make_withdrawal(state, now=NOW - timedelta(hours=5), by=operator)
    finding = make_finding(withdrawal, "amount_differs", at=NOW - timedelta(hours=3), words="Another amount.")
    make_finding(withdrawal, "vanished", words="It vanished.", resolved_at=NOW)
    address, link = f"/withdrawals/{withdrawal.ref}/", f'href="/findings/{finding.pk}/"'
    for user in (finance, senior, admin):
        page = client_for(user).get(address).text
        assert "Another amount." in page and "22 Nov 2026, 09:00:00" in page and link in page
        assert "It vanished." not in page and "Nothing moves" not in page
    page = client_for(operator).get(address).text
    assert link not in page
    Finding.objects.filter(pk=finding.pk).update(stops_payouts=True)
    page = client_for(finance).get(address).text
    assert "Nothing moves until this finding is closed." in page
