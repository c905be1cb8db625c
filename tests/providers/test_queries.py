"""The figures of the provider board."""

from datetime import UTC, datetime, timedelta

import pytest

from backoffice.audit.actors import PAYOUTS
from providers import queries, routing
from providers.models import ProviderCall, WebhookDelivery

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def call(outcome, *, minutes_ago=1, verb="create", latency_ms=100, provider="northgate"):
    at = NOW - timedelta(minutes=minutes_ago)
    ProviderCall.objects.create(provider=provider, verb=verb, outcome=outcome, latency_ms=latency_ms, at=at)


def northgate():
    return next(line for line in queries.board(NOW) if line.code == "northgate")


def test_every_provider_is_on_the_board_in_routing_order():
    assert [(line.code, line.label) for line in queries.board(NOW)] == [
        ("northgate", "Northgate Pay"),
        ("volta", "Volta"),
    ]
    line = northgate()
    assert (line.success_24h.percent, line.median_ms, line.last_webhook_at, line.is_paused) == (
        None, None, None, False,
    )  # fmt: skip


def test_success_counts_creates_that_reached_the_provider():
    call("answered"), call("duplicate"), call("declined"), call("unknown")
    call("not_sent"), call("answered", verb="probe"), call("answered", provider="volta")
    call("answered", minutes_ago=60), call("answered", minutes_ago=25 * 60)
    line = northgate()
    assert (line.success_15m.good, line.success_15m.total) == (2, 4)
    assert (line.success_24h.good, line.success_24h.total) == (3, 5)
    assert line.success_15m.percent == 50


def test_latency_is_of_creates():
    for latency in (*[100] * 10, 300, 900):
        call("answered", latency_ms=latency)
    call("answered", verb="probe", latency_ms=9000)
    assert northgate().median_ms == 100
    assert 300 < northgate().p95_ms < 900


def test_webhooks_and_pauses_show():
    for verified, hours_ago in ((True, 30), (False, 1), (False, 30)):
        at = NOW - timedelta(hours=hours_ago)
        WebhookDelivery.objects.create(
            provider="northgate", event_id=f"{verified}{hours_ago}", received_at=at, apply_after=at,
            headers={},
            body=b"", verified=verified, http_status=200,
        )  # fmt: skip
    routing.pause("northgate", actor=PAYOUTS, reason="wrong key", now=NOW)
    routing.pause("*", actor=PAYOUTS, reason="drill", now=NOW)
    line = northgate()
    assert line.last_webhook_at == NOW - timedelta(hours=30)
    assert (line.control.reason, line.control.paused_by_name) == ("wrong key", "payouts")
    assert queries.global_stop().reason == "drill"


def test_everybody_calls_the_same_provider_failing():
    for number in range(200):  # 89.5 of a hundred, which rounds to ninety
        call("answered" if number < 179 else "declined")
    call("unknown", minutes_ago=-5, provider="volta"), [call("answered", provider="volta") for _ in range(5)]
    assert queries.state_of(northgate()).value == "failing" and northgate().success_15m.percent == 90
    assert [row["provider"] for row in queries.failing_creates(NOW, since=NOW - queries.SHORT)] == ["northgate"]
    assert {code: one.word for code, one in queries.troubles(NOW).items()} == {"northgate": "failing"}


def test_slow_is_what_the_board_calls_slow():
    for latency in (100, 5000, 5200):
        call("answered", latency_ms=latency)
    call("answered", latency_ms=9000, minutes_ago=20, provider="volta")
    assert queries.state_of(northgate()).value == "slow"
    found = queries.troubles(NOW)
    assert list(found) == ["northgate"] and found["northgate"].is_slow
    assert found["northgate"].sentence.endswith("half of its answers in the last 15 minutes took 5 s or more.")
    assert queries.poor_creates(NOW, since=NOW - queries.SHORT).count() == 2
    routing.pause("northgate", actor=PAYOUTS, reason="Their advice", now=NOW)
    assert queries.troubles(NOW)["northgate"].word == "paused" and queries.troubles(NOW)["northgate"].since == NOW


def test_trouble_lasts_since_the_quarter_in_which_it_began():
    call("answered", minutes_ago=200, latency_ms=9000), call("answered", minutes_ago=150)
    for minutes_ago in (52, 40, 20, 3):
        call("answered", minutes_ago=minutes_ago, latency_ms=4000)
    call("answered", minutes_ago=90, provider="volta", latency_ms=4000)
    at = NOW.replace(hour=9, minute=58)
    assert queries.ill_since(at) == {"northgate": NOW.replace(hour=9, minute=0)}


def test_the_next_trouble_is_of_the_first_that_is_not_paused():
    found = {"volta": queries.Trouble("slow", "Volta is slow."), "northgate": queries.Trouble("paused", "…")}
    assert queries.next_trouble(["northgate", "volta"], found) is found["volta"]
    assert queries.next_trouble(["northgate"], found) is found["northgate"]
    assert queries.next_trouble(["other", "volta"], found) is None and queries.next_trouble([], found) is None
