"""What the platform tells us about players."""

from datetime import date, timedelta

import pytest

from backoffice.audit.actors import Machine
from backoffice.audit.queries import timeline_of
from kyc.exceptions import InvalidPlayer
from kyc.models import Player
from kyc.operations import create_or_update_player
from tests.factories.kyc import NOW

pytestmark = pytest.mark.django_db
PLATFORM = Machine("platform:demo")


def told(**fields: object) -> tuple[Player, bool]:
    fields = {"external_id": "u-1", "name": "Elena Marković", "email": "Elena@Example.org", **fields}
    return create_or_update_player(now=NOW, actor=PLATFORM, **fields)


def actions(player: Player) -> list[str]:
    return [entry.action for entry in timeline_of("player", player.ref)]


def test_a_new_player_gets_a_reference_and_an_audit_entry() -> None:
    player, created = told(country="hr", birth_date=date(1992, 5, 3))

    assert created
    assert player.ref == f"P-{player.pk}"
    assert player.pk >= 100000
    assert (player.name, player.email, player.country) == ("Elena Marković", "elena@example.org", "HR")
    assert player.registered_at == NOW
    assert actions(player) == ["register"]


def test_telling_the_same_again_changes_nothing() -> None:
    first, _ = told()
    again, created = told(name="Elena Markovic\u0301")

    assert (again.pk, created) == (first.pk, False)
    assert actions(first) == ["register"]


def test_a_change_is_recorded_without_personal_values() -> None:
    told(country="HR")
    player, _ = told(email="new@example.org", country="AT", self_excluded=True)

    player.refresh_from_db()
    assert (player.email, player.country, player.self_excluded) == ("new@example.org", "AT", True)
    entry = timeline_of("player", player.ref)[0]
    assert entry.action == "update"
    assert entry.data == {
        "changed": ["country", "email", "self_excluded"],
        "before": {"country": "HR", "self_excluded": False},
        "after": {"country": "AT", "self_excluded": True},
    }


def test_what_was_not_said_is_kept() -> None:
    told(phone="+385 91 123", self_excluded=True)
    player, _ = create_or_update_player(external_id="u-1", city="Split", now=NOW, actor=PLATFORM)

    player.refresh_from_db()
    assert (player.name, player.phone, player.self_excluded, player.city) == (
        "Elena Marković",
        "+385 91 123",
        True,
        "Split",
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "Elena\u202e"),
        ("name", "\ud800"),
        ("name", "x" * 201),
        ("external_id", ""),
        ("external_id", "u\x001"),
        ("email", "no at sign"),
        ("email", "two@at@signs"),
        ("phone", "+385\u200b91"),
        ("country", "HRV"),
        ("country", "H1"),
        ("birth_date", NOW.date() + timedelta(days=1)),
    ],
)
def test_bad_values_are_refused_with_field_and_sentence(field: str, value: object) -> None:
    with pytest.raises(InvalidPlayer) as refused:
        told(**{field: value})

    assert refused.value.field == field
    assert refused.value.sentence.endswith(".")
    assert not Player.objects.exists()


def test_a_new_player_needs_a_name() -> None:
    with pytest.raises(InvalidPlayer) as refused:
        create_or_update_player(external_id="u-9", now=NOW, actor=PLATFORM)
    assert refused.value.field == "name"
