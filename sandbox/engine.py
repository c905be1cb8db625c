"""What happens to payouts: accepted or not, then moved along their story by the clock or by hand.

Knows no HTTP and no wording of any provider; dialects translate. Times are seconds since 1970 by the
sandbox's own clock, amounts integers in minor units.
"""

import json
import secrets
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from sandbox import books, outbox, stories, trouble
from sandbox.store import Store
from sandbox.stories import Manner, Obstacle, Story
from sandbox.switches import Switches, chance, changed

CANCELLABLE = ("pending", "held")

Describe = Callable[[dict[str, Any], str, float], str]  # payout, event id, time -> webhook body


class Refusal(Exception):
    """Not accepted; nothing changed."""


class Declined(Refusal):
    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


class Unavailable(Refusal):
    pass


class TooMany(Refusal):
    def __init__(self, retry_after: int):
        super().__init__("too many requests")
        self.retry_after = retry_after


class KeyReused(Refusal):
    """The key was used for another request; `payout_id` is what came of that."""

    def __init__(self, payout_id: str):
        super().__init__(payout_id)
        self.payout_id = payout_id


class InProgress(Refusal):
    """Another request under the same key is being worked on."""


class Dropped(Refusal):
    """Close the connection without a word."""


@dataclass(frozen=True)
class Order:
    dialect: str  # in which it was given, and is spoken of for ever
    account: str
    key: str
    reference: str
    amount: int
    currency: str
    method: str
    destination: dict[str, Any]
    digest: str  # of the request body: another body under the same key is refused
    id_prefix: str = "po_"
    idempotent: bool = True  # a repeat under its key is the same payout


@dataclass(frozen=True)
class Creation:
    payout: dict[str, Any]  # as it was when it was accepted
    manner: Manner
    replayed: bool = False


class Engine:
    def __init__(
        self, store: Store, *, describe: Describe, delay: float = 0.5, time_scale: float = 1.0,
        opening_float: int = 10**14,
    ):  # fmt: skip
        self.store, self._describe = store, describe
        self.delay, self.time_scale, self._opening = delay, time_scale, opening_float
        self.before_reply: Callable[[str], None] = lambda payout_id: None  # set by whoever has the courier
        self._guard = threading.Lock()
        self._in_flight: set[tuple[str, str]] = set()
        self._recent: dict[str, deque[float]] = {}
        self._load()

    def _load(self) -> None:
        self.switches = Switches(**self.store.setting("switches", {}))
        self._offset = float(self.store.setting("clock_offset", 0.0))

    def now(self) -> float:
        return time.time() + self._offset

    def create(self, order: Order) -> Creation:
        """Accept the order, or answer as the first time under this key. Raises a Refusal."""
        switches, number = self.switches, self._count(order)
        story = stories.story(stories.number_of(order.amount, str(order.destination.get("account", ""))))
        with self._alone(order):
            if earlier := self._earlier(order):
                return earlier
            self._meet_obstacle(order, story, switches, number)
            time.sleep(story.slow * self.time_scale)
            creation = self._accept(order, story, switches, number)
        if story.webhooks.before_reply:
            self.tick()
            self.before_reply(creation.payout["id"])
        return creation

    def find(self, account: str, payout_id: str) -> sqlite3.Row | None:
        """The payout, if the account may see it yet."""
        return self.store.row(
            "select * from payout where id = ? and account = ? and visible_at <= ?",
            payout_id, account, self.now(),
        )  # fmt: skip

    def find_any(self, dialect: str, payout_id: str) -> sqlite3.Row | None:
        """The payout of whatever account, for a dialect whose addresses name none; if it may be seen yet."""
        return self.store.row(
            "select * from payout where id = ? and dialect = ? and visible_at <= ?", payout_id, dialect, self.now()
        )

    def find_since(self, dialect: str, since: float) -> list[sqlite3.Row]:
        """All payouts of a dialect that were created since then, newest first; those that may be seen yet."""
        return self.store.rows(
            "select * from payout where dialect = ? and created_at >= ? and visible_at <= ?"
            " order by created_at desc, id",
            dialect, since, self.now(),
        )  # fmt: skip

    def queries_fail(self, path: str) -> bool:
        """Whether the switches let this query go unanswered, this second."""
        share = self.switches.query_unavailable
        return share > 0 and chance(self.switches, "query", path, int(self.now())) < share

    def find_by_reference(self, account: str, text: str) -> list[sqlite3.Row]:
        """Payouts whose reference or idempotency key is `text`, oldest first."""
        return self.store.rows(
            "select * from payout where account = ? and (reference = ? or key = ?) and visible_at <= ?"
            " order by created_at, id",
            account, text, text, self.now(),
        )  # fmt: skip

    def cancel(self, account: str, payout_id: str) -> bool | None:
        """True if the cancellation is accepted, False if it is too late, None if there is no such payout."""
        payout = self.find(account, payout_id)
        if payout is None:
            return None
        if stories.story(payout["story"]).paid_despite_cancel:
            return str(payout["status"]) in CANCELLABLE
        return self.push(payout_id, "cancelled", "requested_by_customer", only_from=CANCELLABLE)

    def balance(self, account: str) -> list[dict[str, Any]]:
        """Per currency: what is available, and what is reserved for payouts under way."""
        rows = self.store.rows(
            "select u.currency, u.available, coalesce(sum(p.amount), 0) as pending from purse u"
            " left join payout p"
            " on p.account = u.account and p.currency = u.currency and p.money = 'reserved'"
            " where u.account = ? group by u.currency, u.available order by u.currency",
            account,
        )
        return [dict(row) for row in rows]

    def tick(self) -> None:
        """Take every step that is due."""
        while due := self.store.rows(
            "select * from step where due_at <= ? order by due_at, number limit 200", self.now()
        ):
            with self.store.transaction() as db:
                for step in due:
                    values = (step["payout_id"], step["number"])
                    taken = db.execute("delete from step where payout_id = ? and number = ?", values)
                    if taken.rowcount:  # not overtaken by hand meanwhile
                        self._become(db, step["payout_id"], step["status"], step["reason"])

    def push(self, payout_id: str, status: str = "", reason: str = "", *, only_from: tuple[str, ...] = ()) -> bool:
        """Take the next step now, or become `status` and forget the story.

        False, with nothing changed, if there is nowhere to go or the payout is in none of `only_from`.
        """
        with self.store.transaction() as db:
            payout = db.execute("select * from payout where id = ?", (payout_id,)).fetchone()
            if payout is None or (only_from and payout["status"] not in only_from):
                return False
            next_step = db.execute(
                "select * from step where payout_id = ? order by number limit 1", (payout_id,)
            ).fetchone()
            if status:
                db.execute("delete from step where payout_id = ?", (payout_id,))
            elif next_step:
                status, reason = next_step["status"], next_step["reason"]
                values = (payout_id, next_step["number"])
                db.execute("delete from step where payout_id = ? and number = ?", values)
            elif payout["status"] in ("pending", "held", "sent"):
                status = "paid"
            if not status or status == payout["status"]:
                return False
            self._become(db, payout_id, status, reason)
            return True

    def set_switches(self, changes: dict[str, Any]) -> Switches:
        self.switches = changed(self.switches, changes)
        self.store.keep_setting("switches", asdict(self.switches))
        return self.switches

    def advance_clock(self, seconds: float) -> None:
        self._offset += seconds
        self.store.keep_setting("clock_offset", self._offset)
        self.tick()

    def set_balance(self, account: str, currency: str, available: int) -> None:
        with self.store.transaction() as db:
            db.execute("insert or replace into purse values (?, ?, ?)", (account, currency, available))

    def reset(self) -> None:
        self.store.clear()
        self._load()

    def _count(self, order: Order) -> int:
        """How many requests this account has now made for this reference, whatever their keys."""
        with self.store.transaction() as db:
            db.execute(
                "insert into request_count values (?, ?, 1)"
                " on conflict (account, reference) do update set times = times + 1",
                (order.account, order.reference),
            )
            counted = db.execute(
                "select times from request_count where account = ? and reference = ?",
                (order.account, order.reference),
            ).fetchone()
            return int(counted["times"])

    @contextmanager
    def _alone(self, order: Order) -> Iterator[None]:
        key = (order.account, order.key)
        if self.switches.idempotency_off or not order.idempotent:
            yield
            return
        with self._guard:
            if key in self._in_flight:
                raise InProgress
            self._in_flight.add(key)
        try:
            yield
        finally:
            with self._guard:
                self._in_flight.discard(key)

    def _earlier(self, order: Order) -> Creation | None:
        kept = self.store.row("select * from idempotency where account = ? and key = ?", order.account, order.key)
        if kept is None or self.switches.idempotency_off or not order.idempotent:
            return None
        if kept["digest"] != order.digest:
            raise KeyReused(kept["payout_id"])
        again = Manner.ERROR if kept["failed"] and self.switches.replay_errors else Manner.NORMAL
        return Creation(json.loads(kept["answer"]), again, replayed=True)

    def _meet_obstacle(self, order: Order, story: Story, switches: Switches, number: int) -> None:
        if story.decline:
            raise Declined(story.decline)
        obstacle = trouble.obstacle(story, switches, key=order.key, number=number)
        if obstacle is Obstacle.DROP:
            raise Dropped
        if obstacle is Obstacle.UNAVAILABLE:
            raise Unavailable
        if obstacle is Obstacle.TOO_MANY or self._over_limit(order):
            raise TooMany(switches.retry_after)

    def _over_limit(self, order: Order) -> bool:
        limit = self.switches.rate_limit
        if not limit:
            return False
        with self._guard:
            recent = self._recent.setdefault(order.account, deque(maxlen=limit))
            if len(recent) == limit and time.monotonic() - recent[0] < 1:
                return True
            recent.append(time.monotonic())
            return False

    def _accept(self, order: Order, story: Story, switches: Switches, number: int) -> Creation:
        now, manner = self.now(), trouble.manner(story, switches, key=order.key, number=number)
        visible_at = now + max(story.hidden * self.time_scale, switches.visibility_delay)
        payout = {
            "id": order.id_prefix + secrets.token_hex(12), "dialect": order.dialect,
            "account": order.account, "key": order.key,
            "reference": order.reference, "amount": order.amount, "currency": order.currency,
            "method": order.method, "destination": json.dumps(order.destination),
            "story": stories.number_of(order.amount, str(order.destination.get("account", ""))),
            "status": story.starts_as, "reason": "", "sequence": 0, "money": "reserved",
            "created_at": now, "updated_at": now, "visible_at": visible_at,
        }  # fmt: skip
        with self.store.transaction() as db:
            if not books.debit(db, order.account, order.currency, order.amount, self._opening):
                raise Declined("insufficient_float")
            marks = ", ".join("?" * len(payout))
            db.execute(f"insert into payout ({', '.join(payout)}) values ({marks})", tuple(payout.values()))
            db.execute(
                "insert or replace into idempotency values (?, ?, ?, ?, ?, ?)",
                (
                    order.account,
                    order.key,
                    order.digest,
                    payout["id"],
                    json.dumps(payout),
                    manner is Manner.ERROR,
                ),
            )
            due_at = now
            for position, step in enumerate(story.steps):
                due_at += self.delay if step.after is None else step.after * self.time_scale
                db.execute(
                    "insert into step values (?, ?, ?, ?, ?)",
                    (payout["id"], position, due_at, step.status, step.reason),
                )
        return Creation(payout, manner)

    def _become(self, db: sqlite3.Connection, payout_id: str, status: str, reason: str) -> None:
        now = self.now()
        payout = db.execute("select * from payout where id = ?", (payout_id,)).fetchone()
        money = books.book(db, payout, status, now)
        db.execute(
            "update payout set status = ?, reason = ?, sequence = sequence + 1, money = ?, updated_at = ? where id = ?",
            (status, reason, money, now, payout_id),
        )
        payout = db.execute("select * from payout where id = ?", (payout_id,)).fetchone()
        story, event_id = stories.story(payout["story"]), outbox.new_event_id()
        told = dict(payout) | ({"amount": payout["amount"] + 1} if story.webhooks.other_amount else {})
        outbox.keep_event(db, event_id, payout_id, self._describe(told, event_id, now), now)
        left = db.execute("select count(*) from step where payout_id = ?", (payout_id,)).fetchone()[0]
        outbox.queue_for_story(
            db, event_id, payout, story, self.switches,
            now=now, delay=self.delay, is_last=left == 0,
        )  # fmt: skip
