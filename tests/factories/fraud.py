"""What players did. Every event is a day before ``NOW`` unless the test says when."""

from datetime import UTC, datetime, timedelta

import factory
from factory.django import DjangoModelFactory

from fraud.activity import Deposit, Login, Play
from fraud.facts import Facts, PayoutRequest

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class DepositFactory(DjangoModelFactory):
    class Meta:
        model = Deposit

    player_id = 100000
    event_id = factory.Sequence(lambda n: f"dep_{n}")
    at = NOW - timedelta(days=1)
    amount = 10_000
    currency = "EUR"
    instrument = "card-a"
    instrument_label = "Visa •••• 4417"


class PlayFactory(DjangoModelFactory):
    class Meta:
        model = Play

    player_id = 100000
    event_id = factory.Sequence(lambda n: f"play_{n}")
    at = NOW - timedelta(hours=23)
    kind = Play.Kind.STAKE
    amount = 10_000
    currency = "EUR"

    class Params:
        win = factory.Trait(kind=Play.Kind.WIN)
        bonus = factory.Trait(kind=Play.Kind.BONUS)


class LoginFactory(DjangoModelFactory):
    class Meta:
        model = Login

    player_id = 100000
    event_id = factory.Sequence(lambda n: f"login_{n}")
    at = NOW - timedelta(hours=1)
    device = "phone-a"
    ip = "203.0.113.7"
    network = factory.SelfAttribute("ip")
    country = "HR"
    city = "Zagreb"


class PayoutRequestFactory(factory.Factory):
    """A request of 100.00 EUR to a destination that has been known for a year."""

    class Meta:
        model = PayoutRequest

    amount = 10_000
    currency = "EUR"
    requested_at = NOW
    reference_amount = factory.SelfAttribute("amount")
    balance = 100_000
    earlier = ()


class FactsFactory(factory.Factory):
    """The facts of an unremarkable request: no indicator speaks."""

    class Meta:
        model = Facts

    currency = "EUR"
    house_currency = "EUR"
    requested_at = NOW
    amount = 10_000
    reference_amount = 10_000
    balance = 100_000
    since = NOW - timedelta(days=30)
    deposits = 50_000
    stakes = 120_000
    deposits_48h = 0
    stakes_48h = 0
    last_deposit = 20_000
    last_deposit_at = NOW - timedelta(days=5)
    requests_24h = 1
    requests_7d = 1
    previous_request_at = NOW - timedelta(days=30)
    house_values_7d = factory.List([10_000])
    thresholds = factory.List([200_000, 1_000_000])
    usual_count = 9
    usual_median = 9_000
    usual_p95 = 12_000
    device_players = 1
