from datetime import timedelta

import pytest

from backoffice.prepared import Prepared
from fraud import queries
from fraud.queries import MOST_ON_A_NETWORK, LinkedPlayer
from tests.factories.fraud import NOW, DepositFactory, LoginFactory

pytestmark = pytest.mark.django_db
PLAYER = 100000
SINCE = NOW - timedelta(days=90)
ASKED = Prepared(queries.links)


def links() -> list[LinkedPlayer]:
    return queries.by_links(ASKED.rows(player=PLAYER, since=SINCE))


def test_nobody_shares_anything() -> None:
    DepositFactory()
    LoginFactory()
    DepositFactory(player_id=2, instrument="card-b")
    LoginFactory(player_id=2, device="phone-b", ip="198.51.100.1")
    assert links() == []


def test_who_shares_more_comes_first(django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    DepositFactory()
    LoginFactory(device="phone-a")
    LoginFactory(player_id=2, device="phone-b")
    DepositFactory(player_id=3)
    DepositFactory(player_id=3)
    LoginFactory(player_id=3, device="phone-a", ip="198.51.100.1")
    LoginFactory(player_id=4, device="phone-a", ip="198.51.100.2")
    with django_assert_num_queries(1):
        assert links() == [
            LinkedPlayer(3, "payment method Visa •••• 4417, device"),
            LinkedPlayer(2, "network address"),
            LinkedPlayer(4, "device"),
        ]


def test_what_is_unknown_or_old_is_not_shared() -> None:
    DepositFactory(instrument="")
    DepositFactory(player_id=2, instrument="")
    LoginFactory(device="", ip="198.51.100.9")
    LoginFactory(player_id=2, device="")
    LoginFactory(device="phone-a", at=SINCE - timedelta(days=1))
    LoginFactory(player_id=3, device="phone-a")
    assert links() == []


def test_a_crowded_network_links_nobody() -> None:
    LoginFactory(device="phone-a")
    for other in range(1, MOST_ON_A_NETWORK):
        LoginFactory(player_id=other, device=f"other-{other}")
    assert len(links()) == MOST_ON_A_NETWORK - 1
    LoginFactory(player_id=99, device="other-99")
    assert links() == []
