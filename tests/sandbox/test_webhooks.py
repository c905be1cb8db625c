"""What the sandbox sends: signatures, retries, disorder, and that a restart forgets nothing."""

import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.sandbox.test_native import Caller
from tests.sandbox_process import WEBHOOK_SECRET, start_sandbox


class Receiver:
    """A web server that keeps what it is sent and answers as told."""

    def __init__(self):
        self.status, self.got = 200, []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((time.monotonic(), self.path, dict(self.headers.items()), body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhooks/{{account}}/"

    def statuses(self):
        return [json.loads(body)["data"]["status"] for _, _, _, body in self.got]


def signature_holds(headers, body):
    headers = {name.lower(): value for name, value in headers.items()}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(WEBHOOK_SECRET.removeprefix("whsec_"))
    good = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return headers["webhook-signature"] == f"v1,{good}"


@pytest.fixture
def receiver(sandbox_process):
    listening = Receiver()
    sandbox_process.send_webhooks_to(listening.url)
    yield listening
    listening.server.shutdown()


def test_a_webhook_goes_to_its_account_with_a_good_signature(sandbox_process, receiver):
    Caller(sandbox_process).pay()
    sandbox_process.wait_until(lambda: receiver.got)
    _, path, headers, body = receiver.got[0]
    assert path == "/webhooks/northgate/"
    assert signature_holds(headers, body)
    assert json.loads(body)["type"] == "payout.paid"


def test_it_is_sent_again_with_growing_gaps_until_it_is_taken(sandbox_process, receiver):
    receiver.status = 500
    Caller(sandbox_process).pay()
    sandbox_process.wait_until(lambda: len(receiver.got) >= 3)
    receiver.status = 200
    sandbox_process.wait_until(lambda: sandbox_process.webhooks("WD-1")[0]["done_at"])
    ids = {headers["webhook-id"] for _, _, headers, _ in receiver.got}
    assert len(ids) == 1
    count = len(receiver.got)
    time.sleep(0.3)
    assert len(receiver.got) == count


def test_914_arrives_reversed_and_doubled(sandbox_process, receiver):
    Caller(sandbox_process).pay(1914)
    sandbox_process.wait_until(lambda: len(receiver.got) == 4)
    assert receiver.statuses() == ["paid", "paid", "sent", "sent"]


def test_915_sends_nothing(sandbox_process, receiver):
    Caller(sandbox_process).pay(1915)
    sandbox_process.wait_for("WD-1", "paid")
    assert sandbox_process.webhooks("WD-1") == []


def test_916_arrives_before_the_reply(sandbox_process, receiver):
    Caller(sandbox_process).pay(1916)
    replied = time.monotonic()
    assert receiver.statuses() == ["paid"]
    assert receiver.got[0][0] < replied


def test_917_is_badly_signed_once_and_then_good(sandbox_process, receiver):
    receiver.status = 401
    Caller(sandbox_process).pay(1917)
    sandbox_process.wait_until(lambda: receiver.got)
    receiver.status = 200
    sandbox_process.wait_until(lambda: len(receiver.got) == 2)
    assert [signature_holds(headers, body) for _, _, headers, body in receiver.got] == [False, True]


def test_919_names_another_amount(sandbox_process, receiver):
    Caller(sandbox_process).pay(1919)
    sandbox_process.wait_until(lambda: receiver.got)
    assert json.loads(receiver.got[0][3])["data"]["amount"] == 1920


def test_switches_double_lose_and_delay(sandbox_process):
    caller = Caller(sandbox_process)
    sandbox_process.faults(webhook_copies=3)
    caller.pay(key="a", reference="WD-A")
    sandbox_process.wait_for("WD-A", "paid")
    assert len(sandbox_process.webhooks("WD-A")) == 3
    sandbox_process.faults(webhook_lost=1)
    caller.pay(key="b", reference="WD-B")
    sandbox_process.wait_for("WD-B", "paid")
    assert sandbox_process.webhooks("WD-B") == []


@pytest.mark.parametrize(
    ("kind", "holds", "differs"),
    [
        ("bad_signature", False, None),
        ("other_key", False, None),
        ("reserialised", False, None),
        ("stale", True, None),
        ("amount", True, "amount"),
        ("currency", True, "currency"),
        ("reference", True, "reference"),
    ],
)
def test_forgeries_lie_in_one_thing_only(sandbox_process, kind, holds, differs):
    Caller(sandbox_process).pay(1910)
    sandbox_process.act("WD-1", "forge", kind=kind)
    (forged,) = sandbox_process.webhooks("WD-1")
    assert signature_holds(forged["headers"], forged["body"].encode()) is holds
    age = time.time() - int(forged["headers"]["webhook-timestamp"])
    assert (age > 300) is (kind == "stale")
    shown, payout = json.loads(forged["body"])["data"], sandbox_process.payouts("WD-1")[0]
    different = [name for name in ("amount", "currency", "reference") if shown[name] != payout[name]]
    assert different == ([differs] if differs else [])


def test_the_same_event_can_be_sent_again(sandbox_process):
    Caller(sandbox_process).pay(1912)
    sandbox_process.wait_for("WD-1", "returned")
    sandbox_process.act("WD-1", "resend-oldest")
    sandbox_process.act("WD-1", "duplicate-webhook", age=400)
    paid, returned, oldest, newest = sandbox_process.webhooks("WD-1")
    assert (oldest["event_id"], newest["event_id"]) == (paid["event_id"], returned["event_id"])
    assert time.time() - int(newest["headers"]["webhook-timestamp"]) > 390


def test_a_killed_provider_comes_back_with_its_money_and_its_webhooks(tmp_path):
    first = start_sandbox(tmp_path)
    Caller(first).pay(1000)
    Caller(first).pay(1903 + 7, key="key-2", reference="WD-2")
    first.stop(kill=True)
    second = start_sandbox(tmp_path)
    try:
        second.wait_for("WD-1", "paid")
        assert second.oracle("WD-2")["accepted"] == 1
        receiver = Receiver()
        second.send_webhooks_to(receiver.url)
        second.wait_until(lambda: receiver.got)
        assert Caller(second).pay(1000).headers["Idempotent-Replayed"] == "true"
    finally:
        second.stop()
