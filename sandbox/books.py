"""The ledger of money out, and the oracle that reads it: what really left, whatever anybody was told."""

import sqlite3
from typing import Any

from sandbox.store import Store

GONE_WRONG = ("failed", "cancelled", "returned")


def debit(db: sqlite3.Connection, account: str, currency: str, amount: int, opening: int) -> bool:
    """Take `amount` out of the float; False, with nothing changed, if there is too little."""
    db.execute("insert or ignore into purse values (?, ?, ?)", (account, currency, opening))
    taken = db.execute(
        "update purse set available = available - ? where account = ? and currency = ? and available >= ?",
        (amount, account, currency, amount),
    )
    return taken.rowcount == 1


def book(db: sqlite3.Connection, payout: sqlite3.Row, status: str, now: float) -> str:
    """Move the money as a change to `status` demands.

    Returns where it is afterwards: reserved, out, back (was out), released (never was out).
    """
    money: str = payout["money"]
    if status == "paid" and money != "out":
        _move(db, payout, "out", now)
        if money != "reserved":
            _to_purse(db, payout, -payout["amount"])
        return "out"
    if status in GONE_WRONG and money in ("out", "reserved"):
        if money == "out":
            _move(db, payout, "back", now)
        _to_purse(db, payout, payout["amount"])
        return "back" if money == "out" else "released"
    return money


def oracle(store: Store, reference: str | None = None) -> list[dict[str, Any]]:
    """Per reference: how many payouts were accepted, how often and how much money went out and came back."""
    where, values = ("where p.reference = ?", [reference]) if reference is not None else ("", [])
    found = store.rows(
        f"""
        select p.reference, p.currency, count(distinct p.id) as accepted,
               count(m.id) filter (where m.direction = 'out') as paid_times,
               coalesce(sum(m.amount) filter (where m.direction = 'out'), 0) as money_out,
               coalesce(sum(m.amount) filter (where m.direction = 'back'), 0) as money_back
        from payout p left join movement m on m.payout_id = p.id {where}
        group by p.reference, p.currency order by p.reference, p.currency
        """,
        *values,
    )
    return [{**row, "net_out": row["money_out"] - row["money_back"]} for row in map(dict, found)]


def statement(store: Store, reference: str | None = None) -> list[dict[str, Any]]:
    """One line per accepted payout; status: accepted, settled, returned, failed or cancelled."""
    rows = store.rows(
        "select * from payout where ? is null or reference = ? order by created_at, id", reference, reference
    )
    return [
        {
            "provider": row["account"],
            "provider_ref": row["id"],
            "idem_key": row["key"],
            "amount": row["amount"],
            "currency": row["currency"],
            "status": _statement_status(row),
            "customer_ref": row["reference"],
        }
        for row in rows
    ]


def _statement_status(payout: sqlite3.Row) -> str:
    if payout["money"] == "released":
        return str(payout["status"])
    return {"reserved": "accepted", "out": "settled", "back": "returned"}[payout["money"]]


def _move(db: sqlite3.Connection, payout: sqlite3.Row, direction: str, now: float) -> None:
    db.execute(
        "insert into movement (payout_id, reference, direction, amount, currency, at) values (?, ?, ?, ?, ?, ?)",
        (payout["id"], payout["reference"], direction, payout["amount"], payout["currency"], now),
    )


def _to_purse(db: sqlite3.Connection, payout: sqlite3.Row, amount: int) -> None:
    db.execute(
        "update purse set available = available + ? where account = ? and currency = ?",
        (amount, payout["account"], payout["currency"]),
    )
