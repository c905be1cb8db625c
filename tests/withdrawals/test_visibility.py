"""What is not seen is never sent: each right that an operator lacks takes its part of the pages away."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission
from django.test import Client

from backoffice.accounts.models import User
from backoffice.roles import ROLES
from tests.conftest import NOW
from tests.factories.fraud import LoginFactory
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import make_withdrawal
from withdrawals.models import CheckResult, Withdrawal
from withdrawals.states import State

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]
PARTS = {
    "money": ("Where the money came from", "Balance now"),
    "names": ("Linked players", "Ivan Twin", "Elena Marković", "el•••••@example.org", "Earlier payouts"),
    "person": ("Split", "Self-excluded"),
    "signals": ("Shares a phone with Ivan", "+50 points", '<span class="score">'),
}


@pytest.fixture(autouse=True)
def _at_noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def withdrawal(db: None) -> Withdrawal:
    player = PlayerFactory(
        verified=True, name="Elena Marković", email="elena@example.org", city="Split", self_excluded=True
    )
    for one in (player, PlayerFactory(verified=True, name="Ivan Twin")):
        LoginFactory(player_id=one.pk, device="shared-phone", at=NOW - timedelta(hours=1))
    risky = make_withdrawal(State.UNDER_REVIEW, now=NOW - timedelta(minutes=30), player=player, risk=(71, "high"))
    CheckResult.objects.create(
        withdrawal=risky, code="fraud.FR18", outcome="review", title="Device", sentence="Shares a phone with Ivan.",
        points=50, at=NOW,
    )  # fmt: skip
    return risky


def somebody(*, without: str = "") -> User:
    group = Group.objects.create(name="Special")
    wanted = ROLES["Operator"] | {"withdrawals.view_flagged"}
    for permission in wanted - {without}:
        app, codename = permission.split(".")
        group.permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    user = User.objects.create_user("special@staff.example", "Sam Special")
    user.groups.add(group)
    return user


@pytest.mark.parametrize(
    ("right", "part"),
    [
        ("", ""),
        ("kyc.view_player", "money person"),
        ("kyc.look_up_player", "names person"),
        ("withdrawals.view_signals", "signals"),
    ],
)
def test_a_right_that_is_missing_takes_its_part_away(
    withdrawal: Withdrawal, client_for: SignIn, right: str, part: str
) -> None:
    html = unescape(client_for(somebody(without=right)).get(f"/withdrawals/{withdrawal.ref}/").text)
    assert "Put on hold" in html  # it is the page on which one decides
    for name, texts in PARTS.items():
        for text in texts:
            assert (text in html) == (name not in part.split()), text


@pytest.mark.parametrize(
    ("right", "part"), [("", ""), ("kyc.look_up_player", "names"), ("withdrawals.view_signals", "signals")]
)
def test_so_it_is_on_the_page_of_what_was_found(
    withdrawal: Withdrawal, client_for: SignIn, right: str, part: str
) -> None:
    html = unescape(client_for(somebody(without=right)).get(f"/flagged/{withdrawal.ref}/").text)
    assert "Money at stake" in html
    for name in ("names", "signals"):
        for text in PARTS[name]:
            if text != "Earlier payouts":
                assert (text in html) == (name != part), text
