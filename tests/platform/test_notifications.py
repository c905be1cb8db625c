"""Telling the platform, against a real HTTP server: signed, in order, again after a failure, logged."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import sleep
from typing import Any

import httpx
import pytest
from django.db import connection

from backoffice.accounts.models import User
from backoffice.audit.actors import PAYOUTS, SCREENING
from backoffice.platform import notifications, signing
from backoffice.platform.models import ApiClient, NotificationDelivery
from kyc.models import Player
from tests.factories.withdrawals import PLATFORM, make_destination, pass_checks
from tests.platform.conftest import Signed, make_client, problem
from withdrawals.models import Notification, Withdrawal
from withdrawals.operations import requests
from withdrawals.states import Move

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LOOKING = "We are looking at your request; you hear from us by 22 November 2026, 14:00 UTC."


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # with the usual five, eighty connections at once are reset


class Platform:
    """A server that keeps what it is sent and answers as it is told to."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: Callable[[int], int] = lambda _n: 204
        self.delay = 0.0
        platform = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sleep(platform.delay)
                platform.received.append((self.path, dict(self.headers), body))
                self.send_response(platform.answers(len(platform.received)))
                self.send_header("Content-Length", "0")
                self.send_header("Location", "http://127.0.0.1:1/")
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/payouts?from=desk"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.received]

    def versions(self) -> list[int]:
        return [body["version"] for body in self.bodies()]


@pytest.fixture
def platform() -> Iterator[Platform]:
    platform = Platform()
    yield platform
    platform.server.shutdown()
    platform.server.server_close()


@pytest.fixture
def client(platform: Platform) -> ApiClient:
    return make_client("casino", notify_url=platform.url)


@pytest.fixture
def withdrawal(client: ApiClient, player: Player) -> Withdrawal:
    return request_one(player)


def request_one(player: Player, *, source: str = "casino", key: str = "k-1", amount: str = "25.00") -> Withdrawal:
    destination = make_destination(player)
    made, _ = requests.request_withdrawal(
        player=player, destination_id=destination.external_id, amount=amount, currency="EUR", key=key, source=source,
        actor=PLATFORM, now=NOW,
    )  # fmt: skip
    Notification.objects.filter(withdrawal=made).update(next_try_at=NOW)
    return made


def advance(withdrawal: Withdrawal, move: Move, actor: Any, **facts: Any) -> None:
    Withdrawal.advance(withdrawal.pk, move, actor=actor, now=NOW + timedelta(seconds=1), **facts)
    Notification.objects.filter(withdrawal=withdrawal, next_try_at__isnull=False).update(next_try_at=NOW)


def deliver(now: datetime = NOW) -> int:
    return notifications.deliver_due(clock=lambda: now)


def test_a_state_reached_is_told_and_signed(withdrawal: Withdrawal, client: ApiClient, platform: Platform) -> None:
    assert deliver() == 1

    told = Notification.objects.get()
    ((path, headers, body),) = platform.received
    assert json.loads(body) == {
        "id": told.pk,
        "ref": withdrawal.ref,
        "player_id": "p-1",
        "version": 0,
        "status": "requested",
        "status_text": "We have your request.",
        "amount": "25.00",
        "currency": "EUR",
        "occurred_at": "2026-11-22T12:00:00Z",
    }
    assert path == "/hooks/payouts?from=desk"
    assert headers["X-Notification-Id"] == str(told.pk)
    assert headers["X-Key-Id"] == "casino"
    assert headers["X-Signature"] == signing.signature(
        client.notify_secret, timestamp=headers["X-Timestamp"], method="POST", path=path, body=body
    )
    assert (told.delivered_at, told.next_try_at, told.tries) == (NOW, None, 1)
    logged = NotificationDelivery.objects.get()
    assert (logged.notification_id, logged.status, logged.words, logged.url) == (told.pk, 204, "HTTP 204", platform.url)
    assert deliver() == 0


def test_each_version_is_told_as_it_was_and_in_order(
    withdrawal: Withdrawal, platform: Platform, operator: User
) -> None:
    advance(withdrawal, Move.REFER, SCREENING)
    wake_at = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
    advance(withdrawal, Move.HOLD, operator, reason="waiting_document", kind="player", wake_at=wake_at)
    advance(withdrawal, Move.REJECT, operator, reason="suspected_takeover")

    assert deliver() == 4
    assert [(body["version"], body["status"], body["status_text"]) for body in platform.bodies()] == [
        (0, "requested", "We have your request."),
        (1, "under_review", LOOKING),
        (2, "on_hold", "We need a document from you. Please reply by 25 November 2026."),
        (3, "rejected", "Declined. We could not approve this withdrawal. The money is back in your balance."),
    ]


def test_a_legal_hold_reads_as_being_in_review(withdrawal: Withdrawal, platform: Platform, compliance: User) -> None:
    advance(withdrawal, Move.REFER, SCREENING)
    advance(withdrawal, Move.HOLD, compliance, reason="legal", kind="legal")
    deliver()
    assert [(body["status"], body["status_text"]) for body in platform.bodies()[1:]] == [("under_review", LOOKING)] * 2


def test_what_was_paid_says_when_and_where(withdrawal: Withdrawal, platform: Platform) -> None:
    Withdrawal.objects.filter(pk=withdrawal.pk).update(required_approvals=0)
    pass_checks(withdrawal)
    advance(withdrawal, Move.CLEAR, SCREENING)
    advance(withdrawal, Move.START_PAYOUT, PAYOUTS, provider="volta", trace=[])
    advance(withdrawal, Move.COMPLETE, PAYOUTS, provider_reference="v-1")
    deliver()
    assert platform.bodies()[-1]["status_text"] == f"Paid on 22 November 2026 to {withdrawal.destination.label}."


def test_a_failure_is_tried_again_with_growing_gaps_and_then_given_up(
    withdrawal: Withdrawal, platform: Platform
) -> None:
    platform.answers = lambda _n: 503
    now, gaps = NOW, []
    while True:
        assert deliver(now) == 1
        row = Notification.objects.get()
        if row.next_try_at is None:
            break
        assert deliver(row.next_try_at - timedelta(seconds=1)) == 0
        gaps.append(row.next_try_at - now)
        now = row.next_try_at

    day = 86_400
    assert [gap.total_seconds() for gap in gaps] == [10, 30, 120, 600, 3_600, 21_600, *[day] * 7]
    assert (row.tries, row.delivered_at) == (14, None)
    assert set(NotificationDelivery.objects.values_list("status", "words")) == {(503, "HTTP 503")}
    assert NotificationDelivery.objects.count() == 14


@pytest.mark.parametrize("status", [200, 202, 204])
def test_every_2xx_is_an_answer(withdrawal: Withdrawal, platform: Platform, status: int) -> None:
    platform.answers = lambda _n: status
    deliver()
    assert Notification.objects.get().delivered_at == NOW


@pytest.mark.parametrize("status", [302, 307, 400, 401, 410, 500])
def test_nothing_else_is_and_redirects_are_not_followed(
    withdrawal: Withdrawal, platform: Platform, status: int
) -> None:
    platform.answers = lambda _n: status
    deliver()
    row = Notification.objects.get()
    assert (row.delivered_at, row.next_try_at) == (None, NOW + timedelta(seconds=10))
    assert len(platform.received) == 1


def test_a_later_version_waits_for_an_earlier_one(withdrawal: Withdrawal, platform: Platform) -> None:
    advance(withdrawal, Move.REFER, SCREENING)
    platform.answers = lambda n: 500 if n == 1 else 200

    deliver()
    assert platform.versions() == [0]
    deliver(NOW + timedelta(seconds=10))
    assert platform.versions() == [0, 0, 1]


def test_a_later_version_goes_on_when_the_earlier_one_is_given_up(withdrawal: Withdrawal, platform: Platform) -> None:
    advance(withdrawal, Move.REFER, SCREENING)
    Notification.objects.filter(version=0).update(tries=len(notifications.GAPS))
    platform.answers = lambda n: 500 if n == 1 else 200
    deliver()
    deliver()
    assert platform.versions() == [0, 1]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://nowhere.invalid/", "http://127.0.0.1:99999/"])
def test_a_platform_out_of_reach_is_a_failure_like_any_other(
    withdrawal: Withdrawal, client: ApiClient, url: str
) -> None:
    ApiClient.objects.update(notify_url=url)
    deliver()
    logged = NotificationDelivery.objects.get()
    assert (logged.status, logged.words.split(":")[0]) == (None, "Not reached")
    assert Notification.objects.get().next_try_at == NOW + timedelta(seconds=10)


def test_a_platform_that_hangs_is_left(
    withdrawal: Withdrawal, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "TIMEOUT", httpx.Timeout(0.2))
    platform.delay = 1
    deliver()
    assert NotificationDelivery.objects.get().words == "No answer in time."


def test_one_platform_out_of_reach_does_not_hold_up_another(
    withdrawal: Withdrawal, client: ApiClient, platform: Platform, player: Player
) -> None:
    make_client("sportsbook", notify_url="http://127.0.0.1:1/")
    for n in range(25):
        request_one(player, source="sportsbook", key=f"k-{n}", amount="2.00")
    Notification.objects.filter(withdrawal__source="sportsbook").update(next_try_at=NOW - timedelta(hours=1))

    deliver()
    assert platform.versions() == [0]
    tried = NotificationDelivery.objects.filter(status=None).count()
    assert 1 <= tried <= 20


@pytest.mark.parametrize("change", [{"notify_url": ""}, {"is_active": False}])
def test_where_nobody_listens_there_is_nothing_to_deliver(
    withdrawal: Withdrawal, platform: Platform, change: dict[str, Any]
) -> None:
    ApiClient.objects.update(**change)
    assert deliver() == 0
    row = Notification.objects.get()
    assert (row.next_try_at, row.tries, row.delivered_at) == (None, 0, None)
    assert platform.received == []


def test_a_worker_that_died_loses_nothing(withdrawal: Withdrawal, platform: Platform) -> None:
    with httpx.Client():
        taken = notifications._claim(now=NOW, except_sources=set())
    assert len(taken) == 1
    assert deliver() == 0
    assert deliver(NOW + notifications.LEASE) == 1


@pytest.mark.django_db(transaction=True)
def test_eight_workers_deliver_each_message_once(client: ApiClient, platform: Platform, player: Player) -> None:
    for n in range(40):
        request_one(player, key=f"k-{n}", amount="2.00")

    def work() -> None:
        try:
            deliver()
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(NotificationDelivery.objects.values_list("words", flat=True)) == {"HTTP 204"}
    assert len(platform.received) == 40
    assert len({body["id"] for body in platform.bodies()}) == 40
    assert not Notification.objects.filter(delivered_at=None).exists()


def test_the_log_is_shown_and_a_message_is_sent_again(
    withdrawal: Withdrawal, client: ApiClient, platform: Platform
) -> None:
    api = Signed(client)
    platform.answers = lambda n: 500 if n == 1 else 200
    deliver()
    deliver(NOW + timedelta(seconds=10))

    (shown,) = api("GET", f"/api/v1/notifications?ref={withdrawal.ref}").json()["notifications"]
    assert (shown["version"], shown["status"], shown["status_text"]) == (0, "requested", "We have your request.")
    assert [(row["status"], row["words"]) for row in shown["tries"]] == [(500, "HTTP 500"), (200, "HTTP 200")]
    assert shown["delivered_at"] == "2026-11-22T12:00:10Z"
    assert shown["next_try_at"] is None

    again = api("POST", f"/api/v1/notifications/{shown['id']}/resend")
    assert (again.status_code, again.json()["next_try_at"] is None) == (200, False)
    notifications.deliver_due(clock=lambda: datetime.now(UTC))
    assert len(platform.received) == 3
    assert platform.received[1][2] == platform.received[2][2]


def test_notifications_need_a_reference(client: ApiClient) -> None:
    assert problem(Signed(client)("GET", "/api/v1/notifications")) == (400, "invalid_request", "ref")
