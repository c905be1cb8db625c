"""The look-up: who is found, what is said, and what nobody without the right can learn from the page."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from ledger import operations as ledger
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import fund, make_withdrawal
from tests.menu import menu_links
from withdrawals.models import CheckResult, Note, Withdrawal
from withdrawals.operations import claims
from withdrawals.states import Move, State

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]


def answer_of(response: object) -> object:
    return response.context.get("answer")  # type: ignore[attr-defined]


@pytest.fixture
def withdrawal(operator: User) -> Withdrawal:
    player = PlayerFactory(verified=True, name="Elena Marković", email="elena@zgmail.hr", external_id="pl-77")
    fund(player, 50_000)
    return make_withdrawal(State.PROCESSING, now=timezone.now(), player=player, by=operator)


def test_who_may_look_up(
    client_for: ClientFor,
    support: User,
    operator: User,
    fraud_analyst: User,
    compliance: User,
    finance: User,
    admin: User,
) -> None:
    for user in (support, operator, fraud_analyst, compliance):
        response = client_for(user).get("/players/")
        assert response.status_code == 200
        assert "/players/" in menu_links(response)
        assert "autofocus" in response.text
    for user in (finance, admin):
        assert client_for(user).get("/players/?q=pl-77").status_code == 403
        assert "/players/" not in menu_links(client_for(user).get("/withdrawals/?view=all"))


@pytest.mark.parametrize("asked", ["ref", "elena@zgmail.hr", "ELENA@zgmail.hr", "player ref", "pl-77", "elena mar"])
def test_one_player_is_answered_at_once(
    client_for: ClientFor, support: User, withdrawal: Withdrawal, asked: str
) -> None:
    PlayerFactory(name="Ivan Marković")
    term = {"ref": withdrawal.ref.lower().replace("-", " "), "player ref": withdrawal.player.ref}.get(asked, asked)
    response = client_for(support).get("/players/", {"q": term})
    assert answer_of(response).player == withdrawal.player  # type: ignore[attr-defined]
    page = response.text
    assert "Elena Marković" in page and "Ivan" not in page
    assert "€500.00" in page and "€180.00" in page
    assert "Being paid." in page and 'data-copy="Being paid."' in page
    assert "elena@zgmail.hr" not in page.replace(f'value="{term}"', "")


def test_where_the_money_is(client_for: ClientFor, support: User, withdrawal: Withdrawal, compliance: User) -> None:
    frozen = make_withdrawal(State.UNDER_REVIEW, now=timezone.now(), player=withdrawal.player, amount=7_000)
    Withdrawal.advance(frozen.pk, Move.HOLD, actor=compliance, now=timezone.now(), reason="legal", kind="legal")
    answer = answer_of(client_for(support).get("/players/", {"q": "pl-77"}))
    (purse,) = answer.purses  # type: ignore[attr-defined]
    assert (purse.currency, purse.available, purse.held, purse.in_transit) == ("EUR", 50_000, 7_000, 18_000)


def test_money_that_came_back_is_somewhere(client_for: ClientFor, support: User, operator: User) -> None:
    player = PlayerFactory(verified=True, external_id="pl-8")
    returned = make_withdrawal(State.RETURNED, now=timezone.now(), player=player, by=operator, amount=14_500)
    client = client_for(support)
    html = client.get("/players/?q=pl-8").text
    assert "Returned, not yet in the balance: €145.00" in re.sub(r"<[^>]+>", "", html)
    ledger.give_back(
        holder=returned.holder, provider=returned.provider, money=returned.money, reference=returned.ref,
        key=f"{returned.ref}:give-back", at=timezone.now(), by="test",
    )  # fmt: skip
    assert "not yet in the balance" not in client.get("/players/?q=pl-8").text


def test_several_players_are_a_choice_without_details(
    client_for: ClientFor, support: User, withdrawal: Withdrawal
) -> None:
    PlayerFactory(name="Elena Marini", email="other@example.org")
    response = client_for(support).get("/players/?q=elena")
    assert [player.name for player in response.context["found"].players] == ["Elena Marini", "Elena Marković"]
    assert "answer" not in response.context
    assert "other@example.org" not in response.text and withdrawal.ref not in response.text


def test_no_more_than_twenty_and_a_hint(client_for: ClientFor, support: User) -> None:
    for n in range(21):
        PlayerFactory(name=f"Zoe Number{n}")
    response = client_for(support).get("/players/?q=zoe")
    assert len(response.context["found"].players) == 20
    assert "These are the first 20 by name" in response.text


@pytest.mark.parametrize(
    "term", ["nobody", "x@y.example", "WD-0000-0001", "P-999999", "%01", "<b>x</b>", "'; --", "é" * 400]
)
def test_nothing_found_says_what_was_searched(client_for: ClientFor, support: User, term: str) -> None:
    PlayerFactory(name="Somebody Else")
    response = client_for(support).get("/players/", {"q": term})
    assert response.status_code == 200
    assert "No player matches" in response.text
    assert "Searched as a withdrawal reference, an e-mail address, a player id" in response.text
    assert "Somebody" not in response.text and "<b>x</b>" not in response.text


def test_support_learns_nothing_that_could_warn_a_player(
    client_for: ClientFor, support: User, fraud_analyst: User, compliance: User
) -> None:
    player = PlayerFactory(verified=True, suspended=True, external_id="pl-9", name="Nora Lind")
    held = make_withdrawal(
        State.ON_HOLD, now=timezone.now(), player=player, by=compliance, hold_kind="internal",
        risk=(87, "high"), is_flagged=True, why=("Device shared with 3 players",),
    )  # fmt: skip
    second = make_withdrawal(
        State.UNDER_REVIEW, now=timezone.now(), player=player, risk=(87, "high"), is_flagged=True, why=("Cash-out",)
    )
    claims.claim(second, user=fraud_analyst, now=timezone.now())
    Withdrawal.advance(second.pk, Move.REJECT, actor=fraud_analyst, now=timezone.now(), reason="fraud_mule")
    CheckResult.objects.create(
        withdrawal=held, code="fraud.FR18", outcome="review", title="Device shared", sentence="Shares a phone with 3.",
        points=50, at=timezone.now(),
    )  # fmt: skip
    Note.objects.create(withdrawal=held, author=fraud_analyst, text="Looks like a mule ring", at=timezone.now())

    for term in ("pl-9", held.ref, second.ref):
        page = client_for(support).get("/players/", {"q": term}).text
        main = re.sub(r"<svg.*?</svg>", "", page[page.index("<main") :], flags=re.S).casefold()
        for secret in (
            "fraud", "mule", "device", "cash-out", "suspicion", "suspended", "risk", "score", "signal",
            "on hold", "priya", "compliance", "flag", "internal", "indicator", "check",
        ):  # fmt: skip
            assert secret not in main, (term, secret)
        assert not re.search(r"\b87\b", main)
        assert "we are looking at your request; you hear from us by" in main
        assert "we could not approve this withdrawal. the money is back in your balance." in main
    assert "On hold" in client_for(fraud_analyst).get("/players/", {"q": "pl-9"}).text


def test_looking_up_is_recorded_without_what_was_typed(
    client_for: ClientFor, support: User, withdrawal: Withdrawal
) -> None:
    client = client_for(support)
    client.get("/players/")
    assert not AuditEntry.objects.filter(action="look_up").exists()
    client.get("/players/", {"q": "elena@zgmail.hr"})
    client.get("/players/", {"q": "nobody@zgmail.hr"})
    one, none = AuditEntry.objects.filter(action="look_up").order_by("pk")
    assert (one.subject_type, one.subject_id, one.actor_user) == ("player", withdrawal.player.ref, support)
    assert one.data == {"by": "e-mail", "players": [withdrawal.player.ref]}
    assert (none.subject_type, none.data) == ("staff", {"by": "e-mail", "players": []})


def test_the_number_of_queries_does_not_grow(
    client_for: ClientFor, support: User, django_assert_num_queries: Callable[..., object]
) -> None:
    player = PlayerFactory(verified=True, external_id="pl-5")
    client = client_for(support)
    for more in (1, 2):
        for _ in range(more):
            make_withdrawal(State.UNDER_REVIEW, now=timezone.now(), player=player)
        client.get("/players/?q=pl-5")
        with django_assert_num_queries(11):  # type: ignore[attr-defined]
            client.get("/players/?q=pl-5")
