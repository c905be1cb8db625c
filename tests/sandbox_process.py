"""The sandbox provider as a real process on a free port, and its control plane as Python.

Import the `sandbox_process` fixture in a conftest; each test gets an empty provider.
"""

import base64
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parent.parent
API_KEY = "sandbox-test-key"
WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"tests share this secret").decode()
DELAY, TIME_SCALE = 0.1, 0.01


@dataclass
class SandboxProcess:
    """A running provider. Webhooks wait in it (`webhooks()`) unless `send_webhooks_to()` says otherwise."""

    base_url: str
    control_url: str
    process: "subprocess.Popen[str]"
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=10, trust_env=False))

    def control(self, method: str, path: str, said: dict[str, Any] | None = None, **query: str) -> Any:
        """One call to the control plane; raises for an answer of 400 and more."""
        answer = self.http.request(method, f"{self.control_url}/_control/{path}", json=said, params=query)
        answer.raise_for_status()
        return answer.json()

    def reset(self) -> None:
        self.control("POST", "reset")

    def faults(self, **switches: Any) -> dict[str, Any]:
        """Change live switches (sandbox/switches.py); the others stay as they are."""
        return self.control("POST", "faults", switches)

    def oracle(self, reference: str) -> dict[str, Any]:
        """What really happened: accepted, paid_times, money_out, money_back, net_out and the stmt lines."""
        told = self.control("GET", "oracle", reference=reference)
        zero = {"accepted": 0, "paid_times": 0, "money_out": 0, "money_back": 0, "net_out": 0}
        return {**(told["references"] or [zero])[0], "stmt": told["stmt"]}

    def statement(self) -> list[dict[str, Any]]:
        return self.control("GET", "oracle")["stmt"]

    def payouts(self, reference: str) -> list[dict[str, Any]]:
        return self.control("GET", "payouts", reference=reference)["payouts"]

    def push(self, reference: str, status: str = "", reason: str = "") -> None:
        """Take the reference's payout to its next state, or to `status`."""
        payout_id = self.payouts(reference)[0]["id"]
        self.control("POST", f"payouts/{payout_id}/push", {"status": status, "reason": reason})

    def send_back(self, reference: str) -> None:
        """Return a paid payout."""
        self.control("POST", f"payouts/{self.payouts(reference)[0]['id']}/return", {})

    def act(self, reference: str, action: str, **said: Any) -> None:
        """duplicate-webhook, resend-oldest (age=), forge (kind=)."""
        self.control("POST", f"payouts/{self.payouts(reference)[0]['id']}/{action}", said)

    def advance(self, seconds: float) -> None:
        self.control("POST", "clock", {"advance": seconds})

    def set_balance(self, account: str, currency: str, available: int) -> None:
        self.control("POST", "balance", {"account": account, "currency": currency, "available": available})

    def send_webhooks_to(self, url: str) -> None:
        self.control("POST", "webhook-url", {"url": url})

    def webhooks(self, reference: str) -> list[dict[str, Any]]:
        """Queued and sent webhooks in order of sending: account, flavour, headers (signed now), body."""
        return self.control("GET", "deliveries", reference=reference)["deliveries"]

    def wait_until(self, holds: Callable[[], Any], seconds: float = 5) -> Any:
        """Poll until `holds()` is true; its value. Fails the test after `seconds`."""
        deadline = time.monotonic() + seconds
        while not (value := holds()):
            assert time.monotonic() < deadline, "the sandbox did not get there in time"
            time.sleep(0.02)
        return value

    def wait_for(self, reference: str, status: str) -> None:
        self.wait_until(lambda: [p["status"] for p in self.payouts(reference)] == [status])

    def stop(self, *, kill: bool = False) -> None:
        (self.process.kill if kill else self.process.terminate)()
        self.process.wait(10)
        self.http.close()


def start_sandbox(data: Path, *arguments: str) -> SandboxProcess:
    """Start a provider that keeps its store in `data`; the caller stops it."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--data", str(data), "--api-key", API_KEY]
    command += ["--webhook-secret", WEBHOOK_SECRET, "--delay", str(DELAY), "--time-scale", str(TIME_SCALE)]
    process = subprocess.Popen(
        [*command, *arguments], cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    urls = re.findall(r"(http://\S+)/_control/", process.stdout.readline())
    assert len(urls) == 2, "the sandbox did not start"
    return SandboxProcess(urls[0], urls[1], process)


@pytest.fixture(scope="session")
def sandbox_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    running = start_sandbox(tmp_path_factory.mktemp("sandbox"))
    yield running
    running.stop()


@pytest.fixture
def sandbox_process(sandbox_server: SandboxProcess) -> SandboxProcess:
    sandbox_server.reset()
    return sandbox_server
