"""The KYC list: who needs attention, with the money that waits for it."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from backoffice.accounts.models import User
from kyc.models import Player
from kyc.states import VerificationState
from tests.factories.kyc import PlayerFactory, VerificationFactory
from tests.factories.withdrawals import fund, make_destination, make_withdrawal
from tests.menu import menu_links

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]


def player(days: int | None = None, state: str = VerificationState.VERIFIED, **fields: object) -> Player:
    """A player whose identity ends in so many days from today."""
    made = PlayerFactory(**fields)
    expires_on = None if days is None else timezone.localdate() + timedelta(days=days)
    VerificationFactory(player=made, state=state, expires_on=expires_on)
    return made


def shown(response: object) -> list[Player]:
    return list(response.context["page"].rows)  # type: ignore[attr-defined]


def test_only_compliance_finds_it(
    client_for: ClientFor, compliance: User, operator: User, fraud_analyst: User, support: User, admin: User
) -> None:
    response = client_for(compliance).get("/kyc/")
    assert response.status_code == 200
    assert "/kyc/" in menu_links(response)
    for user in (operator, fraud_analyst, support, admin):
        assert client_for(user).get("/kyc/").status_code == 403
        assert "/kyc/" not in menu_links(client_for(user).get("/withdrawals/?view=all"))


def test_first_what_needs_attention(client_for: ClientFor, compliance: User) -> None:
    soon, expired, fine = player(6), player(-4), player(400)
    pending = player(state=VerificationState.PENDING)
    rejected = player(state=VerificationState.REJECTED)
    never = PlayerFactory()
    client = client_for(compliance)
    assert shown(client.get("/kyc/?sort=expires")) == [expired, soon, pending, rejected]
    assert shown(client.get("/kyc/?view=expiring")) == [soon]
    assert shown(client.get("/kyc/?view=expired")) == [expired]
    assert shown(client.get("/kyc/?view=pending")) == [pending]
    assert shown(client.get("/kyc/?view=rejected")) == [rejected]
    assert set(shown(client.get("/kyc/?view=all"))) == {soon, expired, fine, pending, rejected, never}


def test_money_comes_first_and_an_identity_never_checked_counts_once_money_waits(
    client_for: ClientFor, compliance: User
) -> None:
    expired, unchecked, soon = player(-4), PlayerFactory(), player(6)
    PlayerFactory()  # never checked, and nothing waits
    make_withdrawal(player=soon, amount=20_000)
    make_withdrawal(player=unchecked, amount=30_000)
    assert shown(client_for(compliance).get("/kyc/")) == [unchecked, soon, expired]


def test_a_row_says_the_word_the_level_the_end_and_the_money(client_for: ClientFor, compliance: User) -> None:
    one = player(6, name="Luca Ferraro", country="IT")
    make_withdrawal(player=one, amount=30_000)
    fund(one, 70_000, "SEK")
    make_withdrawal(player=one, amount=70_000, currency="SEK", destination=make_destination(one), funded=False)
    page = client_for(compliance).get("/kyc/").text
    row = re.search(r"<tr data-row>.*?Luca Ferraro.*?</tr>", page, re.S)
    assert row
    text = " ".join(re.sub(r"<[^>]+>", " ", row[0]).split())
    day = timezone.localdate() + timedelta(days=6)
    assert text == (
        f"Luca Ferraro {one.ref} IT Expires soon L2 {day.day} {day:%b %Y} 6 d left €300.00 · SEK 700.00 in 2"
    )
    assert f'href="/players/?q={one.ref}"' in row[0]


def test_filters(client_for: ClientFor, compliance: User) -> None:
    german, italian = player(6, country="DE", name="Anna Beck"), player(20, country="IT", name="Luca Ferraro")
    client = client_for(compliance)
    assert shown(client.get("/kyc/?country=de")) == [german]
    assert shown(client.get("/kyc/?q=luca")) == [italian]
    assert shown(client.get("/kyc/?level=2&sort=expires")) == [german, italian]
    assert shown(client.get("/kyc/?level=3")) == []
    assert shown(client.get("/kyc/?view=all&state=expires_soon&state=expired&sort=expires")) == [german, italian]
    until = timezone.localdate() + timedelta(days=7)
    assert shown(client.get(f"/kyc/?expires_to={until}")) == [german]
    assert shown(client.get("/kyc/?sort=-player")) == [italian, german]


@pytest.mark.parametrize("query", ["state=good", "level=9", "expires_from=soon", "country=DEU", "view=1", "after=zz"])
def test_nonsense_is_left_out(client_for: ClientFor, compliance: User, query: str) -> None:
    one = player(6)
    response = client_for(compliance).get(f"/kyc/?{query}")
    assert (response.status_code, shown(response)) == (200, [one])


def test_pages_by_expiry_with_and_without_an_end(client_for: ClientFor, compliance: User) -> None:
    ending = [player(n + 1) for n in range(15)]
    without = [player(state=VerificationState.PENDING) for _ in range(15)]
    client = client_for(compliance)
    first = client.get("/kyc/?sort=expires")
    second = client.get("/kyc/" + first.context["page"].next_url)
    assert shown(first) + shown(second) == ending + without


def test_the_number_of_queries_does_not_grow(
    client_for: ClientFor, compliance: User, django_assert_num_queries: Callable[..., object]
) -> None:
    client = client_for(compliance)
    for more in (1, 2):
        for _ in range(more):
            make_withdrawal(player=player(6))
        client.get("/kyc/")
        with django_assert_num_queries(7):  # type: ignore[attr-defined]
            client.get("/kyc/")
