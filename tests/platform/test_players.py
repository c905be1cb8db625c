"""Players and their destinations, as the platform tells them."""

import pytest

from backoffice.audit.models import AuditEntry
from backoffice.audit.queries import timeline_of
from kyc.models import Player, Verification
from tests.platform.conftest import Signed, hours_ago, problem
from withdrawals.models import Destination

pytestmark = pytest.mark.django_db

PATH = "/api/v1/players/p-9"
IBAN = {"method": "iban", "account": "DE89 3704 0044 0532 0130 00", "holder_name": "Dana Kovač", "owned": True}


def test_a_player_is_told_and_changed(api: Signed) -> None:
    made = api("PUT", PATH, {"name": "Dana Kovač", "email": "Dana@Example.org", "birth_date": "1990-05-03"})
    changed = api("PUT", PATH, {"country": "HR", "self_excluded": True})

    player = Player.objects.get(external_id="p-9")
    assert (made.status_code, changed.status_code) == (201, 200)
    assert changed.json() == {
        "id": "p-9", "ref": player.ref, "name": "Dana Kovač", "country": "HR", "self_excluded": True,
    }  # fmt: skip
    assert made.json()["ref"] == player.ref
    assert (player.email, str(player.birth_date)) == ("dana@example.org", "1990-05-03")
    actors = AuditEntry.objects.filter(subject_id=player.ref).values_list("actor_machine", flat=True)
    assert set(actors) == {"platform:casino"}


def test_a_verification_comes_with_the_player_or_not_at_all(api: Signed) -> None:
    verification = {
        "state": "verified", "level": 2, "decided_at": hours_ago(5), "expires_on": "2099-01-01", "vendor": "idcheck",
        "vendor_reference": "chk-1",
    }  # fmt: skip
    assert api("PUT", PATH, {"name": "Dana", "verification": verification}).status_code == 201
    assert api("PUT", PATH, {"verification": verification}).status_code == 200
    assert Verification.objects.filter(player__external_id="p-9", state="verified").count() == 1

    ahead = {**verification, "decided_at": hours_ago(-2)}
    refused = api("PUT", "/api/v1/players/p-10", {"name": "Nobody", "verification": ahead})
    assert problem(refused) == (400, "invalid_verification", "verification.decided_at")
    assert not Player.objects.filter(external_id="p-10").exists()


def test_a_new_player_needs_a_name(api: Signed) -> None:
    assert problem(api("PUT", PATH, {"country": "HR"})) == (400, "invalid_player", "name")


def test_payout_details_and_their_proof_are_audited(api: Signed, player: Player) -> None:
    path = "/api/v1/players/p-1/destinations/bank"
    for owned in (False, True, True, False):
        assert api("PUT", path, {**IBAN, "owned": owned}).status_code == 200
    entries = timeline_of("player", player.ref).exclude(action__in=["register", "update"]).order_by("seq")
    assert [(entry.action, entry.data["id"]) for entry in entries if "id" in entry.data] == [
        ("add_destination", "bank"),
        ("own_destination", "bank"),
        ("disown_destination", "bank"),
    ]


def test_a_destination_is_kept_in_one_form_and_shown_masked(api: Signed, player: Player) -> None:
    path = "/api/v1/players/p-1/destinations/bank"
    first = api("PUT", path, {**IBAN, "owned": False})
    again = api("PUT", path, IBAN)

    assert (first.status_code, again.status_code) == (200, 200)
    shown = again.json()
    assert shown.pop("first_seen_at") == first.json()["first_seen_at"]
    assert shown == {
        "id": "bank", "method": "iban", "label": "IBAN •••• 3000", "holder_name": "Dana Kovač", "country": "DE",
        "owned": True,
    }  # fmt: skip
    assert Destination.objects.get().account == "DE89370400440532013000"


def test_other_payout_details_need_another_id(api: Signed, player: Player) -> None:
    path = "/api/v1/players/p-1/destinations/bank"
    api("PUT", path, IBAN)
    for changed in ({"account": "FR1420041010050500013M02606"}, {"holder_name": "Somebody Else"}):
        assert problem(api("PUT", path, {**IBAN, **changed})) == (409, "destination_changed", "id")


@pytest.mark.parametrize(
    ("method", "account", "code"),
    [
        ("iban", "DE88370400440532013000", "invalid_iban"),
        ("card", "4111111111111111", "invalid_card_token"),
        ("paypal", "nobody at home", "invalid_paypal"),
        ("wallet", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "invalid_wallet"),
    ],
)
def test_an_account_that_is_none_is_refused_and_not_repeated(
    api: Signed, player: Player, method: str, account: str, code: str
) -> None:
    refused = api("PUT", "/api/v1/players/p-1/destinations/x", {**IBAN, "method": method, "account": account})
    assert problem(refused) == (400, code, "account")
    assert account not in refused.content.decode()


def test_a_player_without_money_has_no_balances(api: Signed) -> None:
    api("PUT", PATH, {"name": "Dana"})
    assert api("GET", f"{PATH}/balance").json() == {"player_id": "p-9", "balances": []}
