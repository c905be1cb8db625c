"""Deposits, play and sign-ins: booked and noted together, each event once, a list whole or not at all."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from backoffice.platform import operations
from backoffice.platform.operations import Deposit, EventRefused, Login, Play
from fraud import activity
from kyc.models import Player
from ledger.models import Entry
from ledger.queries import balances_of_player
from tests.factories.kyc import PlayerFactory
from tests.platform.conftest import Signed, hours_ago, problem

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
AT = NOW - timedelta(hours=1)


def deposit(**changes: Any) -> Deposit:
    return Deposit(**{"event_id": "d-1", "player_id": "p-1", "amount": "25.00", "currency": "EUR", "at": AT, **changes})


def play(kind: Any = "stake", **changes: Any) -> Play:
    fields = {"event_id": "g-1", "player_id": "p-1", "amount": "25.00", "currency": "EUR", "at": AT, **changes}
    return Play(kind=kind, **fields)


def login(**changes: Any) -> Login:
    return Login(**{"event_id": "l-1", "player_id": "p-1", "at": AT, "ip": "203.0.113.7", "device": "phone", **changes})


def tell(*events: Any, source: str = "casino") -> None:
    if isinstance(events[0], Deposit):
        operations.record_deposits(deposits=events, source=source, now=NOW)
    elif isinstance(events[0], Play):
        operations.record_plays(plays=events, source=source, now=NOW)
    else:
        operations.record_logins(logins=events, source=source, now=NOW)


def purses(player: Player) -> dict[str, int]:
    balances = balances_of_player(str(player.pk)).get("EUR", {})
    return {kind: amount for kind, amount in balances.items() if amount}


def test_a_deposit_is_booked_and_noted(player: Player) -> None:
    tell(deposit(instrument="fp-1", instrument_label="Visa •••• 4417"))

    entry = Entry.objects.get(kind="deposit", key="deposit:casino:d-1")
    noted = activity.Deposit.objects.get()
    assert purses(player) == {"player_cash": 12_500}
    assert (entry.occurred_at, entry.posted_by) == (AT, "platform:casino")
    assert (noted.player_id, noted.event_id, noted.at, noted.amount) == (player.pk, "casino:d-1", AT, 2_500)
    assert (noted.instrument, noted.instrument_label) == ("fp-1", "Visa •••• 4417")


@pytest.mark.parametrize(
    ("kind", "purse", "noted"),
    [
        ("stake", {"player_cash": 7_500, "player_bonus": 5_000}, "stake"),
        ("win", {"player_cash": 12_500, "player_bonus": 5_000}, "win"),
        ("bonus", {"player_cash": 10_000, "player_bonus": 7_500}, "bonus"),
        ("bonus_convert", {"player_cash": 12_500, "player_bonus": 2_500}, None),
    ],
)
def test_play_is_booked_and_noted(player: Player, kind: str, purse: dict[str, int], noted: str | None) -> None:
    tell(play("bonus", event_id="before", amount="50.00"))
    tell(play(kind))

    assert purses(player) == purse
    kinds = activity.Play.objects.filter(event_id="casino:g-1").values_list("kind", flat=True)
    assert list(kinds) == ([noted] if noted else [])


def test_a_sign_in_is_noted(player: Player) -> None:
    tell(login(ip="2001:DB8:0:1::5", country="HR", city="Split"), login(event_id="l-2", ip="::ffff:198.51.100.4"))

    rows = list(activity.Login.objects.order_by("event_id").values_list("ip", "network", "country"))
    assert rows == [("2001:db8:0:1::5", "2001:db8:0:1::/64", "HR"), ("198.51.100.4", "198.51.100.4", "")]


@pytest.mark.parametrize(
    "event", [deposit(), play("win"), play("bonus_convert", amount="1.00"), login(ip="2001:DB8::1")]
)
def test_the_same_event_again_changes_nothing(player: Player, event: Any) -> None:
    tell(play("bonus", event_id="before"))
    tell(event)
    before = (purses(player), Entry.objects.count())
    tell(event)
    tell(event, event)
    assert (purses(player), Entry.objects.count()) == before


CHANGED = [
    (deposit(), deposit(amount="25.01")),
    (deposit(), deposit(currency="USD")),
    (deposit(), deposit(at=AT - timedelta(seconds=1))),
    (deposit(), deposit(player_id="p-2")),
    (deposit(), deposit(instrument="other")),
    (play("win"), play("win", amount="25.01")),
    (play("win"), play("stake")),
    (play("win"), play("bonus")),
    (play("win"), play("bonus_convert")),
    (play("bonus_convert"), play("win")),
    (play("bonus_convert"), play("bonus_convert", amount="1.00")),
    (play("win"), play("win", player_id="p-2")),
    (login(), login(ip="203.0.113.8")),
    (login(), login(device="tablet")),
    (login(), login(player_id="p-2")),
]


@pytest.mark.parametrize(("first", "second"), CHANGED)
@pytest.mark.parametrize("together", [False, True])
def test_a_known_event_with_other_content_is_refused(player: Player, first: Any, second: Any, together: bool) -> None:
    PlayerFactory(external_id="p-2")
    tell(play("bonus", event_id="before"))
    if not together:
        tell(first)
    before = (purses(player), Entry.objects.count(), activity.Play.objects.count())
    with pytest.raises(EventRefused) as refused:
        tell(first, second) if together else tell(second)
    assert (refused.value.code, refused.value.field) == ("event_changed", "id")
    assert (purses(player), Entry.objects.count(), activity.Play.objects.count()) == before


def test_event_ids_belong_to_their_source(player: Player) -> None:
    tell(deposit())
    tell(deposit(amount="1.00"), source="sportsbook")
    assert purses(player) == {"player_cash": 12_600}


REFUSED = [
    ([deposit(), deposit(event_id="d-2", amount="1.005")], "invalid_amount", "1.amount"),
    ([deposit(), deposit(event_id="d-2", currency="HRK")], "invalid_currency", "1.currency"),
    ([deposit(), deposit(event_id="d-2", at=NOW + timedelta(minutes=11))], "invalid_time", "1.occurred_at"),
    ([deposit(), deposit(event_id="d-2", player_id="nobody")], "unknown_player", "1.player_id"),
    ([deposit(), deposit(event_id="d-2", instrument="4111 1111 1111 1111")], "card_number", "1.instrument"),
    ([deposit(player_id="nobody")], "unknown_player", "player_id"),
    ([play("win"), play("stake", event_id="g-2", amount="125.01")], "insufficient_funds", "1.amount"),
    ([play("bonus_convert", amount="0.01")], "insufficient_funds", "amount"),
    ([login(), login(event_id="l-2", ip="here")], "invalid_request", "1.ip"),
    ([deposit(amount="90000000000000000.00"), deposit(event_id="d-2", amount="90000000000000000.00")],
     "invalid_amount", "amount"),
]  # fmt: skip


@pytest.mark.parametrize(("events", "code", "field"), REFUSED)
def test_a_list_is_taken_whole_or_not_at_all(player: Player, events: list[Any], code: str, field: str) -> None:
    with pytest.raises(EventRefused) as refused:
        tell(*events)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert purses(player) == {"player_cash": 10_000}
    assert not activity.Deposit.objects.exists()
    assert not activity.Play.objects.exists()
    assert not activity.Login.objects.exists()


def test_a_stake_beyond_the_cash_says_how_much_there_is(player: Player) -> None:
    with pytest.raises(EventRefused, match=r"Player p-1 has €100\.00 of cash; this takes €100\.01\."):
        tell(play("stake", amount="100.01"))


def test_the_order_inside_a_list_does_not_matter(player: Player) -> None:
    tell(play("stake", amount="150.00"), play("win", event_id="g-2", amount="60.00"))
    assert purses(player) == {"player_cash": 1_000}


def test_a_clock_may_be_a_little_ahead(player: Player) -> None:
    tell(deposit(at=NOW + timedelta(minutes=9)))
    assert purses(player) == {"player_cash": 12_500}


@pytest.mark.django_db(transaction=True)
def test_twenty_senders_of_one_list_book_it_once(player: Player) -> None:
    events = [deposit(event_id=f"d-{n}", amount="1.00") for n in range(20)]
    refusals: list[Exception] = []

    def send(n: int) -> None:
        try:
            tell(*(events if n % 2 else events[::-1]))
        except EventRefused as refused:
            refusals.append(refused)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not refusals
    assert purses(player) == {"player_cash": 12_000}
    assert activity.Deposit.objects.count() == 20


# -- over HTTP -------------------------------------------------------------------------------------


def test_one_event_and_a_list_are_told_the_same_way(api: Signed, player: Player) -> None:
    one = {"id": "d-1", "amount": "1.00", "currency": "EUR", "occurred_at": hours_ago(2)}
    path = "/api/v1/players/p-1/deposits"
    assert api("POST", path, one).json() == {"recorded": ["d-1"]}
    assert api("POST", path, [one, {**one, "id": "d-2"}]).json() == {"recorded": ["d-1", "d-2"]}
    assert api("POST", path, [one, {**one, "id": "d-2"}]).json() == {"recorded": ["d-1", "d-2"]}
    assert problem(api("POST", path, {**one, "amount": "2.00"})) == (409, "event_changed", "id")
    assert purses(player) == {"player_cash": 10_200}


def test_a_list_of_five_hundred_is_taken(api: Signed, player: Player) -> None:
    bets = [
        {"id": f"g-{n}", "kind": "stake", "amount": "0.10", "currency": "EUR", "occurred_at": hours_ago(1)}
        for n in range(500)
    ]
    assert len(api("POST", "/api/v1/players/p-1/plays", bets).json()["recorded"]) == 500
    assert purses(player) == {"player_cash": 5_000}


def test_a_stake_beyond_the_cash_is_refused(api: Signed, player: Player) -> None:
    bet = {"id": "g-1", "kind": "stake", "amount": "100.01", "currency": "EUR", "occurred_at": hours_ago(1)}
    assert problem(api("POST", "/api/v1/players/p-1/plays", bet)) == (422, "insufficient_funds", "amount")


def test_a_sign_in_is_told(api: Signed, player: Player) -> None:
    told = {"id": "l-1", "occurred_at": hours_ago(1), "ip": "203.0.113.7", "device": "phone-1", "country": "HR"}
    assert api("POST", "/api/v1/players/p-1/logins", told).json() == {"recorded": ["l-1"]}
    assert activity.Login.objects.get().event_id == "casino:l-1"
