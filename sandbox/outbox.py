"""Which webhooks an event sends, when and in what flavour. Rows first; the courier sends them later.

Flavours: good · bad_signature · other_key · stale (an old timestamp, truly signed) · reserialised (signed
over other bytes than are sent). All but the good ones are sent once and never retried.
"""

import secrets
import sqlite3

from sandbox.stories import Story
from sandbox.switches import Switches, chance

FLAVOURS = ("good", "bad_signature", "other_key", "stale", "reserialised")


def new_event_id() -> str:
    return "evt_" + secrets.token_hex(12)


def keep_event(db: sqlite3.Connection, event_id: str, payout_id: str, body: str, now: float) -> None:
    db.execute("insert into event values (?, ?, ?, ?)", (event_id, payout_id, body, now))


def queue(
    db: sqlite3.Connection,
    event_id: str,
    payout_id: str,
    due_at: float,
    flavour: str = "good",
    age: float = 0,
) -> None:
    """Have the event sent at `due_at`, its timestamp `age` seconds in the past."""
    db.execute(
        "insert into delivery (event_id, payout_id, flavour, age, due_at) values (?, ?, ?, ?, ?)",
        (event_id, payout_id, flavour, age, due_at),
    )


def queue_for_story(
    db: sqlite3.Connection, event_id: str, payout: sqlite3.Row, story: Story, switches: Switches,
    *, now: float, delay: float, is_last: bool,
) -> None:  # fmt: skip
    """The webhooks of one event, as its story and the live switches want them."""
    sequence = payout["sequence"]
    if story.webhooks.lost or chance(switches, "lost", payout["key"], sequence) < switches.webhook_lost:
        return
    due_at = now + switches.webhook_late
    if story.webhooks.reversed and not is_last:
        due_at += 3 * max(delay, 0.1)  # the steps lie one delay apart: this one now arrives after the last
    if story.webhooks.bad_first or (
        chance(switches, "signature", payout["key"], sequence) < switches.webhook_bad_signature
    ):
        queue(db, event_id, payout["id"], due_at, "bad_signature")
        due_at += max(delay, 0.1)
    for copy in range(max(switches.webhook_copies, story.webhooks.copies)):
        spread = switches.webhook_shuffle * chance(switches, f"shuffle{copy}", payout["key"], sequence)
        queue(db, event_id, payout["id"], due_at + spread)
