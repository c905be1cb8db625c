import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kyc.queries import MOST_FOUND, look_up
from tests.factories.kyc import PlayerFactory

pytestmark = pytest.mark.django_db


def found(term: str) -> list[str]:
    return [player.name for player in look_up(term)]


@pytest.fixture(autouse=True)
def players() -> None:
    PlayerFactory(name="Elena Marković", email="elena@example.org", external_id="u-77")
    PlayerFactory(name="Elena Markoff", email="elena.m@example.org", external_id="u-778")
    PlayerFactory(name="Ivan O'Brien", email="ivan@example.org", external_id="Elena")


def test_an_e_mail_must_match_exactly() -> None:
    assert found("Elena@Example.org ") == ["Elena Marković"]
    assert found("elena@example") == []
    assert found("@example.org") == []


def test_a_reference_in_any_case() -> None:
    player = PlayerFactory(name="Zoe Last")
    assert player.ref.startswith("P-")
    assert found(player.ref.lower()) == ["Zoe Last"]
    assert found("P-999999999") == []


def test_an_external_id_exactly_and_before_names() -> None:
    assert found("u-77") == ["Elena Marković"]
    assert found("Elena") == ["Ivan O'Brien"]


def test_names_by_the_beginnings_of_their_words() -> None:
    assert found("elen mark") == ["Elena Markoff", "Elena Marković"]
    assert found("MARKOVIC") == ["Elena Marković"]
    assert found("marković elena") == ["Elena Marković"]
    assert found("brien") == ["Ivan O'Brien"]
    assert found("lena") == []


@pytest.mark.parametrize("term", ["", " ", "e", "'", "& | !", ":*", "%", "\x00", "\u202eelena", "\\", "🎰"])
def test_nothing_for_nothing(term: str) -> None:
    assert found(term) == []


def test_names_are_found_through_the_index() -> None:
    with connection.cursor() as cursor, CaptureQueriesContext(connection) as queries:
        cursor.execute("SET LOCAL enable_seqscan = off")
        found("mark elen")
        cursor.execute(f"EXPLAIN {queries[-1]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "player_by_name_words" in plan


def test_at_most_twenty() -> None:
    PlayerFactory.create_batch(MOST_FOUND + 5, name="Anna Same")
    assert len(found("anna")) == MOST_FOUND
