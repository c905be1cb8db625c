"""Sends the queued webhooks until each is answered 2xx, with growing gaps; a restart forgets nothing."""

import base64
import http.client
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from sandbox.engine import Engine

Sign = Callable[[str, str, str, int, bytes], dict[str, str]]  # dialect, secret, event id, timestamp, body

GAPS = (1, 2, 5, 15, 60, 300, 900, 3600)  # seconds between tries; the last one repeats
GIVE_UP_AFTER = 30  # tries
OTHER_SECRET = "whsec_" + base64.b64encode(b"a key that nobody was given").decode()


class Courier:
    """`url` may contain {account}, so that every merchant account has an address of its own.

    Without a url nothing is sent: webhooks wait to be fetched from the control plane.
    """

    def __init__(self, engine: Engine, *, sign: Sign, url: str, secret: str):
        self._engine, self._sign, self._secret = engine, sign, secret
        self._default_url = url
        self._pool = ThreadPoolExecutor(8, thread_name_prefix="courier")
        self._guard = threading.Lock()
        self._under_way: set[int] = set()

    @property
    def url(self) -> str:
        kept: str = self._engine.store.setting("webhook_url", self._default_url)
        return kept

    def send_due(self) -> None:
        """Start sending everything that is due."""
        if not self.url:
            return
        due = self._engine.store.rows(
            "select id from delivery where done_at is null and due_at <= ? order by due_at, id limit 100",
            self._engine.now(),
        )
        for row in due:
            if self._claim(row["id"]):
                self._pool.submit(self._send, row["id"])

    def send_now(self, payout_id: str) -> None:
        """Send what is due for this payout and wait for the answers."""
        due = self._engine.store.rows(
            "select id from delivery where done_at is null and payout_id = ? and due_at <= ? order by id",
            payout_id, self._engine.now(),
        )  # fmt: skip
        for row in due if self.url else []:
            while not self._claim(row["id"]):  # the pulse was faster: wait for its answer
                time.sleep(0.01)
            self._send(row["id"])

    def letter(self, delivery: sqlite3.Row) -> tuple[dict[str, str], bytes]:
        """Headers and body of a queued webhook, signed as of now in its flavour."""
        switches, body = self._engine.switches, delivery["body"].encode()
        # Real time, not the sandbox's: the receiver compares it with its own clock.
        timestamp = int(time.time() - delivery["age"] + switches.webhook_skew)
        secret = OTHER_SECRET if delivery["flavour"] == "other_key" else self._secret
        signed = body.replace(b": ", b":") if delivery["flavour"] == "reserialised" else body
        signed = b"something else" if delivery["flavour"] == "bad_signature" else signed
        headers = self._sign(delivery["dialect"], secret, delivery["event_id"], timestamp, signed)
        return {"Content-Type": "application/json", **headers}, body

    def find(self, where: str, *values: object) -> list[sqlite3.Row]:
        """Queued and sent webhooks with their event and payout. `where` is SQL of ours."""
        return self._engine.store.rows(
            "select d.*, e.body, p.account, p.reference, p.dialect from delivery d join event e on e.id = d.event_id"
            f" join payout p on p.id = d.payout_id where {where} order by d.due_at, d.id",
            *values,
        )

    def settle(self, delivery_id: int, answer: str, *, done: bool) -> None:
        """Note what the receiver answered; unless that is the end of it, try again later."""
        now = self._engine.now()
        with self._engine.store.transaction() as db:
            row = db.execute("select tries, flavour from delivery where id = ?", (delivery_id,)).fetchone()
            if row is None:  # reset meanwhile
                return
            tries = row["tries"] + 1
            done = done or row["flavour"] != "good" or tries >= GIVE_UP_AFTER
            gap = GAPS[min(tries, len(GAPS)) - 1] * self._engine.time_scale
            db.execute(
                "update delivery set tries = ?, answer = ?, done_at = ?, due_at = ? where id = ?",
                (tries, answer, now if done else None, now + gap, delivery_id),
            )

    def _claim(self, delivery_id: int) -> bool:
        with self._guard:
            if delivery_id in self._under_way:
                return False
            self._under_way.add(delivery_id)
            return True

    def _send(self, delivery_id: int) -> None:
        try:
            found = self.find("d.id = ? and d.done_at is null", delivery_id)
            if found:
                status = _post(self.url.replace("{account}", found[0]["account"]), *self.letter(found[0]))
                self.settle(delivery_id, str(status), done=200 <= status < 300)
        except (OSError, http.client.HTTPException) as error:
            self.settle(delivery_id, type(error).__name__, done=False)
        finally:
            with self._guard:
                self._under_way.discard(delivery_id)


def _post(url: str, headers: dict[str, str], body: bytes) -> int:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=5)
    try:
        connection.request("POST", parts.path or "/", body, headers)
        return connection.getresponse().status
    finally:
        connection.close()
