"""The control plane under /_control/: what a tester, or a test, does to the provider.

JSON in and out; a browser's form posts are sent back to the page. No authentication: keep it on a
machine or network where everybody may do all of this.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qsl

from sandbox import books, outbox, page
from sandbox.courier import Courier
from sandbox.engine import Describe, Engine
from sandbox.stories import STORIES
from sandbox.switches import SCENARIOS, Switches
from sandbox.wire import Reply, Request, as_json, as_problem

PREFIX = "/_control/"
# What a forged webhook changes in the truth; the signature is good unless the flavour says otherwise.
FORGERIES: dict[str, dict[str, Any]] = {
    "bad_signature": {}, "other_key": {}, "stale": {}, "reserialised": {},
    "amount": {"amount": 1}, "currency": {"currency": "XTS"}, "reference": {"reference": "WD-0000-0000"},
    "account": {"account": "somebody-else"}, "unknown_event": {"status": "in_orbit"},
}  # fmt: skip


@dataclass(frozen=True)
class Control:
    engine: Engine
    courier: Courier
    describe: Describe

    def answer(self, request: Request) -> Reply:
        try:
            said = self._said(request)
            return self._route(request, said)
        except ValueError as error:
            return as_problem(400, "invalid_request", str(error))

    def _route(self, request: Request, said: dict[str, Any]) -> Reply:
        reference = request.query.get("reference")
        match request.method, request.path.removeprefix(PREFIX).strip("/").split("/"):
            case "GET", [""]:
                return Reply(200, page.render(self.engine, self.courier, request.query), "text/html; charset=utf-8")
            case "GET", ["payouts"]:
                return as_json(200, {"payouts": self.payouts(reference, request.query.get("status"))})
            case "POST", ["payouts", payout_id, action] if action in ACTIONS:
                done = ACTIONS[action](self, payout_id, said)
                return self._done(request, {"done": done}, 200 if done else 409)
            case "GET", ["oracle"]:
                return as_json(200, self.oracle(reference))
            case "GET", ["faults"]:
                return as_json(200, asdict(self.engine.switches))
            case "POST", ["faults"]:
                return self._done(request, asdict(self.engine.set_switches(said)))
            case "GET", ["scenarios"]:
                return as_json(200, SCENARIOS)
            case "POST", ["scenarios"]:
                return self._done(request, asdict(self.play_scenario(str(said.get("name")))))
            case "GET", ["stories"]:
                return as_json(200, {str(number): told.words for number, told in STORIES.items()})
            case "POST", ["clock"]:
                self.engine.advance_clock(_number(said, "advance"))
                return self._done(request, {"now": self.engine.now()})
            case "GET", ["clock"]:
                return as_json(200, {"now": self.engine.now()})
            case "POST", ["balance"]:
                account, currency = str(said.get("account", "main")), str(said.get("currency", ""))
                self.engine.set_balance(account, currency, int(_number(said, "available")))
                return self._done(request, {"balances": self.engine.balance(account)})
            case "GET", ["deliveries"]:
                return as_json(200, {"deliveries": self.deliveries(reference)})
            case "POST", ["deliveries", delivery_id, "answer"]:
                self.courier.settle(int(delivery_id), str(said.get("status")), done=True)
                return as_json(200, {"done": True})
            case "POST", ["webhook-url"]:
                self.engine.store.keep_setting("webhook_url", str(said.get("url", "")))
                return self._done(request, {"url": self.courier.url})
            case "POST", ["reset"]:
                self.engine.reset()
                return self._done(request, {"done": True})
        return as_problem(404, "not_found", "The control plane has nothing at this address.")

    def payouts(self, reference: str | None = None, status: str | None = None) -> list[dict[str, Any]]:
        rows = self.engine.store.rows(
            "select * from payout where (? is null or reference = ?) and (? is null or status = ?)"
            " order by created_at desc, id limit 500",
            reference, reference, status, status,
        )  # fmt: skip
        return [dict(row) for row in rows]

    def oracle(self, reference: str | None) -> dict[str, Any]:
        """What really happened, whatever anybody was told. Amounts in minor units."""
        references = books.oracle(self.engine.store, reference)
        twice = [row["reference"] for row in references if row["accepted"] > 1]
        statement = books.statement(self.engine.store, reference)
        return {"references": references, "accepted_more_than_once": twice, "stmt": statement}

    def deliveries(self, reference: str | None) -> list[dict[str, Any]]:
        """Webhooks with the headers and body they would be sent with now."""
        found = self.courier.find("? is null or p.reference = ?", reference, reference)
        names = (
            "id",
            "event_id",
            "payout_id",
            "account",
            "reference",
            "flavour",
            "due_at",
            "tries",
            "done_at",
            "answer",
        )
        shown = []
        for row in found[-1000:]:
            headers, body = self.courier.letter(row)
            shown.append({name: row[name] for name in names} | {"headers": headers, "body": body.decode()})
        return shown

    def play_scenario(self, name: str) -> Switches:
        """Exactly the faults of a named set: everything else back to normal."""
        if name not in SCENARIOS:
            raise ValueError(f"There is no scenario named {name}.")
        return self.engine.set_switches(asdict(Switches()) | SCENARIOS[name])

    def push(self, payout_id: str, said: dict[str, Any]) -> bool:
        return self.engine.push(payout_id, str(said.get("status", "")), str(said.get("reason", "")))

    def send_back(self, payout_id: str, said: dict[str, Any]) -> bool:
        reason = str(said.get("reason", "beneficiary_refused"))
        return self.engine.push(payout_id, "returned", reason, only_from=("paid",))

    def send_again(self, payout_id: str, said: dict[str, Any], *, oldest: bool = False) -> bool:
        """The newest event (or the oldest) once more, under the same id. `age` backdates its timestamp."""
        order = "asc" if oldest else "desc"
        event = self.engine.store.row(
            f"select id from event where payout_id = ? order by created_at {order}, rowid {order} limit 1",
            payout_id,
        )
        if event is None:
            return False
        with self.engine.store.transaction() as db:
            outbox.queue(db, event["id"], payout_id, self.engine.now(), age=_number(said, "age", 0))
        return True

    def forge(self, payout_id: str, said: dict[str, Any]) -> bool:
        """A webhook that must change nothing at the receiver. `kind` is one of FORGERIES."""
        kind = str(said.get("kind", "bad_signature"))
        if kind not in FORGERIES:
            raise ValueError("kind is one of " + ", ".join(FORGERIES) + ".")
        payout = self.engine.store.row("select * from payout where id = ?", payout_id)
        if payout is None:
            return False
        flavour, age = (kind if kind in outbox.FLAVOURS else "good"), (3600 if kind == "stale" else 0)
        told = {**dict(payout), "status": "paid", **FORGERIES[kind], "sequence": payout["sequence"] + 1}
        if kind == "amount":
            told["amount"] = payout["amount"] + 1
        event_id, now = outbox.new_event_id(), self.engine.now()
        with self.engine.store.transaction() as db:
            outbox.keep_event(db, event_id, payout_id, self.describe(told, event_id, now), now)
            outbox.queue(db, event_id, payout_id, now, flavour, age)
        return True

    def _said(self, request: Request) -> dict[str, Any]:
        if request.method != "POST" or not request.body:
            return {}
        if "json" not in request.headers.get("Content-Type", ""):
            return dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        said = json.loads(request.body)
        if not isinstance(said, dict):
            raise ValueError("The body is not an object.")
        return said

    def _done(self, request: Request, value: dict[str, Any], status: int = 200) -> Reply:
        if request.wants_page():
            return Reply(303, headers={"Location": PREFIX})
        return as_json(status, value)


ACTIONS: dict[str, Callable[[Control, str, dict[str, Any]], bool]] = {
    "push": Control.push,
    "return": Control.send_back,
    "duplicate-webhook": Control.send_again,
    "resend-oldest": lambda control, payout_id, said: control.send_again(payout_id, said, oldest=True),
    "forge": Control.forge,
}


def _number(said: dict[str, Any], name: str, default: float | None = None) -> float:
    try:
        return float(said.get(name, default))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise ValueError(f"{name} is a number.") from None
