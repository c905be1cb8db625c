"""docs/add-a-provider.md to the letter: its three pieces make a provider that the product pays by."""

import json
import re
import textwrap
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from providers import gateway, registry, routing
from providers.contract import Capabilities, Declined, Found, Limits, NotFound, OutcomeUnknown, PayoutStatus
from sandbox.dialects import native
from tests.providers.contract import instruction_for
from tests.sandbox_process import WEBHOOK_SECRET

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "add-a-provider.md"


def piece(name: str) -> str:
    """The code that the document wants in a file."""
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.S)
    return next(code for code in map(textwrap.dedent, blocks) if code.startswith(f"# {name}\n"))


class Tinpay(BaseHTTPRequestHandler):
    """The provider itself, as far as the document describes it."""

    payouts: dict[str, dict[str, Any]] = {}

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers["Idempotency-Key"]
        if body["cents"] == 66_600:
            return self._answer(422, {"error": "no"})
        made = {"id": f"tp_{len(self.payouts) + 1}", "key": key, "status": "new"}
        kept = self.payouts.setdefault(key, made | {name: body[name] for name in ("ref", "cents", "currency")})
        return self._answer(500 if body["cents"] == 50_000 and kept["status"] == "new" else 201, kept)

    def do_GET(self) -> None:
        found = self.payouts.get(self.path.rpartition("/")[2])
        self._answer(200 if found else 404, found or {})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def tinpay(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[type[Tinpay]]:
    """The document's three pieces, and Tinpay at the other end."""
    adapter = ModuleType("providers.adapters.tinpay")
    exec(piece("providers/adapters/tinpay.py"), adapter.__dict__)
    names = {"Capabilities": Capabilities, "Limits": Limits, "timedelta": timedelta, "Tinpay": adapter.Tinpay}
    registered = eval(piece("providers/registry.py"), names | {"Registered": registry.Registered})
    server = ThreadingHTTPServer(("127.0.0.1", 0), Tinpay)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    environment = {
        "TINPAY_URL": f"http://127.0.0.1:{server.server_address[1]}", "TINPAY_API_KEY": "key",
        "TINPAY_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }  # fmt: skip
    configured: dict[str, Any] = {}
    exec(piece("backoffice/settings.py"), {"PROVIDERS": configured, "os": SimpleNamespace(environ=environment)})
    settings.PROVIDERS = settings.PROVIDERS | configured
    monkeypatch.setitem(registry.BY_CODE, "tinpay", registered)
    monkeypatch.setattr(routing, "PROVIDERS", (registered,))
    Tinpay.payouts = {}
    yield Tinpay
    server.shutdown()
    server.server_close()


@pytest.mark.django_db(transaction=True)
def test_it_is_chosen_pays_is_asked_and_heard(tinpay, now) -> None:
    assert routing.choose(method="iban", currency="EUR", amount=10_000, now=now).provider == "tinpay"

    payout = instruction_for("tinpay", 10_000)
    assert gateway.probe("tinpay", payout, now=now) == NotFound()
    receipt = gateway.create_payout("tinpay", payout, now=now)
    assert (receipt.status, receipt.agrees_with(payout)) == (PayoutStatus.PENDING, True)
    assert gateway.create_payout("tinpay", payout, now=now).provider_reference == receipt.provider_reference

    tinpay.payouts[payout.key]["status"] = "done"
    assert gateway.get_status("tinpay", payout, now=now).status is PayoutStatus.PAID
    body = json.dumps(tinpay.payouts[payout.key]).encode()
    headers = native.sign(WEBHOOK_SECRET, "evt_1", int(now.timestamp()), body)
    reception = gateway.receive_webhook("tinpay", headers, body, now)
    assert (reception.http_status, reception.is_new) == (202, True)
    (event,) = gateway.read_events(reception.delivery)
    assert event.receipt.agrees_with(payout) and event.receipt.status is PayoutStatus.PAID
    assert gateway.receive_webhook("tinpay", headers, body + b" ", now).http_status == 401


@pytest.mark.django_db(transaction=True)
def test_what_goes_wrong_is_told_apart(tinpay, now) -> None:
    with pytest.raises(Declined):
        gateway.create_payout("tinpay", instruction_for("tinpay", 66_600), now=now)
    unclear = instruction_for("tinpay", 50_000)
    with pytest.raises(OutcomeUnknown):
        gateway.create_payout("tinpay", unclear, now=now)
    assert isinstance(gateway.probe("tinpay", unclear, now=now), Found)
    tinpay.payouts[unclear.key]["status"] = "melted"
    assert gateway.get_status("tinpay", unclear, now=now).status is PayoutStatus.UNKNOWN
