"""Facts from history: every window against a recount in plain Python, at a constant number of queries."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fraud.activity import Deposit, Play
from fraud.facts import EarlierRequest, Facts
from fraud.gather import gather
from fraud.operations import DepositEvent, LoginEvent, PlayEvent, record_deposits, record_logins, record_plays
from tests.factories.fraud import NOW, DepositFactory, LoginFactory, PayoutRequestFactory, PlayFactory

pytestmark = pytest.mark.django_db
PLAYER = 100000
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def facts_for(**request: object) -> Facts:
    return gather(player_id=PLAYER, request=PayoutRequestFactory(**request))


def earlier(age: timedelta, amount: int = 5_000, **fields: object) -> EarlierRequest:
    return EarlierRequest(
        **{"currency": "EUR", "reference_amount": amount, **fields}, requested_at=NOW - age, amount=amount
    )


def test_a_player_without_history() -> None:
    facts = facts_for()
    assert (facts.deposits, facts.stakes, facts.last_deposit_at, facts.device_players) == (0, 0, None, None)
    assert (facts.requests_24h, facts.requests_7d, facts.previous_request_at) == (1, 1, None)
    assert (facts.usual_count, facts.usual_median, facts.usual_p95) == (0, None, None)


def test_counting_begins_after_the_last_request_that_was_not_released() -> None:
    for age, amount in ((10 * DAY, 1_000), (5 * DAY, 2_000), (DAY, 4_000)):
        DepositFactory(at=NOW - age, amount=amount)
        PlayFactory(at=NOW - age, amount=amount)
    requests = (earlier(7 * DAY), earlier(2 * DAY, released=True))

    facts = facts_for(earlier=requests)

    assert facts.since == NOW - 7 * DAY
    assert (facts.deposits, facts.stakes) == (6_000, 6_000)
    assert (facts.deposits_48h, facts.stakes_48h) == (4_000, 4_000)
    assert (facts.last_deposit, facts.last_deposit_at) == (4_000, NOW - DAY)


def test_a_recent_request_does_not_shorten_the_48_hours() -> None:
    DepositFactory(at=NOW - 30 * HOUR, amount=1_000)
    facts = facts_for(earlier=(earlier(HOUR),))
    assert (facts.deposits, facts.deposits_48h) == (0, 1_000)


def test_only_stakes_of_the_same_player_and_currency_until_the_request_count() -> None:
    PlayFactory(win=True)
    PlayFactory(bonus=True)
    PlayFactory(currency="USD")
    PlayFactory(player_id=100001)
    PlayFactory(at=NOW + timedelta(microseconds=1))
    PlayFactory(at=NOW, amount=7)
    assert facts_for().stakes == 7


def test_requests_are_counted_whatever_became_of_them_and_later_ones_ignored() -> None:
    requests = (
        earlier(HOUR, released=True),
        earlier(23 * HOUR, currency="USD"),
        earlier(DAY),
        earlier(6 * DAY),
        earlier(7 * DAY),
        earlier(-HOUR),
    )
    facts = facts_for(earlier=requests)
    assert (facts.requests_24h, facts.requests_7d) == (3, 5)
    assert facts.previous_request_at == NOW - HOUR
    assert facts.house_values_7d == [5_000, 5_000, 5_000, 10_000]
    assert facts.usual_count == 3


def test_usual_amounts_are_nearest_rank_percentiles() -> None:
    facts = facts_for(earlier=tuple(earlier(n * DAY, amount=n * 100) for n in range(1, 21)))
    assert (facts.usual_count, facts.usual_median, facts.usual_p95) == (20, 1_000, 1_900)


def test_a_missing_rate_hides_the_house_values() -> None:
    assert facts_for(reference_amount=None).house_values_7d is None
    assert facts_for(earlier=(earlier(DAY, reference_amount=None),)).house_values_7d is None
    assert facts_for(earlier=(earlier(9 * DAY, reference_amount=None),)).house_values_7d == [10_000]


def test_the_most_shared_device_counts() -> None:
    LoginFactory(device="phone-a")
    LoginFactory(device="tablet-b")
    LoginFactory(device="tablet-b", player_id=2)
    LoginFactory(device="phone-a", player_id=3, at=NOW - 30 * DAY)
    LoginFactory(device="phone-a", player_id=4, at=NOW + HOUR)
    assert facts_for().device_players == 2


def test_players_are_counted_and_not_their_logins() -> None:
    LoginFactory.create_batch(3)
    LoginFactory(device="tablet-b")
    LoginFactory(device="tablet-b", player_id=2)
    assert facts_for().device_players == 2


def test_a_login_without_a_device_says_nothing() -> None:
    LoginFactory(device="")
    LoginFactory(device="", player_id=2)
    assert facts_for().device_players is None


def history(days: int) -> tuple[EarlierRequest, ...]:
    """Record ten events of each sort per day; return a request a day."""
    moments = [NOW - day * DAY - n * HOUR for day in range(days) for n in range(10)]
    ids = [f"{days}-{number}" for number in range(len(moments))]
    record_deposits([DepositEvent(PLAYER, id_, at, 1_000, "EUR") for id_, at in zip(ids, moments, strict=True)])
    record_plays([PlayEvent(PLAYER, id_, at, "stake", 1_000, "EUR") for id_, at in zip(ids, moments, strict=True)])
    record_logins([LoginEvent(PLAYER, id_, at, "203.0.113.7", "phone") for id_, at in zip(ids, moments, strict=True)])
    return tuple(earlier(day * DAY) for day in range(1, days))


@pytest.mark.parametrize("days", [1, 40])
def test_queries_do_not_grow_with_history(days: int, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    requests = history(days)
    with django_assert_num_queries(1):
        facts = facts_for(earlier=requests)
    assert facts.deposits == 10_000


AGES = st.integers(-3, 240).map(lambda hours: hours * HOUR)
MONEY = st.tuples(AGES, st.integers(1, 10_000), st.sampled_from(["EUR", "USD"]))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    deposits=st.lists(MONEY, max_size=12),
    stakes=st.lists(MONEY, max_size=12),
    requests=st.lists(st.tuples(AGES, st.booleans()), max_size=6),
)
def test_sums_equal_a_recount(
    deposits: list[tuple[timedelta, int, str]],
    stakes: list[tuple[timedelta, int, str]],
    requests: list[tuple[timedelta, bool]],
) -> None:
    Deposit.objects.all().delete()
    Play.objects.all().delete()
    record_deposits([DepositEvent(PLAYER, str(n), NOW - a, m, c) for n, (a, m, c) in enumerate(deposits)])
    record_plays([PlayEvent(PLAYER, str(n), NOW - a, "stake", m, c) for n, (a, m, c) in enumerate(stakes)])
    others = tuple(earlier(age, released=released) for age, released in requests)

    facts = gather(player_id=PLAYER, request=PayoutRequestFactory(earlier=others))

    begun = max((NOW - a for a, released in requests if not released and a >= timedelta()), default=None)

    def recount(events: list[tuple[timedelta, int, str]], after: object) -> int:
        return sum(m for a, m, c in events if c == "EUR" and a >= timedelta() and (after is None or NOW - a > after))

    assert facts.since == begun
    assert (facts.deposits, facts.stakes) == (recount(deposits, begun), recount(stakes, begun))
    window = NOW - 48 * HOUR
    assert (facts.deposits_48h, facts.stakes_48h) == (recount(deposits, window), recount(stakes, window))
    ages = [a for a, _ in requests if a >= timedelta()]
    assert facts.requests_24h == 1 + sum(a < DAY for a in ages)
    assert facts.requests_7d == 1 + sum(a < 7 * DAY for a in ages)
