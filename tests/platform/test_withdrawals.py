"""Asking for withdrawals over HTTP: once per key, visible to the one who asked, cancelled while it can be."""

import threading
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from django.db import connection

from backoffice.accounts.models import User
from kyc.models import Player
from ledger.models import AccountKind, Entry
from ledger.queries import balance_of
from providers import routing
from providers.contract import Limits
from tests.factories.withdrawals import fund, pass_checks
from tests.platform.conftest import Signed, hours_ago, problem
from withdrawals.models import Withdrawal
from withdrawals.states import Move

pytestmark = pytest.mark.django_db


def test_a_request_is_answered_and_its_money_held(api: Signed, player: Player, destination: str) -> None:
    response = api.withdraw("p-1")

    body = response.json()
    assert response.status_code == 201
    assert datetime.fromisoformat(body.pop("requested_at"))
    assert body.pop("ref").startswith("WD-")
    assert body == {
        "player_id": "p-1",
        "status": "requested",
        "status_text": "We have your request.",
        "version": 0,
        "amount": "25.00",
        "fee": "0.00",
        "currency": "EUR",
        "method": "iban",
        "destination_id": "bank",
        "destination": "IBAN •••• 3000",
        "closed_at": None,
    }
    balance = api("GET", "/api/v1/players/p-1/balance").json()
    assert balance == {
        "player_id": "p-1",
        "balances": [{"currency": "EUR", "withdrawable": "75.00", "bonus": "0.00", "held": "25.00"}],
    }


def test_the_same_again_answers_the_same(api: Signed, player: Player, destination: str) -> None:
    first = api.withdraw("p-1")
    reordered = b'{"currency":"EUR", "amount":"25.00","destination_id":"bank","player_id":"p-1"}'
    again = api("POST", "/api/v1/withdrawals", reordered, Idempotency_Key="key-1")

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert Withdrawal.objects.count() == 1


@pytest.mark.parametrize(
    "changed",
    [{"amount": "25.01"}, {"amount": "25"}, {"currency": "USD"}, {"destination_id": "other"}, {"player_id": "p-2"}],
)
def test_the_same_key_for_something_else_is_refused(
    api: Signed, player: Player, destination: str, changed: dict[str, str]
) -> None:
    from tests.factories.kyc import PlayerFactory

    PlayerFactory(external_id="p-2")
    api.withdraw("p-1")

    assert problem(api.withdraw("p-1", **changed)) == (409, "key_reused", "Idempotency-Key")
    assert Withdrawal.objects.count() == 1


def test_an_amount_whose_house_value_is_beyond_64_bits_is_refused(
    api: Signed, player: Player, destination: str
) -> None:
    refused = api.withdraw("p-1", amount="92233720368547758.00", currency="GBP")
    assert problem(refused) == (400, "invalid_amount", "amount")
    assert not Withdrawal.objects.exists()


def test_money_that_the_ledger_cannot_add_up_is_refused(api: Signed, player: Player, destination: str) -> None:
    for n, status in enumerate((201, 400)):
        win = {"kind": "win", "amount": "92233720368547000.00", "currency": "EUR", "occurred_at": hours_ago(1)}
        assert api("POST", "/api/v1/players/p-1/plays", {**win, "id": f"w{n}"}).status_code == 200
        assert api.withdraw("p-1", amount="92233720368547000.00", key=f"k{n}").status_code == status
    assert problem(api.withdraw("p-1", amount="92233720368547000.00", key="k1")) == (400, "invalid_amount", "amount")
    assert Withdrawal.objects.count() == 1
    assert balance_of(AccountKind.PLAYER_HELD, str(player.pk), "EUR") == 9_223_372_036_854_700_000


def test_keys_belong_to_their_client(api: Signed, other_api: Signed, player: Player, destination: str) -> None:
    assert api.withdraw("p-1").status_code == 201
    assert other_api.withdraw("p-1").status_code == 201
    assert Withdrawal.objects.count() == 2


@pytest.mark.parametrize("key", ["", "k" * 256, "schlüssel", "k\x7f", "k\tk"])
def test_a_key_is_printable_ascii(api: Signed, player: Player, destination: str, key: str) -> None:
    refused = api.withdraw("p-1", key=key)
    assert problem(refused) == (400, "invalid_request", "Idempotency-Key")
    assert refused.json()["detail"] == "Idempotency-Key: Send 1 to 255 printable ASCII characters."


def test_a_key_is_required(api: Signed, player: Player, destination: str) -> None:
    body = {"player_id": "p-1", "destination_id": "bank", "amount": "1.00", "currency": "EUR"}
    assert problem(api("POST", "/api/v1/withdrawals", body)) == (400, "invalid_request", "Idempotency-Key")


def test_a_key_may_have_255_characters(api: Signed, player: Player, destination: str) -> None:
    assert api.withdraw("p-1", key="~" * 255).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_make_one_withdrawal(api: Signed, player: Player, destination: str) -> None:
    answers = _at_once(20, lambda _n: api.withdraw("p-1", "100.00"))

    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.json()["ref"] for answer in answers}) == 1
    assert Entry.objects.filter(kind="reserve").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_requests_for_the_same_money_one_is_refused(api: Signed, player: Player, destination: str) -> None:
    answers = _at_once(2, lambda n: api.withdraw("p-1", "60.00", key=f"key-{n}"))

    assert sorted(answer.status_code for answer in answers) == [201, 422]
    assert balance_of("player_cash", str(player.pk), "EUR") == 4_000


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"player_id": "nobody"}, (422, "unknown_player", "player_id")),
        ({"destination_id": "nowhere"}, (422, "unknown_destination", "destination_id")),
        ({"amount": "100.01"}, (422, "insufficient_funds", "amount")),
        ({"amount": "0.01"}, (422, "below_minimum", "amount")),
        ({"amount": "0.00"}, (400, "invalid_amount", "amount")),
        ({"amount": "1.005"}, (400, "invalid_amount", "amount")),
        ({"amount": "100.5", "currency": "JPY"}, (400, "invalid_amount", "amount")),
        ({"currency": "HRK"}, (400, "invalid_currency", "currency")),
        ({"currency": "BTC"}, (422, "unsupported_currency", "currency")),
    ],
)
def test_what_cannot_be_paid_is_refused_and_nothing_is_held(
    api: Signed, player: Player, destination: str, fields: dict[str, str], expected: tuple[int, str, str]
) -> None:
    assert problem(api.withdraw("p-1", **fields)) == expected
    assert Withdrawal.objects.count() == 0
    assert balance_of("player_held", str(player.pk), "EUR") == 0


def test_more_than_any_provider_pays_at_once_is_refused(
    api: Signed, player: Player, destination: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    capped = [
        replace(one, capabilities=replace(one.capabilities, pays={"iban": {"EUR": Limits(100, maximum)}}))
        for one, maximum in zip(routing.PROVIDERS, (8_000, 5_000), strict=True)
    ]
    monkeypatch.setattr(routing, "PROVIDERS", tuple(capped))
    refused = api.withdraw("p-1", "80.01")
    assert problem(refused) == (422, "above_maximum", "amount")
    assert refused.json()["detail"] == "The largest withdrawal is €80.00 for this method; ask for it in parts."
    assert balance_of("player_held", str(player.pk), "EUR") == 0
    assert api.withdraw("p-1", "80.00").status_code == 201


def test_bonus_money_is_not_withdrawable(api: Signed, player: Player, destination: str) -> None:
    from tests.platform.conftest import hours_ago

    bonus = {"id": "b-1", "kind": "bonus", "amount": "500.00", "currency": "EUR", "occurred_at": hours_ago(1)}
    assert api("POST", "/api/v1/players/p-1/plays", bonus).status_code == 200

    assert problem(api.withdraw("p-1", "100.01")) == (422, "insufficient_funds", "amount")
    assert api("GET", "/api/v1/players/p-1/balance").json()["balances"] == [
        {"currency": "EUR", "withdrawable": "100.00", "bonus": "500.00", "held": "0.00"}
    ]


def test_a_wallet_is_paid_in_its_own_currencies(api: Signed, player: Player) -> None:
    body = {"method": "wallet", "account": "BTC:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "holder_name": "P"}
    assert api("PUT", "/api/v1/players/p-1/destinations/bank", body).status_code == 200
    fund(player, 50_000_000, "USDT")

    answer = api.withdraw("p-1", "20.00", currency="USDT")
    assert problem(answer) == (422, "unsupported_currency", "currency")


def test_cancelling_gives_the_money_back_once(api: Signed, player: Player, destination: str) -> None:
    ref = api.withdraw("p-1").json()["ref"]

    first, again = (api("POST", f"/api/v1/withdrawals/{ref}/cancel") for _ in range(2))

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert first.json()["status"] == "cancelled"
    assert first.json()["status_text"] == "Cancelled as you asked. The money is back in your balance."
    assert balance_of("player_cash", str(player.pk), "EUR") == 10_000


@pytest.mark.parametrize("jurisdiction", ["GB", "gb"])
def test_nothing_is_taken_back_where_the_law_forbids_it(
    api: Signed, player: Player, destination: str, jurisdiction: str
) -> None:
    assert api("PUT", "/api/v1/players/p-1", {"jurisdiction": jurisdiction}).status_code == 200
    ref = api.withdraw("p-1").json()["ref"]
    refused = api("POST", f"/api/v1/withdrawals/{ref}/cancel")
    assert problem(refused) == (409, "cancel_not_allowed", "")
    assert refused.json()["detail"] == "In this player’s jurisdiction a withdrawal may not be reversed; it goes on."
    assert api("GET", f"/api/v1/withdrawals/{ref}").json()["status"] == "requested"
    assert balance_of("player_held", str(player.pk), "EUR") == 2_500


@pytest.mark.parametrize("kind", ["legal", "with provider"])
def test_what_cannot_be_cancelled_says_nothing_more(
    api: Signed, player: Player, destination: str, compliance: User, kind: str, now: datetime
) -> None:
    from backoffice.audit.actors import PAYOUTS, SCREENING

    withdrawal = Withdrawal.objects.get(ref=api.withdraw("p-1").json()["ref"])
    if kind == "legal":
        Withdrawal.advance(withdrawal.pk, Move.REFER, actor=SCREENING, now=now)
        Withdrawal.advance(withdrawal.pk, Move.HOLD, actor=compliance, now=now, reason="legal", kind="legal")
    else:
        Withdrawal.objects.filter(pk=withdrawal.pk).update(required_approvals=0)
        pass_checks(withdrawal)
        Withdrawal.advance(withdrawal.pk, Move.CLEAR, actor=SCREENING, now=now)
        Withdrawal.advance(withdrawal.pk, Move.START_PAYOUT, actor=PAYOUTS, now=now, provider="volta", trace=[])

    refused = api("POST", f"/api/v1/withdrawals/{withdrawal.ref}/cancel")

    assert problem(refused) == (409, "too_late", "")
    assert refused.json()["detail"] == "This withdrawal can no longer be cancelled."
    seen = api("GET", f"/api/v1/withdrawals/{withdrawal.ref}").json()
    looking = "We are looking at your request; you hear from us by "
    expected = ("under_review", looking) if kind == "legal" else ("processing", "Being paid.")
    assert (seen["status"], seen["status_text"][: len(expected[1])]) == expected


def test_a_reference_may_be_typed(api: Signed, player: Player, destination: str) -> None:
    ref = api.withdraw("p-1").json()["ref"]
    assert api("GET", f"/api/v1/withdrawals/{ref.lower().replace('-', '')}").json()["ref"] == ref


@pytest.mark.parametrize(
    "ref", ["WD-0000-0001", "1", "-1", "%00", "%F0%9F%92%A9", "x" * 500, str(2**64), "9" * 5_000, "..", "WD-7Q4K-M2X9'"]
)
def test_no_other_reference_is_found(api: Signed, ref: str) -> None:
    assert problem(api("GET", f"/api/v1/withdrawals/{ref}"))[:2] == (404, "not_found")


def test_a_client_sees_its_own_only(api: Signed, other_api: Signed, player: Player, destination: str) -> None:
    ref = api.withdraw("p-1").json()["ref"]
    told = api("GET", f"/api/v1/notifications?ref={ref}").json()["notifications"][0]["id"]
    foreign = [
        ("GET", f"/api/v1/withdrawals/{ref}"),
        ("POST", f"/api/v1/withdrawals/{ref}/cancel"),
        ("GET", f"/api/v1/notifications?ref={ref}"),
        ("POST", f"/api/v1/notifications/{told}/resend"),
    ]

    for method, path in foreign:
        assert problem(other_api(method, path)) == (404, "not_found", ""), path
        assert api(method, path).status_code == 200, path
    assert other_api("GET", "/api/v1/players/p-1/withdrawals").json() == {"withdrawals": [], "next": None}
    before = other_api("GET", f"/api/v1/players/p-1/withdrawals?before={ref}")
    assert problem(before) == (400, "invalid_request", "before")


def test_a_list_is_read_page_by_page(api: Signed, player: Player, destination: str) -> None:
    refs = [api.withdraw("p-1", "10.00", key=f"key-{n}").json()["ref"] for n in range(5)]

    seen: list[str] = []
    path = "/api/v1/players/p-1/withdrawals?limit=2"
    pages = 0
    while True:
        page = api("GET", path).json()
        seen += [row["ref"] for row in page["withdrawals"]]
        pages += 1
        if page["next"] is None:
            break
        path = f"/api/v1/players/p-1/withdrawals?limit=2&before={page['next']}"

    assert (seen, pages) == (refs[::-1], 3)


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=x", f"limit={2**64}", f"limit={'9' * 5_000}", "before=WD-0000-0000", "before=%00"],
)
def test_a_page_that_does_not_exist_is_refused(api: Signed, player: Player, query: str) -> None:
    status, code, field = problem(api("GET", f"/api/v1/players/p-1/withdrawals?{query}"))
    assert (status, code, field) == (400, "invalid_request", query.partition("=")[0])


def _at_once(number: int, act: Any) -> list[Any]:
    """Do it in threads that start together; each closes its connection."""
    barrier, answers = threading.Barrier(number), [None] * number

    def run(n: int) -> None:
        try:
            barrier.wait()
            answers[n] = act(n)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
