"""The demonstration: made once, through the product's own doors, with something on every screen."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction

from backoffice import demo
from backoffice.accounts.models import User
from backoffice.platform.invented import circumstances, outcomes, seeding
from backoffice.platform.invented.people import PLAYERS, Invented, newcomer
from backoffice.platform.invented.scenes import SCENES
from backoffice.platform.models import ApiClient
from kyc.models import Player
from ledger.models import Entry
from sandbox.stories import number_of
from withdrawals import destinations, verification
from withdrawals.models import Destination, Withdrawal
from withdrawals.queries import review_queue
from withdrawals.states import HoldKind, State

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def seeded(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Seed once for the tests of this module, in a transaction that is taken back after them."""
    with django_db_blocker.unblock(), transaction.atomic():
        seeding.seed(now=NOW)
        yield
        transaction.set_rollback(True)


@pytest.mark.django_db
@pytest.mark.usefixtures("seeded")
def test_everybody_of_the_demonstration_can_sign_in() -> None:
    for person in demo.STAFF:
        user = User.objects.get(email=person.email)
        assert user.check_password(demo.PASSWORD)
        assert user.role_names == [person.role]
    assert ApiClient.objects.get(key_id="demo").secret == demo.API_SECRET
    assert Player.objects.filter(email__endswith=".invalid").count() == len(PLAYERS)


@pytest.mark.django_db
@pytest.mark.usefixtures("seeded")
def test_every_state_has_something_to_look_at() -> None:
    states = Counter(Withdrawal.objects.values_list("state", flat=True))

    assert set(states) == set(State) - {State.REQUESTED}
    assert 20 <= states[State.UNDER_REVIEW] <= 40
    assert states[State.SECOND_APPROVAL] == 5
    assert states.most_common(1)[0][0] == State.COMPLETED
    kinds = Withdrawal.objects.filter(state=State.ON_HOLD).values_list("hold_kind", flat=True)
    assert sorted(kinds) == sorted(HoldKind.values)
    waiting = Withdrawal.objects.filter(state=State.APPROVED)
    assert {withdrawal.wait_reason for withdrawal in waiting} == {"paused"}


@pytest.mark.django_db
@pytest.mark.usefixtures("seeded")
def test_the_queue_has_late_near_and_later_ones_for_many_reasons() -> None:
    queue = list(review_queue())

    left = [withdrawal.due_at - NOW for withdrawal in queue]
    assert any(time < timedelta() for time in left)
    assert any(timedelta() < time < timedelta(hours=1) for time in left)
    assert any(time > timedelta(hours=1) for time in left)
    assert len({withdrawal.why[0] for withdrawal in queue}) >= 15
    assert {withdrawal.required_approvals for withdrawal in queue} == {1, 2}
    assert {withdrawal.risk_level for withdrawal in queue} == {"low", "medium", "high"}


@pytest.mark.django_db
@pytest.mark.usefixtures("seeded")
def test_nothing_lies_in_the_future_or_breaks_an_invariant() -> None:
    assert not Withdrawal.objects.filter(requested_at__gt=NOW).exists()
    assert not Entry.objects.filter(occurred_at__gt=NOW).exists()
    assert {name: count for name, count in verification.run().items() if count} == {}


@pytest.mark.django_db
@pytest.mark.usefixtures("seeded")
def test_seeding_again_adds_nothing() -> None:
    before = Entry.objects.count(), Withdrawal.objects.count(), Destination.objects.count()
    out = StringIO()

    call_command("seed_demo", stdout=out)

    assert (Entry.objects.count(), Withdrawal.objects.count(), Destination.objects.count()) == before
    assert "Made 0 staff, 0 API client, 0 players and 0 withdrawals" in out.getvalue()
    assert "invented" in out.getvalue()


def test_scenes_name_what_exists() -> None:
    assert {scene.before.split()[0] for scene in SCENES} <= set(circumstances.BY_WORD)
    assert {scene.after.split()[0] for scene in SCENES} == set(outcomes.BY_WORD)


@pytest.mark.parametrize("player", [*PLAYERS, *map(newcomer, range(61, 75))], ids=lambda player: player.name)
def test_invented_accounts_are_accounts(player: Invented) -> None:
    for variant in (0, 1):
        checked = destinations.check(method=player.method, account=player.account(variant))
        assert destinations.takes(method=player.method, account=checked.account, currency=player.currency)
    # No account may tell the sandbox provider a story by chance.
    assert not number_of(1, player.account())
