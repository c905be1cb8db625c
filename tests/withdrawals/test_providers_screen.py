"""The provider board: words from data, figures that tie out, and the switch."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from providers import routing
from providers.models import ProviderBalance, ProviderCall
from providers.registry import BY_CODE
from tests.factories.withdrawals import make_withdrawal
from tests.menu import menu_links
from withdrawals.models import Withdrawal
from withdrawals.pages import abilities
from withdrawals.states import State

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
REASON = "Bank holiday in their country"


def calls(good: int, bad: int = 0, *, minutes: int = 5, latency: int = 120, provider: str = "northgate") -> None:
    at = timezone.now() - timedelta(minutes=minutes)
    for outcome, count in (("answered", good), ("unknown", bad)):
        for _ in range(count):
            ProviderCall.objects.create(provider=provider, verb="create", latency_ms=latency, outcome=outcome, at=at)


def row_of(client: Client, label: str = "Northgate Pay") -> str:
    page = client.get("/providers/").text
    rows = re.findall(r"<tr data-row>.*?</tr>", page, re.S)
    text = next(row for row in rows if label in row)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_who_finds_it_and_who_may_switch(
    client_for: ClientFor, admin: User, finance: User, operator: User, support: User, fraud_analyst: User
) -> None:
    for user in (admin, finance, operator):
        response = client_for(user).get("/providers/")
        assert response.status_code == 200
        assert "/providers/" in menu_links(response)
        assert ("/providers/northgate/pause/" in response.text) == (user != operator)
        assert ("/providers/all/pause/" in response.text) == (user != operator)
    for user in (support, fraud_analyst):
        assert client_for(user).get("/providers/").status_code == 403
    for method in ("get", "post"):
        answer = getattr(client_for(operator), method)("/providers/northgate/pause/", {"reason": REASON})
        assert answer.status_code == 403
    assert routing.paused() == {}


def test_state_words_follow_what_the_provider_did(client_for: ClientFor, admin: User) -> None:
    client = client_for(admin)
    assert "No data" in row_of(client)
    calls(20, minutes=300)
    assert "Working" in row_of(client)
    calls(9, 1, latency=4_000)
    assert "Slow" in row_of(client)
    calls(0, 3)
    assert "Failing" in row_of(client)
    assert "No data" in row_of(client, "Volta")
    routing.pause("northgate", actor=admin, reason=REASON, now=timezone.now())
    assert f"Paused by Ada Moreau: {REASON}" in row_of(client)


def test_figures(client_for: ClientFor, admin: User, operator: User) -> None:
    calls(18, 2, minutes=300, latency=100)
    calls(4, 0, latency=200)
    now = timezone.now()
    make_withdrawal(State.PROCESSING, now=now - timedelta(hours=2), by=operator)
    make_withdrawal(State.OUTCOME_UNKNOWN, now=now - timedelta(minutes=10), by=operator)
    row = row_of(client_for(admin))
    assert "4 of 4 · 22 of 24" in row
    assert "100 ms 95 % in 200 ms" in row
    assert "2 , oldest 2 h" in row
    assert "Sandbox controls of Northgate Pay" in row


def test_pausing_says_how_many_wait_and_is_recorded(client_for: ClientFor, finance: User, operator: User) -> None:
    only = make_withdrawal(State.APPROVED, now=timezone.now(), by=operator)
    both = make_withdrawal(State.APPROVED, now=timezone.now(), by=operator)
    Withdrawal.objects.filter(pk=only.pk).update(routes=["northgate"])
    Withdrawal.objects.filter(pk=both.pk).update(routes=["northgate", "volta"])
    client = client_for(finance)
    assert "1 approved payout will wait" in client.get("/providers/northgate/pause/").text
    assert "2 approved payouts will wait" in client.get("/providers/all/pause/").text
    response = client.post("/providers/northgate/pause/", {"reason": REASON}, follow=True)
    assert response.redirect_chain == [("/providers/", 302)]
    assert "Northgate Pay: paused." in response.text
    assert "1 approved payout will wait" in client.get("/providers/volta/pause/").text
    entry = AuditEntry.objects.get(action="pause_provider")
    assert (entry.subject_id, entry.actor_user, entry.reason) == ("northgate", finance, REASON)
    assert "1 approved payout can go out again" in client.get("/providers/northgate/resume/").text
    client.post("/providers/northgate/resume/", {"reason": "They are back since noon"})
    assert routing.paused() == {}
    assert AuditEntry.objects.filter(action="resume_provider", subject_id="northgate").count() == 1


def test_everything_can_be_stopped_and_the_page_shouts(client_for: ClientFor, admin: User, operator: User) -> None:
    client_for(admin).post("/providers/all/pause/", {"reason": "Ledger does not balance"})
    assert list(routing.paused()) == ["*"]
    page = client_for(operator).get("/providers/").text
    assert "All payouts are stopped" in page and "Ledger does not balance" in page
    assert "/providers/all/resume/" not in page
    assert "/providers/all/resume/" in client_for(admin).get("/providers/").text


@pytest.mark.parametrize("reason", ["", "too short", " " * 30, "x" * 301])
def test_a_reason_of_ten_characters_is_asked(client_for: ClientFor, admin: User, reason: str) -> None:
    response = client_for(admin).post("/providers/northgate/pause/", {"reason": reason})
    assert response.status_code == 422
    assert "Error:" in response.text
    assert routing.paused() == {}


def test_pausing_twice_says_so(client_for: ClientFor, admin: User) -> None:
    client = client_for(admin)
    client.post("/providers/volta/pause/", {"reason": REASON})
    again = client.post("/providers/volta/pause/", {"reason": "Another good reason"}, follow=True)
    assert "Volta: was paused already." in again.text
    assert AuditEntry.objects.filter(action="pause_provider").count() == 1


def test_unknown_addresses(client_for: ClientFor, admin: User) -> None:
    for address in ("/providers/nobody/pause/", "/providers/northgate/delete/"):
        assert client_for(admin).get(address).status_code == 404


def test_our_money_there_and_as_of_when(client_for: ClientFor, finance: User) -> None:
    as_of = timezone.now() - timedelta(minutes=3)
    ProviderBalance.objects.create(provider="northgate", currency="EUR", available=1_250_000, as_of=as_of)
    client = client_for(finance)
    assert "€12,500.00 3 min ago" in row_of(client)
    assert "ago" not in row_of(client, "Volta")


def test_the_last_day_is_drawn_by_quarter_hours(client_for: ClientFor, operator: User) -> None:
    client = client_for(operator)
    calls(10, minutes=3)
    calls(2, 8, minutes=100)
    calls(6, minutes=200, latency=5_000)
    page = client.get("/providers/").text
    figure = next(one for one in re.findall(r"<figure.*?</figure>", page, re.S) if "Northgate Pay" in one)
    assert "Northgate Pay worked in 1 of 3 quarter hours, first trouble around" in figure
    cells = re.findall(r'<rect class="c-(\w+)"', figure)
    assert len(cells) == 96 and cells.count("none") == 93
    assert [cell for cell in cells if cell != "none"] == ["slow", "bad", "good"]
    drawn = re.findall(r'data-value="([\d.]+)"', figure)
    told = re.findall(r"<tr>.*?<td[^>]*>(\d+)</td><td[^>]*>(\d+)</td><td[^>]*>(\d+)</td></tr>", figure)
    assert drawn == [share for _good, _sent, share in told] == ["100", "20", "100"]
    lines = b"".join(client.get("/providers/northgate/day.csv").streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 97 and sum('"20"' in line for line in lines) == 1


def test_only_who_sees_the_board_gets_the_file(client_for: ClientFor, support: User, operator: User) -> None:
    assert client_for(support).get("/providers/northgate/day.csv").status_code == 403
    assert client_for(operator).get("/providers/nobody/day.csv").status_code == 404


def test_it_says_what_each_declares(client_for: ClientFor, operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    text = " ".join(re.sub(r"<[^>]+>", " ", client_for(operator).get("/providers/").text).split())
    assert "Northgate Pay Bank account: EUR, USD" in text
    assert "Safe for 30 days under its key By our key" in text

    bare = replace(BY_CODE["northgate"].capabilities, may_repeat=False, failed_is_final=False, signs_time=False)
    monkeypatch.setattr(abilities, "PROVIDERS", [replace(BY_CODE["northgate"], capabilities=bare)])
    text = " ".join(re.sub(r"<[^>]+>", " ", client_for(operator).get("/providers/").text).split())
    assert "Never: it may pay twice" in text
    assert "May still be paid An old one counts once, by its content" in text
