"""Processes killed, brokers emptied, replies and webhooks lost: each withdrawal is paid once and comes to its end.

All scenarios share one running product. Figures are printed; see them with ``-s``.
"""

import time
from collections.abc import Iterator

import httpx
import pytest
from celery import current_app
from django.db import connection

from tests.faults.topology import Topology, log_lines
from withdrawals.models import Finding, PayoutAttempt, Withdrawal
from withdrawals.states import State

pytestmark = [pytest.mark.real_workers]

# The most that a killed worker's work may lie still.
RESUME_SECONDS = 30


@pytest.fixture(scope="module", autouse=True)
def _silent_client() -> Iterator[None]:
    """This process announces nothing, so what the workers find is found by the sweeper alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(current_app, "send_task", lambda *_args, **_kwargs: None)
        yield


@pytest.fixture(autouse=True)
def _healed(topology: Topology) -> Iterator[None]:
    yield
    topology.heal()


def report(what: str, seconds: float) -> None:
    print(f"\n{what}: {seconds:.1f} s")


def test_calm(topology: Topology) -> None:
    started = time.monotonic()
    withdrawals = topology.open(count=10)
    topology.settle(withdrawals)
    report("ten withdrawals from request to paid", time.monotonic() - started)
    topology.prove(withdrawals)


POINTS = (
    "dispatch.before_call",
    "dispatch.after_accept_before_commit",
    "dispatch.before_commit",
    "dispatch.after_commit_before_ack",
)


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_dies_while_paying(point: str, topology: Topology) -> None:
    topology.arm(point)
    withdrawals = topology.open(count=3)
    died = topology.wait_for_crash(point)
    topology.settle(withdrawals)
    resumed = time.monotonic() - died
    report(f"killed at {point}: all paid after", resumed)
    assert resumed <= RESUME_SECONDS
    topology.prove(withdrawals)
    assert PayoutAttempt.objects.filter(withdrawal__in=withdrawals).count() == 3, "sent under a second key"


def test_workers_die_at_every_point_and_no_webhook_helps(topology: Topology) -> None:
    topology.sandbox.faults(webhook_lost=1.0)
    for point in POINTS:
        topology.arm(point)
    withdrawals = topology.open(count=6)
    died = max(topology.wait_for_crash(point) for point in POINTS)
    topology.settle(withdrawals)
    resumed = time.monotonic() - died
    report("killed at all four points, no webhooks: all paid after", resumed)
    assert resumed <= RESUME_SECONDS
    topology.prove(withdrawals)
    assert PayoutAttempt.objects.filter(withdrawal__in=withdrawals).count() == 6, "sent under a second key"


def test_the_whole_worker_dies(topology: Topology) -> None:
    point = "dispatch.after_accept_before_commit"
    topology.arm(point)
    withdrawals = topology.open(count=3)
    topology.wait_for_crash(point)
    topology.kill("worker")
    died = time.monotonic()
    topology.start_worker()
    topology.settle(withdrawals, seconds=45)
    resumed = time.monotonic() - died
    report(f"worker tree killed at {point} and restarted: all paid after", resumed)
    assert resumed <= RESUME_SECONDS
    topology.prove(withdrawals)


def test_the_broker_is_emptied_again_and_again(topology: Topology) -> None:
    withdrawals = topology.open(count=6)
    for _time in range(10):
        topology.redis().flushall()
        time.sleep(0.2)
    topology.settle(withdrawals)
    topology.prove(withdrawals)


def test_the_broker_restarts_without_its_data(topology: Topology) -> None:
    withdrawals = topology.open(count=3)
    for _time in range(3):
        topology.kill("valkey")
        topology.socket.unlink(missing_ok=True)
        topology.start_valkey()
        time.sleep(0.5)
    back = time.monotonic()
    # What is opened only now is found only by a worker that really listens again.
    withdrawals += topology.open(count=3)
    topology.settle(withdrawals, seconds=45)
    report("broker restarted three times: all paid after", time.monotonic() - back)
    topology.prove(withdrawals)


def test_the_broker_is_away_for_a_while(topology: Topology) -> None:
    topology.kill("valkey")
    topology.socket.unlink(missing_ok=True)
    withdrawals = topology.open(count=3)
    time.sleep(3)
    assert set(topology.states(withdrawals)) == {State.REQUESTED}
    topology.start_valkey()
    back = time.monotonic()
    topology.settle(withdrawals, seconds=45)
    report("broker away for three seconds: all paid after its return", time.monotonic() - back)
    topology.prove(withdrawals)


def test_replies_are_lost_after_acceptance(topology: Topology) -> None:
    """Dropped, 500, half a body, and one request that never arrived (904); only asking helps."""
    topology.sandbox.faults(drop_after_accept=0.4, error_after_accept=0.6, malformed=1.0, webhook_lost=1.0)
    withdrawals = [*topology.open(count=5), *topology.open(10_903), *topology.open(10_904)]
    topology.settle(withdrawals)
    topology.prove(withdrawals)
    assert PayoutAttempt.objects.filter(withdrawal__in=withdrawals).count() == 7


@pytest.mark.parametrize(
    "trouble",
    [{"webhook_copies": 5, "webhook_shuffle": 2.0}, {"webhook_late": 4.0}, {"webhook_lost": 1.0}],
    ids=["five copies in any order", "late", "lost"],
)
def test_webhooks_come_as_they_like(trouble: dict[str, float], topology: Topology) -> None:
    topology.sandbox.faults(**trouble)
    withdrawals = [*topology.open(count=2), *topology.open(10_914)]
    topology.settle(withdrawals)
    time.sleep(trouble.get("webhook_shuffle", 0))
    topology.prove(withdrawals)


def test_a_return_is_taken_back_whatever_comes_first(topology: Topology) -> None:
    topology.sandbox.faults(webhook_shuffle=2.0)
    withdrawals = topology.open(10_912, count=3)
    topology.settle(withdrawals, State.RETURNED)
    topology.prove(withdrawals)


def test_forged_webhooks_do_nothing_to_a_live_payout(topology: Topology) -> None:
    (withdrawal,) = topology.open(10_911)
    topology.wait(lambda: topology.states([withdrawal]) == ["processing"], 20, "processing")
    topology.wait(lambda: topology.sandbox.payouts(withdrawal.ref), 20, "the provider")
    for kind in ("bad_signature", "other_key", "stale", "reserialised", "amount", "currency", "reference"):
        topology.sandbox.act(withdrawal.ref, "forge", kind=kind)
    found = lambda: set(Finding.objects.filter(withdrawal=withdrawal).values_list("kind", flat=True))  # noqa: E731
    topology.wait(lambda: found() == {"amount_differs", "reference_differs"}, 20, "the findings", found)
    assert topology.states([withdrawal]) == ["processing"]
    assert topology.sandbox.oracle(withdrawal.ref)["paid_times"] == 0
    answers = {letter["flavour"]: letter["answer"] for letter in topology.sandbox.webhooks(withdrawal.ref)}
    assert {answers[flavour] for flavour in ("bad_signature", "other_key", "stale", "reserialised")} == {"401"}
    topology.sandbox.push(withdrawal.ref)
    topology.settle([withdrawal])
    topology.prove([withdrawal])


def test_an_unsigned_webhook_is_answered_401(topology: Topology) -> None:
    answer = httpx.post(topology.web("/webhooks/northgate/"), content=b"{}", trust_env=False)
    assert answer.status_code == 401
    assert httpx.post(topology.web("/webhooks/nobody/"), content=b"{}", trust_env=False).status_code == 404


def test_a_step_that_kills_its_worker_does_not_stop_the_others(topology: Topology) -> None:
    """A withdrawal whose turn always ends in a killed process rests longer each time; the rest flows."""
    (poison,) = topology.open(10_911)
    topology.wait(lambda: topology.states([poison]) == ["processing"], 20, "processing")
    kills, withdrawals = 0, topology.open(count=6)
    for _time in range(3):
        topology.arm("dispatch.before_commit")
        topology.wait_for_crash("dispatch.before_commit")
        kills += 1
    topology.settle(withdrawals)
    assert kills == 3
    topology.sandbox.push(poison.ref)
    topology.settle([poison])
    topology.prove([*withdrawals, poison])


def test_a_worker_keeps_its_database_connection(topology: Topology) -> None:
    """One backend per worker process, task after task: Celery would otherwise reconnect for every task."""
    topology.settle(topology.open(count=2))
    done = len(log_lines(topology, "worker", "succeeded"))
    seen = set()
    for _look in range(12):
        seen |= backends("worker")
        time.sleep(0.25)
    assert len(log_lines(topology, "worker", "succeeded")) >= done + 3
    assert 1 <= len(seen) <= 2, seen


def backends(name: str) -> set[int]:
    """The PostgreSQL processes that serve the connections of a process of ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s", [name]
        )
        return {pid for (pid,) in cursor.fetchall()}


def test_the_logs_hold_no_surprise(topology: Topology) -> None:
    """After all of that: no task failed for a reason that nobody planned."""
    tasks = log_lines(topology, "worker", r"Task \S+\[\S+\] raised unexpected")
    assert tasks == [], tasks[:3]
    steps = log_lines(topology, "worker", r"The next step of withdrawal \d+ failed")
    assert steps == [], steps[:3]
    unfinished = Withdrawal.objects.exclude(state__in=[State.COMPLETED, State.RETURNED, State.FAILED])
    assert not unfinished.exists()
