"""Each indicator: what it says, the nearest case in which it keeps quiet, and what it does without data."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fraud.facts import Facts
from fraud.rules import INDICATORS, NOT_JUDGED, judge
from fraud.states import Level, level_of
from tests.factories.fraud import NOW, FactsFactory

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

# code, facts, title, points, hold
HITS: list[tuple[str, dict[str, Any], str, int, bool]] = [
    ("FR01", {"deposits": 10_000, "stakes": 9_999}, "Wagered only 0.9× of deposits", 25, True),
    ("FR01", {"deposits": 10_000, "stakes": 3_000}, "Wagered only 0.3× of deposits", 25, True),
    ("FR01", {"deposits": 10_000, "stakes": 2_999}, "Wagered only 0.2× of deposits", 50, True),
    ("FR01", {"deposits": 10_000, "stakes": 1}, "Wagered only under 0.1× of deposits", 50, True),
    ("FR02", {"deposits": 5_000, "stakes": 0}, "Deposited but did not play", 50, False),
    (
        "FR03",
        {"deposits_48h": 10_000, "stakes_48h": 9_999, "amount": 9_500, "reference_amount": 9_500},
        "Money in and out within two days",
        50,
        False,
    ),
    (
        "FR04",
        {"last_deposit": 12_500, "last_deposit_at": NOW - timedelta(minutes=59)},
        "Cash-out 59 min after a deposit",
        25,
        False,
    ),
    ("FR05", {"requests_24h": 3, "requests_7d": 3}, "3 requests in 24 hours", 25, False),
    ("FR05", {"requests_24h": 2, "requests_7d": 6}, "6 requests in 7 days", 25, False),
    ("FR07", {"house_values_7d": [160_000, 199_800, 180_000]}, "3 requests just under €2,000.00", 50, False),
    ("FR09", {"amount": 12_001, "balance": 13_000}, "Unusual for this player", 10, False),
    ("FR09", {"amount": 12_001, "previous_request_at": NOW - 60 * DAY}, "Unusual for this player", 10, False),
    (
        "FR09",
        {"previous_request_at": None, "usual_count": 0, "usual_p95": None, "balance": 11_000},
        "Unusual for this player",
        10,
        False,
    ),
    ("FR18", {"device_players": 2}, "Device shared with 1 other player", 25, True),
    ("FR18", {"device_players": 4}, "Device shared with 3 other players", 50, True),
]

NEAR_MISSES: list[tuple[str, dict[str, Any]]] = [
    ("FR01", {"deposits": 10_000, "stakes": 10_000}),
    ("FR01", {"deposits": 0, "stakes": 0}),
    ("FR02", {"deposits": 4_999, "stakes": 0}),
    ("FR02", {"deposits": 5_000, "stakes": 1}),
    ("FR03", {"deposits_48h": 10_000, "stakes_48h": 10_000}),
    ("FR03", {"deposits_48h": 10_527, "stakes_48h": 0}),
    ("FR04", {"last_deposit": 10_000, "last_deposit_at": NOW - HOUR}),
    ("FR04", {"last_deposit": 12_501, "last_deposit_at": NOW}),
    ("FR05", {"requests_24h": 2, "requests_7d": 5}),
    ("FR07", {"house_values_7d": [159_999, 199_800, 180_000]}),
    ("FR07", {"house_values_7d": [199_801, 199_800, 180_000]}),
    ("FR07", {"house_values_7d": [180_000, 180_000, 900_000, 900_000]}),
    ("FR09", {"amount": 12_000, "balance": 12_000}),
    ("FR09", {"amount": 99_999, "usual_count": 4, "balance": 100_000}),
    ("FR09", {"previous_request_at": NOW - 61 * DAY}),
    ("FR18", {"device_players": 1}),
]

MISSING: list[tuple[str, dict[str, Any]]] = [
    ("FR01", {"last_deposit_at": None}),
    ("FR02", {"reference_amount": None}),
    ("FR03", {"last_deposit_at": None}),
    ("FR04", {"last_deposit_at": None}),
    ("FR07", {"house_values_7d": None}),
    ("FR09", {"balance": None}),
    ("FR18", {"device_players": None}),
]


def found(facts: Facts) -> dict[str, Any]:
    return {hit.code: hit for hit in judge(facts)}


def test_an_unremarkable_request_has_no_hits() -> None:
    assert judge(FactsFactory()) == []


@pytest.mark.parametrize(("code", "facts", "title", "points", "hold"), HITS)
def test_hit(code: str, facts: dict[str, Any], title: str, points: int, hold: bool) -> None:
    hit = found(FactsFactory(**facts))[code]
    assert (hit.title, hit.points, hit.hold) == (title, points, hold)
    assert hit.sentence.endswith(".")
    assert hit.evidence


@pytest.mark.parametrize(("code", "facts"), NEAR_MISSES)
def test_near_miss(code: str, facts: dict[str, Any]) -> None:
    assert code not in found(FactsFactory(**facts))


@pytest.mark.parametrize(("code", "facts"), MISSING)
def test_missing_data_sends_to_a_person(code: str, facts: dict[str, Any]) -> None:
    hits = found(FactsFactory(**facts))
    assert code not in hits
    assert code in hits[NOT_JUDGED].evidence["not_judged"]
    assert not hits[NOT_JUDGED].hold, "a person has to look, and any approver can"
    assert hits[NOT_JUDGED].points == 0


def test_every_indicator_has_its_three_cases() -> None:
    codes = {indicator.code for indicator in INDICATORS}
    assert {case[0] for case in HITS} == codes
    assert {case[0] for case in NEAR_MISSES} == codes
    assert {case[0] for case in MISSING} == {i.code for i in INDICATORS if i.needs}


def test_missing_data_is_one_hit_that_names_every_cause() -> None:
    hit = found(FactsFactory(last_deposit_at=None, last_deposit=None, reference_amount=None, house_values_7d=None))[
        NOT_JUDGED
    ]
    assert hit.short == "No deposit on record, 1 more unknown"
    assert hit.sentence == (
        "No deposit on record. No exchange rate. Not judged: turnover, no play at all, in and out, "
        "fast cash-out, structuring. A person has to look at these."
    )


def test_sentences_name_the_fact_the_comparison_and_what_is_normal() -> None:
    facts = FactsFactory(deposits=30_000, stakes=9_000)
    assert found(facts)["FR01"].sentence == (
        "Staked €90.00 of €300.00 deposited since the request of 23 Oct 2026. "
        "Players usually stake what they deposit at least once."
    )
    facts = FactsFactory(amount=27_900, balance=30_000, reference_amount=27_900)
    assert found(facts)["FR09"].sentence == (
        "The request is for €279.00; the median of 9 earlier requests is €90.00; "
        "it takes 93 % of the balance. One of these alone would be normal."
    )
    assert found(facts)["FR09"].short == "3.1× the usual amount"


def test_money_is_shown_in_the_currency_of_the_request() -> None:
    facts = replace(FactsFactory(deposits=30_000, stakes=9_000), currency="JPY")
    assert "JPY\u00a030,000" in found(facts)["FR01"].sentence


AMOUNTS = st.integers(1, 10**15)
MAYBE = st.none() | AMOUNTS
TIMES = st.none() | st.timedeltas(timedelta(), timedelta(days=5000)).map(lambda age: NOW - age)


@settings(max_examples=200)
@given(
    facts=st.builds(
        FactsFactory.build,
        amount=AMOUNTS,
        reference_amount=MAYBE,
        balance=st.none() | st.integers(0, 10**15),
        deposits=st.integers(0, 10**15),
        stakes=st.integers(0, 10**15),
        deposits_48h=st.integers(0, 10**15),
        stakes_48h=st.integers(0, 10**15),
        last_deposit=AMOUNTS,
        last_deposit_at=TIMES,
        previous_request_at=TIMES,
        usual_p95=AMOUNTS,
        usual_median=AMOUNTS,
        device_players=st.none() | st.integers(1, 10**6),
        house_values_7d=st.none() | st.lists(AMOUNTS, max_size=10),
    )
)
def test_any_facts_can_be_judged_and_fit_the_queue(facts: Facts) -> None:
    for hit in judge(facts):
        assert len(hit.short) <= 45
        assert len(hit.title) <= 100


@pytest.mark.parametrize(
    ("score", "level"),
    [(0, "low"), (29, "low"), (30, "medium"), (59, "medium"), (60, "high"), (100, "high")],
)
def test_bands(score: int, level: str) -> None:
    assert level_of(score) == Level(level)
