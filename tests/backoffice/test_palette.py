"""The palette: what a term names, as far as each role may see it; who was looked for is written down, once a search."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from backoffice.roles import ROLES
from backoffice.ui.selection import digest_of
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import make_destination, make_withdrawal
from withdrawals.models import Withdrawal
from withdrawals.states import State

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]


@pytest.fixture
def elena(operator: User) -> Withdrawal:
    at = timezone.now() - timedelta(minutes=20)
    player = PlayerFactory(verified=True, name="Elena Marković", email="elena@zgmail.example")
    destination = make_destination(player, at=at - timedelta(days=40), ending="4417")
    return make_withdrawal(
        State.UNDER_REVIEW, now=at, player=player, destination=destination, amount=245_000, risk=(71, "high"),
        is_flagged=True,
    )  # fmt: skip


def ask(client: Client, term: str) -> dict[str, list[str]]:
    """The answer: rows in words by group."""
    html = client.get("/go/found/", {"q": term}).text
    groups = re.findall(
        r'id="found-([a-z]+)">[^<]+</div>(.*?)(?=<div role="group"|</div></div>|</div>\s*<p)', html, re.S
    )
    return {
        slug: [
            " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"</?mark>", "", row)).split())
            for row in re.findall(r"<a .*?</a>", rows, re.S)
        ]
        for slug, rows in groups
    }


def test_one_field_finds_by_everything(elena: Withdrawal, client_for: SignIn, operator: User) -> None:
    client = client_for(operator)
    other = make_withdrawal(State.COMPLETED, by=operator, now=timezone.now() - timedelta(minutes=2))
    player, label = elena.player, elena.destination.label
    for term in (elena.ref, elena.ref.lower().replace("-", "")):
        (exact,) = ask(client, term)["exact"]
        assert elena.ref in exact and "€2,450.00" in exact and "Under review" in exact
    for term in (player.email, player.ref, player.ref.lower(), player.external_id):
        found = ask(client, term)
        assert found["exact"] == [f"{player.name} {player.ref} HR"] and elena.ref in found["withdrawals"][0]
    assert ask(client, "elena m")["players"] == [f"{player.name} {player.ref} HR"]
    for term in (label[-4:], "2450", "2,450.00"):
        assert [elena.ref in row for row in ask(client, term)["withdrawals"]] == [True], term
    assert other.ref in ask(client, other.provider_reference)["withdrawals"][0]
    assert ask(client, "provid")["pages"] == ["Providers"]
    assert ask(client, "xyzzy") == {}


def test_the_matching_part_is_marked_and_what_was_typed_is_escaped(
    elena: Withdrawal, client_for: SignIn, operator: User
) -> None:
    client = client_for(operator)
    assert "<mark>Elena</mark> Marković" in client.get("/go/found/", {"q": "elena"}).text
    assert "<script>" not in client.get("/go/found/", {"q": "<script>alert(1)</script>"}).text


@pytest.mark.parametrize("role", ROLES)
def test_each_role_finds_what_it_may_see(role: str, elena: Withdrawal, make_staff: Any, client_for: SignIn) -> None:
    client = client_for(make_staff(role))
    named = role in {"Operator", "Senior", "Fraud", "Support", "Compliance"}
    for term in ("elena", "elena@zgmail.example", elena.player.external_id):
        assert ("Marković" in client.get("/go/found/", {"q": term}).text) == named, term
    (row,) = ask(client, elena.ref)["exact"]
    assert ("Elena Marković" in row) == named
    assert ("4417" in client.get("/go/found/", {"q": elena.ref}).text.replace(elena.ref, "")) == (
        role != "Administrator"
    )
    pages = " ".join(ask(client, "l").get("pages", []))
    assert ("Audit log" in pages) == (role in {"Compliance", "Administrator"})


def test_support_reads_the_status_that_the_player_is_told(
    elena: Withdrawal, operator: User, client_for: SignIn, support: User
) -> None:
    row = make_withdrawal(State.SECOND_APPROVAL, by=operator, now=timezone.now())
    assert "Second approval" in ask(client_for(operator), row.ref)["exact"][0]
    assert "Under review" in ask(client_for(support), row.ref)["exact"][0]
    assert "Risk" not in client_for(support).get("/go/found/", {"q": row.ref}).text


def test_who_was_found_is_written_down_once_and_never_what_was_typed(
    elena: Withdrawal, client_for: SignIn, operator: User
) -> None:
    client = client_for(operator)
    PlayerFactory(name="Elina Berg")
    for term in ("el", "ele", "elen", "elena", "elena@zgmail.example", elena.ref, "2450", "providers"):
        client.get("/go/found/", {"q": term})
    entry = AuditEntry.objects.get(action="search")
    assert (
        entry.actor_user == operator and elena.player.ref in entry.data["players"] and len(entry.data["players"]) == 2
    )
    assert "elena" not in str(entry.data).lower()
    newcomer = PlayerFactory(name="Elenor Voss")
    client.get("/go/found/", {"q": "elenor"})
    assert AuditEntry.objects.filter(action="search", data__players=[newcomer.ref]).count() == 1


def test_what_was_opened_is_offered_again_as_far_as_it_may_be_seen(
    elena: Withdrawal, client_for: SignIn, operator: User
) -> None:
    client = client_for(operator)
    assert client.get("/go/", {"to": elena.ref}).headers["Location"] == f"/withdrawals/{elena.ref}/"
    player = elena.player
    assert client.get("/go/", {"to": player.ref}).headers["Location"] == f"/players/?q={player.ref}"
    recent = ask(client, "")["recent"]
    assert recent[0].startswith(player.name) and elena.ref in recent[1]
    operator.groups.clear()
    assert client.get("/go/found/").status_code == 403


def test_finance_cannot_open_a_player_by_the_reference(elena: Withdrawal, client_for: SignIn, finance: User) -> None:
    location = client_for(finance).get("/go/", {"to": elena.player.ref}).headers["Location"]
    assert location.startswith("/withdrawals/")


def test_never_more_than_eight_of_a_kind(client_for: SignIn, operator: User) -> None:
    for _ in range(11):
        PlayerFactory(name="Adam Novak")
    assert len(ask(client_for(operator), "adam")["players"]) == 8


@pytest.mark.parametrize("term", ["9" * 30, "1.2.3", "%", "' OR 1", "a" * 5_000, "−5", "٣٤"])
def test_strange_terms_find_nothing(term: str, client_for: SignIn, operator: User) -> None:
    assert client_for(operator).get("/go/found/", {"q": term}).status_code == 200


def test_a_name_takes_few_statements(
    elena: Withdrawal, client_for: SignIn, operator: User, django_assert_num_queries: Any
) -> None:
    client = client_for(operator)
    client.get("/go/found/", {"q": "elena"})
    # The session, the person and their rights; the players, who was shown before, the references of
    # players and of providers, withdrawals.
    with django_assert_num_queries(8):
        client.get("/go/found/", {"q": "elena"})


def test_no_search_field_shows_a_player_without_a_trace(
    elena: Withdrawal, client_for: SignIn, support: User, senior: User, compliance: User
) -> None:
    def searched() -> list[Any]:
        found = AuditEntry.objects.filter(action="search")
        return [(entry.actor_user, entry.data["players"]) for entry in found.order_by("pk")]

    shown = (support, [elena.player.ref])
    client_for(support).get("/go/", {"q": "elena m"})
    assert searched() == [shown]
    client_for(senior).get("/withdrawals/", {"view": "all", "q": elena.ref})
    client_for(senior).get("/withdrawals/", {"view": "all", "q": "nobody"})
    assert searched() == [shown]
    client_for(senior).get("/withdrawals/", {"view": "all", "q": "elena@zgmail.example"})
    client_for(senior).get("/withdrawals/", {"view": "all", "q": "elena"})
    assert searched() == [shown, (senior, [elena.player.ref])]
    client_for(compliance).get("/kyc/", {"view": "all", "q": elena.player.ref})
    assert searched()[2:] == [(compliance, [elena.player.ref])]


@pytest.mark.parametrize("way", ["counted", "previewed", "in a file"])
def test_who_is_found_without_being_listed_leaves_a_trace_as_well(operator: User, client_for: SignIn, way: str) -> None:
    row = make_withdrawal(State.UNDER_REVIEW, player=PlayerFactory(name="Anna Schmidt", verified=True))
    make_withdrawal(State.UNDER_REVIEW)
    client, query = client_for(operator), "view=needs-decision&q=Anna+Schmidt"
    if way == "counted":
        client.post(f"/withdrawals/?{query}", {"whole": "1"})
    elif way == "previewed":
        whole = {"whole": "1", "count": "1", "digest": digest_of([row.ref])}
        assert "Anna Schmidt" in client.post("/withdrawals/bulk/preview/", {"query": query, **whole}).text
    else:
        file = client.get(f"/withdrawals/?{query}&export=csv")
        assert b"Anna Schmidt" in b"".join(file.streaming_content)
    assert [entry.data for entry in AuditEntry.objects.filter(action="search")] == [{"players": [row.player.ref]}]
