"""Players and verifications; a trait per standing, for a test whose day is ``TODAY``."""

from datetime import UTC, date, datetime, timedelta

import factory
from factory.django import DjangoModelFactory

from kyc.models import Player, Verification
from kyc.names import fold
from kyc.states import Kind, VerificationState

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class VerificationFactory(DjangoModelFactory):
    class Meta:
        model = Verification

    player = factory.SubFactory("tests.factories.kyc.PlayerFactory")
    kind = Kind.IDENTITY
    state = VerificationState.VERIFIED
    level = 2
    decided_at = NOW - timedelta(days=100)
    recorded_at = factory.SelfAttribute("decided_at")
    expires_on = TODAY + timedelta(days=900)
    vendor = "idcheck"
    vendor_reference = factory.Sequence(lambda n: f"chk_{n}")
    current = True

    class Params:
        expiring = factory.Trait(expires_on=TODAY + timedelta(days=6))
        expired = factory.Trait(expires_on=TODAY - timedelta(days=1))
        pending = factory.Trait(state=VerificationState.PENDING, expires_on=None)
        rejected = factory.Trait(state=VerificationState.REJECTED, expires_on=None)


def _identity(**fields: object) -> factory.RelatedFactory:
    return factory.RelatedFactory(VerificationFactory, factory_related_name="player", **fields)


class PlayerFactory(DjangoModelFactory):
    """A player who was never verified, unless a trait says so."""

    class Meta:
        model = Player
        skip_postgeneration_save = True

    external_id = factory.Sequence(lambda n: f"player-{n}")
    name = factory.Faker("name")
    folded_name = factory.LazyAttribute(lambda player: fold(player.name))
    email = factory.Sequence(lambda n: f"player{n}@example.org")
    phone = "+385911234567"
    birth_date = date(1992, 5, 3)
    country = "HR"
    city = "Zagreb"
    language = "hr"
    jurisdiction = "MT"
    registered_at = NOW - timedelta(days=400)

    class Params:
        verified = factory.Trait(identity=_identity())
        fully_verified = factory.Trait(identity=_identity(level=3))
        expiring = factory.Trait(identity=_identity(expiring=True))
        expired = factory.Trait(identity=_identity(expired=True))
        pending = factory.Trait(identity=_identity(pending=True))
        rejected = factory.Trait(identity=_identity(rejected=True))
        excluded = factory.Trait(self_excluded=True)
        is_suspended = factory.Trait(suspended=True)
