"""The sandbox's own memory: one SQLite file, one connection, one lock. Survives a kill of the process."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA = """
create table if not exists setting (name text primary key, value text not null);
create table if not exists purse (
    account text not null, currency text not null, available integer not null,
    primary key (account, currency)
) without rowid;
create table if not exists payout (
    id text primary key, account text not null, key text not null, reference text not null,
    amount integer not null check (amount > 0), currency text not null, method text not null,
    destination text not null, story integer not null, status text not null, reason text not null,
    sequence integer not null, money text not null, created_at real not null, updated_at real not null,
    visible_at real not null, dialect text not null default 'native'
);
create index if not exists payout_by_reference on payout (reference);
create index if not exists payout_by_key on payout (key);
create table if not exists idempotency (
    account text not null, key text not null, digest text not null, payout_id text not null,
    answer text not null, failed integer not null, primary key (account, key)
) without rowid;
create table if not exists request_count (
    account text not null, reference text not null, times integer not null,
    primary key (account, reference)
) without rowid;
create table if not exists step (
    payout_id text not null, number integer not null, due_at real not null, status text not null,
    reason text not null, primary key (payout_id, number)
) without rowid;
create index if not exists step_due on step (due_at);
create table if not exists movement (
    id integer primary key, payout_id text not null, reference text not null, direction text not null,
    amount integer not null, currency text not null, at real not null
);
create index if not exists movement_by_reference on movement (reference);
create table if not exists event (
    id text primary key, payout_id text not null, body text not null, created_at real not null
);
create index if not exists event_by_payout on event (payout_id);
create table if not exists delivery (
    id integer primary key, event_id text not null, payout_id text not null, flavour text not null,
    age real not null, due_at real not null, tries integer not null default 0, done_at real,
    answer text not null default ''
);
create index if not exists delivery_due on delivery (due_at) where done_at is null;
"""
TABLES = (
    "purse", "payout", "idempotency", "request_count", "step", "movement", "event", "delivery", "setting",
)  # fmt: skip


class Store:
    def __init__(self, directory: Path):
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(directory / "sandbox.sqlite3", check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        # Readers beside the writer; a commit outlives the process, which is all that a sandbox owes.
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        self._db.executescript(SCHEMA)
        if "dialect" not in [row["name"] for row in self._db.execute("pragma table_info (payout)")]:
            self._db.execute("alter table payout add column dialect text not null default 'native'")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The connection, alone, all or nothing. Not to be nested."""
        with self._lock:
            self._db.execute("begin immediate")
            try:
                yield self._db
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> sqlite3.Row | None:
        with self._lock:
            found: sqlite3.Row | None = self._db.execute(sql, values).fetchone()
            return found

    def setting(self, name: str, default: Any) -> Any:
        found = self.row("select value from setting where name = ?", name)
        return json.loads(found["value"]) if found else default

    def keep_setting(self, name: str, value: Any) -> None:
        with self.transaction() as db:
            db.execute("insert or replace into setting values (?, ?)", (name, json.dumps(value)))

    def clear(self) -> None:
        with self.transaction() as db:
            for table in TABLES:
                db.execute(f"delete from {table}")
