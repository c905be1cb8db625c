"""The native dialect over real HTTP: idempotency, look-up, cancel, balance, and every magic amount."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest

from tests.sandbox_process import API_KEY, SandboxProcess


class Caller:
    def __init__(self, sandbox: SandboxProcess):
        headers = {"Authorization": f"Bearer {API_KEY}", "Merchant-Account": "northgate"}
        self.http = httpx.Client(base_url=sandbox.base_url, headers=headers, timeout=5, trust_env=False)

    def pay(self, amount: int = 1000, *, key: str = "key-1", reference: str = "WD-1", account: str = "DE02"):
        body = {"reference": reference, "amount": amount, "currency": "EUR", "method": "iban"}
        body |= {"destination": {"account": account, "holder_name": "Ada"}}
        return self.http.post("/v1/payouts", json=body, headers={"Idempotency-Key": key})

    def find(self, reference: str = "WD-1"):
        return self.http.get("/v1/payouts", params={"reference": reference}).json()["data"]


@pytest.fixture
def caller(sandbox_process):
    return Caller(sandbox_process)


def test_an_ordinary_payout_is_accepted_and_then_paid(sandbox_process, caller):
    accepted = caller.pay(1000)
    assert (accepted.status_code, accepted.json()["status"]) == (201, "pending")
    sandbox_process.wait_for("WD-1", "paid")
    shown = caller.http.get(accepted.headers["Location"]).json()
    assert (shown["status"], shown["amount"], shown["reference"]) == ("paid", 1000, "WD-1")
    told = sandbox_process.oracle("WD-1")
    assert (told["accepted"], told["paid_times"], told["net_out"]) == (1, 1, 1000)
    assert told["stmt"] == [
        {
            "provider": "northgate", "provider_ref": shown["id"], "idem_key": "key-1", "amount": 1000,
            "currency": "EUR", "status": "settled", "customer_ref": "WD-1",
        }
    ]  # fmt: skip


def test_the_same_key_and_body_get_the_same_answer_with_a_marker(sandbox_process, caller):
    first, again = caller.pay(), caller.pay()
    assert again.json() == first.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert sandbox_process.oracle("WD-1")["accepted"] == 1


def test_the_same_request_at_the_same_moment_is_accepted_once(sandbox_process, caller):
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(Caller(sandbox_process).pay) for _ in range(8)]
        statuses = {answer.result().status_code for answer in answers}
    assert statuses <= {201, 409}
    assert sandbox_process.oracle("WD-1")["accepted"] == 1


def test_the_same_key_with_another_body_is_refused_with_a_link(sandbox_process, caller):
    first, other = caller.pay(1000), caller.pay(2000)
    assert other.status_code == 409
    assert other.headers["Content-Type"] == "application/problem+json"
    assert other.json()["code"] == "idempotency_key_reused"
    assert other.headers["Location"].endswith(first.json()["id"])
    assert sandbox_process.oracle("WD-1")["accepted"] == 1


def test_one_key_belongs_to_one_merchant_account(sandbox_process, caller):
    caller.pay()
    caller.http.headers["Merchant-Account"] = "volta"
    assert "Idempotent-Replayed" not in caller.pay().headers
    assert len(caller.find()) == 1  # an account sees its own payouts only


def test_with_idempotency_off_the_same_request_pays_twice(sandbox_process, caller):
    sandbox_process.faults(idempotency_off=True)
    caller.pay(), caller.pay()
    told = sandbox_process.control("GET", "oracle")
    assert told["accepted_more_than_once"] == ["WD-1"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": 10.5}, "invalid_request"),
        ({"amount": 0}, "invalid_request"),
        ({"amount": "10"}, "invalid_request"),
        ({"currency": None}, "invalid_request"),
        ({"memo": "hello"}, "invalid_request"),
    ],
)
def test_a_malformed_request_is_refused_in_words(caller, change, code):
    body = {
        "reference": "WD-1",
        "amount": 10,
        "currency": "EUR",
        "method": "iban",
        "destination": {"account": "x"},
    }
    refused = caller.http.post("/v1/payouts", json=body | change, headers={"Idempotency-Key": "k"})
    assert (refused.status_code, refused.json()["code"]) == (400, code)


def test_without_a_key_or_with_a_wrong_api_key_nothing_happens(sandbox_process, caller):
    assert caller.http.post("/v1/payouts", json={}).json()["code"] == "idempotency_key_missing"
    caller.http.headers["Authorization"] = "Bearer wrong"
    assert caller.pay().status_code == 401
    assert sandbox_process.statement() == []


def test_cancel_works_until_it_is_too_late(sandbox_process, caller):
    held = caller.pay(1911).json()["id"]
    assert caller.http.post(f"/v1/payouts/{held}/cancel").status_code == 202
    assert caller.find()[0]["status"] == "cancelled"
    assert caller.http.post(f"/v1/payouts/{held}/cancel").status_code == 409
    assert sandbox_process.oracle("WD-1")["stmt"][0]["status"] == "cancelled"


def test_the_float_is_taken_at_acceptance_and_given_back_on_failure(sandbox_process, caller):
    sandbox_process.set_balance("northgate", "EUR", 5000)
    caller.pay(1911)
    assert caller.http.get("/v1/balance").json()["balances"] == [
        {"currency": "EUR", "available": 3089, "pending": 1911}
    ]
    assert caller.pay(4000, key="key-2").json()["code"] == "insufficient_float"
    sandbox_process.push("WD-1", "failed")
    assert caller.http.get("/v1/balance").json()["balances"][0] == {
        "currency": "EUR",
        "available": 5000,
        "pending": 0,
    }


@pytest.mark.parametrize(
    ("amount", "status", "ends_as", "money_out"),
    [
        (1901, 422, None, 0),
        (1902, 402, None, 0),
        (1903, None, "paid", 1903),
        (1904, None, None, 0),
        (1905, 500, "failed", 0),
        (1906, 503, None, 0),
        (1907, 429, None, 0),
        (1908, 201, "paid", 1908),
        (1909, 201, "paid", 1909),
        (1910, 201, "pending", 0),
        (1911, 201, "held", 0),
        (1912, 201, "returned", 0),
        (1913, 201, "failed", 0),
        (1914, 201, "paid", 1914),
        (1915, 201, "paid", 1915),
        (1916, 201, "paid", 1916),
        (1917, 201, "paid", 1917),
        (1918, 201, "in_orbit", 0),
        (1919, 201, "paid", 1919),
        (1920, 201, "paid", 1920),
        (1921, 409, "paid", 1921),
        (1922, 201, "paid", 1922),
    ],
)
def test_each_magic_amount_tells_its_story(sandbox_process, caller, amount, status, ends_as, money_out):
    try:
        answered = caller.pay(amount).status_code
    except httpx.RemoteProtocolError:
        answered = None
    assert answered == status
    if ends_as is None:
        assert sandbox_process.payouts("WD-1") == []
    else:
        sandbox_process.wait_for("WD-1", ends_as)
    assert sandbox_process.oracle("WD-1")["net_out"] == money_out


@pytest.mark.parametrize(("amount", "refusals"), [(1904, 1), (1906, 1), (1907, 2)])
def test_what_was_not_accepted_is_accepted_on_a_later_repeat(sandbox_process, caller, amount, refusals):
    for _ in range(refusals):
        with suppress(httpx.RemoteProtocolError):
            assert caller.pay(amount).status_code in (503, 429)
    assert caller.pay(amount).status_code == 201
    assert sandbox_process.oracle("WD-1")["accepted"] == 1


def test_a_new_key_for_the_same_reference_goes_on_with_the_story(caller):
    answers = [caller.pay(1907, key=f"key-{number}").status_code for number in range(3)]
    assert answers == [429, 429, 201]


def test_429_says_when_to_come_back(caller):
    assert caller.pay(1907).headers["Retry-After"] == "1"


def test_908_is_silent_before_it_accepts(sandbox_process, caller):
    started = time.monotonic()
    caller.pay(1908)
    assert time.monotonic() - started > 0.3  # 35 s at the time scale of tests
    assert caller.find()


def test_909_sends_half_a_body(caller):
    with pytest.raises(ValueError):
        caller.pay(1909).json()


def test_911_goes_on_when_it_is_pushed(sandbox_process, caller):
    caller.pay(1911)
    sandbox_process.push("WD-1")
    assert caller.find()[0]["status"] == "paid"


def test_912_and_913_take_the_money_out_and_back(sandbox_process, caller):
    for amount, reference, ends_as in ((1912, "WD-A", "returned"), (1913, "WD-B", "failed")):
        caller.pay(amount, key=reference, reference=reference)
        sandbox_process.wait_for(reference, ends_as)
        told = sandbox_process.oracle(reference)
        assert (told["money_out"], told["money_back"]) == (amount, amount)
        assert told["stmt"][0]["status"] == "returned"


def test_920_is_not_found_for_a_while(sandbox_process, caller):
    payout_id = caller.pay(1920).json()["id"]
    assert caller.http.get(f"/v1/payouts/{payout_id}").status_code == 404
    assert caller.find() == []
    sandbox_process.advance(1)
    assert len(caller.find()) == 1


def test_921_names_the_payout_that_exists(caller):
    duplicate = caller.pay(1921)
    assert duplicate.json()["payout"] == f"/v1/payouts/{caller.find()[0]['id']}"


def test_922_accepts_the_cancellation_and_pays(sandbox_process, caller):
    payout_id = caller.pay(1922).json()["id"]
    assert caller.http.post(f"/v1/payouts/{payout_id}/cancel").status_code == 202
    sandbox_process.wait_for("WD-1", "paid")


@pytest.mark.parametrize("account", ["DE89370400440532000901", "DE89 3704 0044 0532 0009 01", "story-901@example.org"])
def test_a_destination_can_tell_a_story_too(caller, account):
    assert caller.pay(1000, account=account).json()["code"] == "account_closed"
