"""Who pays, why, and what waits when nobody may."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from backoffice.audit.actors import PAYOUTS
from backoffice.audit.queries import timeline_of
from providers import routing
from providers.contract import Limits
from providers.models import ProviderBalance, ProviderControl

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
IBAN = {"method": "iban", "currency": "EUR", "amount": 50_000, "now": NOW}
pytestmark = pytest.mark.django_db


def stop(code):
    return routing.pause(code, actor=PAYOUTS, reason="too many unknown outcomes", now=NOW)


def test_the_first_that_can_is_chosen():
    choice = routing.choose(**IBAN)
    assert (choice.provider, choice.wait_reason) == ("northgate", "")
    assert choice.why == ["Northgate Pay is the first that can"]


@pytest.mark.parametrize(
    ("wanted", "provider", "why"),
    [
        (
            IBAN | {"method": "wallet", "currency": "BTC", "amount": 100_000},
            "volta",
            "Northgate Pay does not pay by wallet",
        ),
        (IBAN | {"exclude": {"northgate": "declined it lately"}}, "volta", "Northgate Pay declined it lately"),
        (IBAN | {"allowed": ["volta"]}, "volta", "Northgate Pay was not among those approved"),
    ],
)
def test_the_next_one_pays_and_the_trace_says_why(wanted, provider, why):
    choice = routing.choose(**wanted)
    assert choice.provider == provider
    assert choice.why[0] == why


@pytest.mark.parametrize(
    "wanted",
    [
        IBAN | {"method": "cheque"},
        IBAN | {"currency": "XAU"},
        IBAN | {"amount": 99},
        IBAN | {"exclude": {"northgate": "declined it lately", "volta": "declined it lately"}},
        IBAN | {"allowed": []},
    ],
)
def test_without_a_route_it_waits_for_one(wanted):
    choice = routing.choose(**wanted)
    assert (choice.provider, choice.wait_reason) == (None, "no_route")
    assert len(choice.why) == 2


def test_a_paused_provider_is_passed_over():
    stop("northgate")
    choice = routing.choose(**IBAN)
    assert choice.provider == "volta"
    assert choice.why[0] == "Northgate Pay is paused: too many unknown outcomes"


def test_when_all_that_could_are_paused_it_waits_for_them():
    stop("northgate")
    choice = routing.choose(**IBAN | {"method": "card"})
    assert (choice.provider, choice.wait_reason) == (None, "paused")


def holds(code, available, *, currency="EUR", as_of=NOW):
    ProviderBalance.objects.create(provider=code, currency=currency, available=available, as_of=as_of)


def test_a_provider_that_holds_too_little_of_ours_is_passed_over():
    holds("northgate", 49_999)
    choice = routing.choose(**IBAN)
    assert choice.provider == "volta"
    assert choice.why[0] == "Northgate Pay has only €499.99 of ours"


def test_when_all_that_could_hold_too_little_it_waits_for_funds():
    holds("northgate", 49_999)
    holds("volta", 0)
    choice = routing.choose(**IBAN)
    assert (choice.provider, choice.wait_reason) == (None, "waiting_for_funds")


def test_a_pause_is_waited_for_before_funds():
    holds("northgate", 0)
    stop("volta")
    assert routing.choose(**IBAN).wait_reason == "paused"


@pytest.mark.parametrize(
    "balance",
    [
        {"available": 50_000},
        {"available": 0, "currency": "USD"},
        {"available": 0, "as_of": NOW - routing.BALANCE_LASTS},
        {"available": 0, "as_of": NOW + routing.BALANCE_LASTS},
    ],
    ids=["exactly enough", "another currency", "too old", "of a time to come"],
)
def test_a_balance_that_suffices_or_is_not_known_stops_nothing(balance):
    holds("northgate", **balance)
    assert routing.choose(**IBAN).provider == "northgate"


def test_the_global_stop_stops_everything():
    stop(routing.EVERYTHING)
    choice = routing.choose(**IBAN)
    assert (choice.provider, choice.wait_reason) == (None, "global_stop")


def test_pausing_and_resuming_are_audited_once_each(django_user_model):
    person = django_user_model.objects.create(email="ada@example.org", name="Ada Lovelace")
    assert routing.pause("volta", actor=person, reason="float is empty", now=NOW)
    assert not routing.pause("volta", actor=PAYOUTS, reason="again", now=NOW)
    assert routing.paused()["volta"].paused_by_name == "Ada Lovelace"
    assert routing.resume("volta", actor=person, reason="funded", now=NOW)
    assert not routing.resume("volta", actor=person, reason="funded", now=NOW)
    assert routing.paused() == {}
    entries = timeline_of("provider", "volta")
    assert [(entry.action, entry.reason, entry.actor_name) for entry in entries] == [
        ("resume_provider", "funded", "Ada Lovelace"),
        ("pause_provider", "float is empty", "Ada Lovelace"),
    ]


def test_a_pause_needs_a_reason_and_a_known_provider():
    with pytest.raises(ValueError):
        routing.pause("volta", actor=PAYOUTS, reason=" ", now=NOW)
    with pytest.raises(KeyError):
        routing.pause("nobody", actor=PAYOUTS, reason="why not", now=NOW)
    assert not ProviderControl.objects.exists()


def test_candidates_ignore_pauses_and_the_minimum_is_the_lowest():
    stop("northgate")
    wanted = {"method": "iban", "currency": "EUR", "amount": 50_000}
    assert routing.candidates(**wanted) == ["northgate", "volta"]
    assert routing.candidates(**wanted | {"amount": 200}) == ["northgate"]
    assert routing.limits(method="iban", currency="EUR") == Limits(100)
    assert routing.limits(method="wallet", currency="EUR") is None


def test_there_is_a_maximum_when_every_provider_has_one(monkeypatch):
    northgate, volta = routing.PROVIDERS
    capped = replace(northgate.capabilities, pays={"iban": {"EUR": Limits(200, 7_000_000)}})
    monkeypatch.setattr(routing, "PROVIDERS", (replace(northgate, capabilities=capped), volta))
    assert routing.limits(method="iban", currency="EUR") == Limits(200, 7_000_000)
    assert routing.limits(method="iban", currency="USD") == Limits(1_000, 5_000_000)
