"""Taking in activity, and keeping what was judged."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from fraud.activity import Deposit, Login
from fraud.models import Assessment, RuleHit
from fraud.operations import (
    DepositEvent,
    LoginEvent,
    PlayEvent,
    assess,
    record_deposits,
    record_logins,
    record_plays,
)
from fraud.rules import RULE_SET_VERSION
from fraud.states import Level
from tests.factories.fraud import NOW, DepositFactory, LoginFactory, PayoutRequestFactory, PlayFactory

pytestmark = pytest.mark.django_db
PLAYER = 100000


def deposit(event_id: str, amount: int = 1_000) -> DepositEvent:
    return DepositEvent(PLAYER, event_id, NOW, amount, "EUR", "card-a", "Visa •••• 4417")


def test_an_event_is_taken_once_and_stays_as_it_was() -> None:
    assert record_deposits([deposit("b"), deposit("a"), deposit("a", 9)]) == 2
    assert record_deposits([deposit("a", 5), deposit("c")]) == 1
    assert record_deposits([]) == 0
    assert dict(Deposit.objects.order_by("event_id").values_list("event_id", "amount")) == {
        "a": 1_000,
        "b": 1_000,
        "c": 1_000,
    }


def test_play_is_counted_and_checked_by_the_database() -> None:
    assert record_plays([PlayEvent(PLAYER, "p1", NOW, "stake", 5, "EUR")]) == 1
    for bad in (
        PlayEvent(PLAYER, "p2", NOW, "dance", 5, "EUR"),
        PlayEvent(PLAYER, "p3", NOW, "stake", 0, "EUR"),
        PlayEvent(PLAYER, "x" * 101, NOW, "stake", 5, "EUR"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            record_plays([bad])


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::2", "2001:db8:1:2::/64"),
    ],
)
def test_a_login_knows_its_network(ip: str, network: str) -> None:
    assert record_logins([LoginEvent(PLAYER, "l1", NOW, ip, "phone", "HR", "Zagreb")]) == 1
    assert Login.objects.get().network == network


def test_a_login_from_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match="not appear to be"):
        record_logins([LoginEvent(PLAYER, "l1", NOW, "somewhere")])


def test_a_clean_request_is_low_and_needs_nobody() -> None:
    DepositFactory()
    PlayFactory()
    LoginFactory()

    assessment = assess(subject="WD-1", player_id=PLAYER, request=PayoutRequestFactory(), now=NOW)

    assert (assessment.score, assessment.level, assessment.hold) == (0, Level.LOW, False)
    assert list(assessment.hits.all()) == []
    assert assessment.rule_set == RULE_SET_VERSION


def test_an_assessment_keeps_facts_and_hits(django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    DepositFactory(at=NOW - timedelta(minutes=12))
    request = PayoutRequestFactory()

    assessment = assess(subject="WD-1", player_id=PLAYER, request=request, now=NOW)

    with django_assert_num_queries(0):
        hits = [(hit.code, hit.points) for hit in assessment.hits.all()]
    assert hits == [("FR01", 50), ("FR02", 50), ("FR03", 50), ("FR04", 25), ("FR00", 0)]
    assert (assessment.score, assessment.level, assessment.hold) == (100, Level.HIGH, True)
    stored = Assessment.objects.get(subject="WD-1")
    assert (stored.facts["deposits"], stored.facts["last_deposit_at"]) == (
        10_000,
        (NOW - timedelta(minutes=12)).isoformat(),
    )


def test_a_later_history_does_not_change_an_earlier_request() -> None:
    DepositFactory()
    PlayFactory()
    LoginFactory()
    request = PayoutRequestFactory()
    first = assess(subject="WD-1", player_id=PLAYER, request=request, now=NOW)
    DepositFactory(at=NOW + timedelta(hours=1))
    LoginFactory(at=NOW + timedelta(hours=1), player_id=2)

    second = assess(subject="WD-1", player_id=PLAYER, request=request, now=NOW + timedelta(days=3))

    assert second.facts == first.facts
    assert list(Assessment.objects.filter(subject="WD-1").order_by("pk")) == [first, second]


def test_queries_of_an_assessment(django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    DepositFactory()
    with django_assert_max_num_queries(6):
        assess(subject="WD-1", player_id=PLAYER, request=PayoutRequestFactory(), now=NOW)


def test_what_was_judged_cannot_be_changed() -> None:
    assess(subject="WD-1", player_id=PLAYER, request=PayoutRequestFactory(), now=NOW)
    for attempt in (
        lambda: Assessment.objects.update(score=0),
        lambda: RuleHit.objects.update(hold=False),
        lambda: RuleHit.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()
