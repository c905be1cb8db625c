"""The live switches, the clock, the page, and that the sandbox stands alone."""

import ast
import sys
from pathlib import Path

import httpx
import pytest

from tests.sandbox.test_native import Caller

ROOT = Path(__file__).resolve().parents[2]


def test_refused_connections_are_refused_until_the_switch_goes_back(sandbox_process):
    caller = Caller(sandbox_process)
    caller.pay()
    sandbox_process.faults(refuse_connections=True)

    def refused():
        try:
            caller.http.get("/health")
        except httpx.ConnectError:
            return True
        except httpx.TransportError:
            return False

    sandbox_process.wait_until(refused)
    sandbox_process.faults(refuse_connections=False)
    sandbox_process.wait_until(lambda: not refused())
    assert caller.http.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("switch", "status", "accepted"),
    [
        ({"drop_after_accept": 1}, None, 1),
        ({"drop_before_accept": 1}, None, 0),
        ({"error_after_accept": 1}, 500, 1),
        ({"create_unavailable": 1}, 503, 0),
        ({"too_many": 1}, 429, 0),
        ({"unauthorised": True}, 401, 0),
        ({"malformed": 1}, 201, 1),
    ],
)
def test_each_switch_shows_and_says_truly_whether_it_was_accepted(sandbox_process, switch, status, accepted):
    sandbox_process.faults(**switch)
    try:
        answered = Caller(sandbox_process).pay().status_code
    except httpx.RemoteProtocolError:
        answered = None
    assert answered == status
    assert sandbox_process.oracle("WD-1")["accepted"] == accepted


def test_shares_follow_the_seed_and_not_the_timing(sandbox_process):
    def outcomes():
        sandbox_process.reset()
        sandbox_process.faults(seed=7, create_unavailable=0.5)
        caller = Caller(sandbox_process)
        return [caller.pay(key=f"key-{number}").status_code for number in range(20)]

    first = outcomes()
    assert set(first) == {201, 503}
    assert outcomes() == first


def test_the_rate_limit_lets_so_many_through(sandbox_process):
    sandbox_process.faults(rate_limit=2, retry_after=7)
    caller = Caller(sandbox_process)
    answers = [caller.pay(key=f"key-{number}") for number in range(4)]
    assert [answer.status_code for answer in answers] == [201, 201, 429, 429]
    assert answers[-1].headers["Retry-After"] == "7"


def test_queries_can_be_down_while_creates_work(sandbox_process):
    sandbox_process.faults(query_unavailable=1)
    caller = Caller(sandbox_process)
    assert caller.pay().status_code == 201
    assert caller.http.get("/v1/balance").status_code == 503


def test_a_visibility_delay_hides_a_new_payout(sandbox_process):
    sandbox_process.faults(visibility_delay=30)
    caller = Caller(sandbox_process)
    caller.pay()
    assert caller.find() == []
    sandbox_process.advance(31)
    assert len(caller.find()) == 1


def test_the_clock_brings_what_is_due(sandbox_process):
    Caller(sandbox_process).pay(1912)
    sandbox_process.advance(60)
    sandbox_process.wait_for("WD-1", "returned")


def test_a_scenario_sets_its_faults_and_no_others(sandbox_process):
    sandbox_process.faults(latency_ms=5)
    switches = sandbox_process.control("POST", "scenarios", {"name": "webhook storm"})
    assert (switches["webhook_copies"], switches["latency_ms"]) == (5, 0)


@pytest.mark.parametrize("said", [{"no_such": 1}, {"latency_ms": "much"}, {"drop_after_accept": -1}])
def test_a_switch_that_makes_no_sense_is_refused(sandbox_process, said):
    with pytest.raises(httpx.HTTPStatusError):
        sandbox_process.faults(**said)


def test_a_return_needs_a_paid_payout(sandbox_process):
    Caller(sandbox_process).pay(1910)
    with pytest.raises(httpx.HTTPStatusError):
        sandbox_process.send_back("WD-1")
    sandbox_process.push("WD-1")
    sandbox_process.send_back("WD-1")
    assert sandbox_process.payouts("WD-1")[0]["status"] == "returned"


def test_the_page_shows_payouts_and_its_buttons_lead_back_to_it(sandbox_process):
    Caller(sandbox_process).pay(1911, account="<script>")
    headers = {"Accept": "text/html"}
    page = sandbox_process.http.get(f"{sandbox_process.base_url}/_control/", headers=headers)
    assert page.status_code == 200
    assert "WD-1" in page.text
    assert "<script>" not in page.text
    payout_id = sandbox_process.payouts("WD-1")[0]["id"]
    url = f"{sandbox_process.base_url}/_control/payouts/{payout_id}/push"
    posted = sandbox_process.http.post(url, data={"status": ""}, headers=headers)
    assert (posted.status_code, posted.headers["Location"]) == (303, "/_control/")
    assert sandbox_process.payouts("WD-1")[0]["status"] == "paid"


def test_the_sandbox_uses_the_standard_library_and_nothing_of_the_product():
    for source in (ROOT / "sandbox").rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] in {"sandbox", *sys.stdlib_module_names}, (source, name)
