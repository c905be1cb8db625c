"""One day for pages and machines: the house's, where it differs from the day in Greenwich."""

from datetime import UTC, date, datetime

import pytest
from django.test import Client

from backoffice.accounts.models import User
from backoffice.audit.actors import Machine
from kyc.exceptions import Refused
from kyc.models import Player
from kyc.operations import create_or_update_player
from tests.factories.kyc import PlayerFactory, VerificationFactory
from tests.factories.withdrawals import make_withdrawal, open_withdrawal
from withdrawals.checks import identity
from withdrawals.exceptions import IllegalMove
from withdrawals.models import Withdrawal
from withdrawals.operations import payouts, validity
from withdrawals.states import State

pytestmark = pytest.mark.django_db

# The 21st, nine in the evening, in New York; the 22nd in Greenwich.
EVENING = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _in_new_york(settings) -> None:
    settings.TIME_ZONE = "America/New_York"


@pytest.fixture
def player() -> Player:
    """Somebody whose document is valid through the 21st."""
    player = PlayerFactory()
    VerificationFactory(player=player, expires_on=date(2026, 11, 21))
    return player


def test_the_check_of_the_identity(player: Player) -> None:
    withdrawal = open_withdrawal(player=player, now=EVENING)
    assert identity.verified(withdrawal, now=EVENING).outcome == "pass"
    assert identity.verified(withdrawal, now=NIGHT).outcome == "review"


def test_an_approval(player: Player, operator: User) -> None:
    withdrawal = open_withdrawal(player=player, now=EVENING)
    validity.require_approvable(withdrawal, actor=operator, now=EVENING)
    with pytest.raises(IllegalMove, match="identity is not in order"):
        validity.require_approvable(withdrawal, actor=operator, now=NIGHT)


def test_the_start_of_a_payout(player: Player, operator: User) -> None:
    kept, recalled = (make_withdrawal(State.APPROVED, by=operator, player=player, now=EVENING) for _ in range(2))
    assert payouts.start(kept.pk, now=EVENING) is not None
    assert payouts.start(recalled.pk, now=NIGHT) is None
    assert Withdrawal.objects.get(pk=recalled.pk).reason == "identity_no_longer_valid"


def test_a_date_of_birth() -> None:
    said = {"external_id": "p-1", "name": "Dana Kovač", "actor": Machine("platform:test"), "now": EVENING}
    with pytest.raises(Refused):
        create_or_update_player(**said, birth_date=date(2026, 11, 22))


def test_the_page(player: Player, operator: User, time_machine) -> None:
    withdrawal = make_withdrawal(State.UNDER_REVIEW, player=player, now=EVENING)
    client = Client()
    client.force_login(operator)
    time_machine.move_to(EVENING, tick=False)
    assert "expired" not in client.get(f"/withdrawals/{withdrawal.ref}/").text.lower()
    time_machine.move_to(NIGHT, tick=False)
    assert "expired" in client.get(f"/withdrawals/{withdrawal.ref}/").text.lower()
