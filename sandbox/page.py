"""The control plane as a page for people: payouts, faults, clock and what the oracle says."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from html import escape
from typing import Any

from sandbox import books
from sandbox.courier import Courier
from sandbox.engine import Engine
from sandbox.stories import STORIES, story
from sandbox.switches import SCENARIOS

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem;color:#1b1f24}
h2{margin:2rem 0 .5rem;font-size:1.1rem}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #d8dee4;vertical-align:top}
.n{text-align:right;font-variant-numeric:tabular-nums}form{display:inline}button,select,input{font:inherit}
fieldset{border:1px solid #d8dee4;display:grid;gap:.4rem 1rem}
fieldset{grid-template-columns:repeat(auto-fill,minmax(15rem,1fr))}
label{display:flex;justify-content:space-between;gap:.5rem}input[type=number]{width:7rem}.bad{color:#b42318;font-weight:600}
"""
FORGED = ("bad_signature", "other_key", "stale", "reserialised", "amount", "currency", "reference", "account")


def render(engine: Engine, courier: Courier, query: Mapping[str, str]) -> bytes:
    reference = query.get("reference", "")
    parts = (
        _top(engine, courier), _scenarios(), _faults(engine), _oracle(engine, reference),
        _payouts(engine, reference), _stories(),
    )  # fmt: skip
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Sandbox provider</title>'
    return (f"{head}<style>{STYLE}</style><h1>Sandbox provider</h1>" + "".join(parts) + "</html>").encode()


def _top(engine: Engine, courier: Courier) -> str:
    clock = datetime.fromtimestamp(engine.now(), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    waiting = engine.store.rows("select count(*) as n from delivery where done_at is null")[0]["n"]
    url = escape(courier.url or "nobody: they wait here to be fetched")
    return (
        f"<p>Clock {clock}. Webhooks go to {url}; {waiting} still to be delivered.</p>"
        + _form("clock", '<input type="number" name="advance" value="60" min="0"> s', "Advance the clock")
        + " "
        + _form("reset", "", "Reset everything")
    )


def _scenarios() -> str:
    options = "".join(f"<option>{escape(name)}</option>" for name in SCENARIOS)
    chooser = f'<select name="name" aria-label="Scenario">{options}</select>'
    return "<h2>Scenarios</h2>" + _form("scenarios", chooser, "Play")


def _faults(engine: Engine) -> str:
    fields = []
    for name, value in asdict(engine.switches).items():
        label = escape(name.replace("_", " "))
        if isinstance(value, bool):
            options = "".join(
                f'<option value="{word}"{" selected" if value is state else ""}>{word}</option>'
                for word, state in (("off", False), ("on", True))
            )
            field = f'<select name="{name}">{options}</select>'
        else:
            field = f'<input type="number" step="any" name="{name}" value="{value}">'
        fields.append(f"<label>{label} {field}</label>")
    return "<h2>Faults</h2>" + _form("faults", f"<fieldset>{''.join(fields)}</fieldset>", "Switch")


def _oracle(engine: Engine, reference: str) -> str:
    rows = books.oracle(engine.store, reference or None)
    twice = [row["reference"] for row in rows if row["accepted"] > 1]
    totals: dict[str, list[int]] = {}
    for row in rows:
        total = totals.setdefault(row["currency"], [0, 0, 0])
        for position, name in enumerate(("money_out", "money_back", "net_out")):
            total[position] += row[name]
    body = "".join(
        f"<tr><td>{escape(currency)}</td>{''.join(f'<td class=n>{figure}</td>' for figure in total)}</tr>"
        for currency, total in sorted(totals.items())
    )
    verdict = f'<p class="bad">Accepted more than once: {escape(", ".join(twice))}</p>' if twice else ""
    return (
        f"<h2>Oracle: {len(rows)} references, minor units</h2>{verdict}"
        f"<table><tr><th>Currency<th class=n>Out<th class=n>Back<th class=n>Net</tr>{body}</table>"
    )


def _payouts(engine: Engine, reference: str) -> str:
    rows = engine.store.rows(
        "select * from payout where ? = '' or reference = ? order by created_at desc, id limit 100",
        reference, reference,
    )  # fmt: skip
    head = "<tr><th>Payout<th>Account<th>Reference<th class=n>Amount<th>Status<th>Story<th>Do</tr>"
    search = (
        f'<form><input name="reference" aria-label="Reference" value="{escape(reference)}"> '
        "<button>Find reference</button></form>"
    )
    return f"<h2>Payouts, newest first</h2>{search}<table>{head}{''.join(map(_payout, rows))}</table>"


def _payout(payout: Any) -> str:
    at = f"payouts/{payout['id']}/"
    kinds = "".join(f"<option>{kind}</option>" for kind in FORGED)
    actions = (
        _form(at + "push", "", "Push"),
        _form(at + "push", '<input type="hidden" name="status" value="failed">', "Fail"),
        _form(at + "return", "", "Return"),
        _form(at + "duplicate-webhook", "", "Webhook again"),
        _form(at + "resend-oldest", "", "Oldest again"),
        _form(at + "forge", f'<select name="kind" aria-label="Kind of forgery">{kinds}</select>', "Forge"),
    )
    told = escape(story(payout["story"]).words) if payout["story"] else ""
    cells = (escape(str(payout[name])) for name in ("id", "account", "reference"))
    return (
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells)
        + f'<td class="n">{payout["amount"]} {escape(payout["currency"])}</td>'
        + f"<td>{escape(payout['status'])} {escape(payout['reason'])}</td>"
        + f"<td>{told}</td><td>{' '.join(actions)}</td></tr>"
    )  # fmt: skip


def _stories() -> str:
    rows = "".join(f"<tr><td>{number}</td><td>{escape(told.words)}</td></tr>" for number, told in STORIES.items())
    return f"<h2>Magic amounts, modulo 1000</h2><table>{rows}</table>"


def _form(action: str, fields: str, button: str) -> str:
    start = f'<form method="post" action="/_control/{escape(action)}">'
    return f"{start}{fields} <button>{escape(button)}</button></form>"
