"""C. The list of withdrawals over a million rows, beside the admin, a django-tables2 list and SQL itself.

``python -m bench.queue [--rows N] [--rounds N] [--home FOLDER]`` starts a PostgreSQL of its own, fills it (minutes for
a million; a FOLDER that is named keeps the data for the next time), measures everything in turn, round after round,
and prints one JSON line per goal: the median over the rounds of the ratio within a round. Most goals are "at most".
It exits 0 whether the goals hold or not. Pages are whole requests in process, of a person who is signed in.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlencode

from backoffice.embedded import Services
from bench.blocks import report

SETTINGS = "bench.queue_settings"
ROLES = ("Operator", "Senior", "Fraud")
DEEP_PAGE = 10_000
BLOCK_SECONDS = 0.6
SLOW_SECONDS = 3.0  # what is slower than this is asked once in a block, and not once more beforehand
ENOUGH = 12
PERCENTILE_OF = 60

Figures = dict[str, list[float]]


@contextmanager
def database(home: Path, *, rows: int) -> Iterator[None]:
    """A PostgreSQL and a Valkey in a folder, filled the first time."""
    services = Services(home, durable=True)
    try:
        urls = services.hold()
        own = {"DATABASE_URL": urls.database, "REDIS_URL": urls.redis, "DEBUG": "1", "DJANGO_SETTINGS_MODULE": SETTINGS}
        os.environ.update(own)
        import django

        django.setup()
        if not (home / "filled").exists():
            fill(rows)
            (home / "filled").touch()
        yield
    finally:
        services.release()


def fill(rows: int) -> None:
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from bench import queue_data

    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")  # a crash while filling loses nothing that anybody wants
        queue_data.fill(cursor, rows=rows, staff=[person.pk for person in staff().values()], now=timezone.now())
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("SET synchronous_commit = on")


def staff() -> dict[str, Any]:
    """One person of each role."""
    from django.contrib.auth.models import Group

    from backoffice.accounts.models import User

    people = {}
    for role in ROLES:
        person, _new = User.objects.get_or_create(email=f"{role.lower()}@staff.invalid", name=f"{role} Person")
        person.groups.add(Group.objects.get(name=role))
        people[role] = person
    return people


# Timing -----------------------------------------------------------------------------------------------


@dataclass
class Timed:
    """One thing that is measured: how often a block does it follows from how long it takes."""

    act: Callable[[], Any]
    figures: list[float] = field(default_factory=list)

    def block(self) -> None:
        """Add the median, in ms, of as many as fit a block; the first of many only makes plans and fills caches."""
        first = milliseconds(self.act)
        taken = [first] if first > SLOW_SECONDS * 1000 else []
        while len(taken) < ENOUGH and sum(taken) < BLOCK_SECONDS * 1000:
            taken.append(milliseconds(self.act))
        self.figures.append(median(taken))


def milliseconds(act: Callable[[], Any]) -> float:
    start = time.perf_counter()
    act()
    return (time.perf_counter() - start) * 1000


def page(client: Any, address: str) -> Callable[[], Any]:
    def get() -> None:
        response = client.get(address)
        assert response.status_code in (200, 302, 303), (address, response.status_code)

    return get


def statements_of(act: Callable[[], Any]) -> tuple[int, float]:
    """Return how many statements it takes and how many ms the database needs for them."""
    from django.db import connection

    taken: list[float] = []

    def timed(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        start = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            taken.append((time.perf_counter() - start) * 1000)

    with connection.execute_wrapper(timed):
        act()
    return len(taken), sum(taken)


def asks(sql: str, values: Sequence[Any] = ()) -> Callable[[], Any]:
    """The statement through the same driver and connection, rows fetched."""
    from django.db import connection

    def ask() -> Any:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()

    return ask


class Board:
    """Everything that is measured, by name; goals compare two names."""

    def __init__(self) -> None:
        self.timed: dict[str, Timed] = {}

    def __setitem__(self, name: str, act: Callable[[], Any]) -> None:
        self.timed[name] = Timed(act)

    def sql_of(self, name: str, act: Callable[[], Any]) -> None:
        """Measure only what the database does of it."""
        self.timed[name] = one = Timed(act)

        def block() -> None:
            one.figures.append(median(statements_of(act)[1] for _ in range(ENOUGH)))

        one.block = block  # type: ignore[method-assign]

    def measure(self, rounds: int) -> None:
        """Everything in turn, every second round backwards."""
        for turn in range(rounds):
            for one in list(self.timed.values())[:: -1 if turn % 2 else 1]:
                one.block()

    def goal(self, words: str, ours: str, theirs: str, *, at_most: float, **more: Any) -> None:
        a, b = self.timed[ours].figures, self.timed[theirs].figures
        ratio = median(x / y for x, y in zip(a, b, strict=True))
        figures = {"product_ms": round(median(a), 2), "beside_ms": round(median(b), 2)}
        report(words, ratio=ratio, target=at_most, at_most=True, **figures, **more)


# What is measured ------------------------------------------------------------------------------------

# The list as three people would open it: the product's address, the admin's, the django-tables2 one's, and which
# rows those are for the statements.
VIEWS = {
    "needs a decision": (
        "?view=needs-decision",
        "?state__in=under_review,second_approval",
        "?state=under_review",
        "state IN ('under_review', 'second_approval')",
        "due_at, id",
        "ASC",
    ),
    "all": ("?view=all", "?o=-10", "?order=newest", "true", "requested_at, id", "DESC"),
    "completed": (
        "?view=all&state=completed",
        "?state__exact=completed&o=-10",
        "?state=completed&order=newest",
        "state = 'completed'",
        "requested_at, id",
        "DESC",
    ),
}
_SHOWN = (
    "w.id, w.ref, w.amount, w.fee, w.currency, w.method, w.state, w.risk_score, w.risk_level, w.why, w.routes,"
    " w.requested_at, w.due_at, w.provider, w.reason, p.name, p.ref, p.country, d.label"
)
_JOINED = (
    "withdrawals_withdrawal w JOIN kyc_player p ON p.id = w.player_id"
    " JOIN withdrawals_destination d ON d.id = w.destination_id"
)


def keyset_sql(where: str, order: str, way: str, *, beyond: str = "true", size: int = 26) -> str:
    columns = ", ".join(f"w.{name} {way}" for name in order.split(", "))
    where = where.replace("state", "w.state")
    return f"SELECT {_SHOWN} FROM {_JOINED} WHERE {where} AND {beyond} ORDER BY {columns} LIMIT {size}"


def first_pages(board: Board, client: Any) -> None:
    for name, (ours, admin, tables2, where, order, way) in VIEWS.items():
        product = page(client, f"/withdrawals/{ours}")
        board[f"product {name}"] = product
        board.sql_of(f"product {name}, SQL", product)
        board[f"admin {name}"] = page(client, f"/peers/admin/withdrawals/withdrawal/{admin}")
        board[f"tables2 {name}"] = page(client, f"/peers/tables2/{tables2}")
        board[f"keyset {name}"] = asks(keyset_sql(where, order, way))
        ways = ", ".join(f"{column} {way}" for column in order.split(", "))
        board[f"ids {name}"] = asks(f"SELECT id FROM withdrawals_withdrawal WHERE {where} ORDER BY {ways} LIMIT 26")


def deep_pages(board: Board, client: Any) -> None:
    """Page 10,000: the product gets there by a cursor of its own making, the other by its number."""
    for name in ("all", "completed"):
        ours, _admin, tables2, *_ = VIEWS[name]
        board[f"product deep {name}"] = page(client, f"/withdrawals/{ours}&{urlencode({'after': cursor_into(name)})}")
        board[f"tables2 deep {name}"] = page(client, f"/peers/tables2/{tables2}&page={deep_page()}")


def deep_page() -> int:
    """10,000, or as deep as there are rows."""
    from withdrawals.models import Withdrawal

    return min(DEEP_PAGE, Withdrawal.objects.count() // 2 // 25)


def cursor_into(name: str) -> str:
    from backoffice.ui.paging import Keyset
    from withdrawals.models import Withdrawal

    rows = Withdrawal.objects.filter(state="completed") if name == "completed" else Withdrawal.objects.all()
    at = rows.order_by("-requested_at", "-pk").values_list("requested_at", flat=True)[deep_page() * 25]
    keyset = Keyset.of(rows, "requested_at", descending=True)
    return keyset.page(rows.filter(requested_at__lte=at), size=25, total=0).after or ""


@dataclass(frozen=True)
class Term:
    """Something typed, and the one statement that an exact look-up by its shape would be."""

    kind: str
    text: str
    exact: str


def terms() -> list[Term]:
    from withdrawals.models import PayoutAttempt, Withdrawal

    middle = Withdrawal.objects.count() // 2
    paid = PayoutAttempt.objects.filter(withdrawal_id__gt=middle, state="paid").order_by("withdrawal_id").first()
    assert paid is not None
    row = Withdrawal.objects.select_related("player", "destination").get(pk=paid.withdrawal_id)
    player = row.player
    of_player = "p.{} = %s"
    return [
        Term("e-mail", player.email, of_player.format("email")),
        Term("player id", player.ref, of_player.format("ref")),
        Term("platform id", player.external_id, of_player.format("external_id")),
        Term("reference", row.ref, "w.ref = %s"),
        Term(
            "provider's reference",
            paid.provider_reference,
            "w.id IN (SELECT withdrawal_id FROM withdrawals_payoutattempt"
            " WHERE provider IN ('northgate', 'volta') AND provider_reference = %s)",
        ),
        Term(
            "name",
            player.name,
            "w.player_id IN (SELECT id FROM kyc_player WHERE to_tsvector('simple'::regconfig,"
            " COALESCE(folded_name, '')) @@ plainto_tsquery('simple', %s) ORDER BY name, id LIMIT 20)",
        ),
        Term(
            "last 4",
            row.destination.label[-4:],
            "w.destination_id IN (SELECT id FROM withdrawals_destination WHERE right(label, 4) = %s"
            " ORDER BY id DESC LIMIT 500)",
        ),
    ]


def searches(board: Board, client: Any) -> None:
    from withdrawals import queries

    def found(text: str) -> Callable[[], Any]:
        def find() -> Any:
            named = queries.found_by(text, people=True, destinations=True)
            return list(queries.withdrawals().filter(named).order_by("-requested_at", "-pk")[:26])

        return find

    for term in terms():
        typed = urlencode({"q": term.text})
        board[f"product {term.kind}"] = page(client, f"/withdrawals/?view=all&{typed}")
        board[f"tables2 {term.kind}"] = page(client, f"/peers/tables2/?order=newest&{typed}")
        board[f"find {term.kind}"] = found(term.text)
        exact = f"SELECT {_SHOWN} FROM {_JOINED} WHERE {term.exact} ORDER BY w.requested_at DESC, w.id DESC LIMIT 26"
        board[f"exact {term.kind}"] = asks(exact, [term.text])


def counts(board: Board, person: Any) -> dict[str, int]:
    """Count each tab by itself and all together; return what each of them counts to."""
    from django.test import RequestFactory

    from backoffice.ui.paging import capped_counts
    from withdrawals import queries
    from withdrawals.views.tabs import tabs_for

    request = RequestFactory().get("/withdrawals/")
    request.user = person
    rows = {tab.slug: tab.narrow(queries.withdrawals(), request) for tab in tabs_for(person)}
    for slug, queryset in rows.items():
        board.sql_of(f"count {slug}", lambda queryset=queryset: capped_counts([queryset]))
    board.sql_of("count together", lambda: capped_counts(list(rows.values())))
    return dict(zip(rows, capped_counts(list(rows.values())), strict=True))


def server_times(client: Any) -> None:
    """E: the 95th percentile of the pages that people wait for, each address another one."""
    from withdrawals.models import Withdrawal

    waiting = list(Withdrawal.objects.filter(state="under_review").order_by("-pk").values_list("ref", flat=True)[:500])
    names = list(Withdrawal.objects.order_by("-pk").values_list("player__name", flat=True)[:PERCENTILE_OF])
    pages = {
        "C5 list": (200, ["/withdrawals/", "/withdrawals/?view=all"] * (PERCENTILE_OF // 2)),
        "C5 decision page": (250, [f"/withdrawals/{ref}/?view=needs-decision" for ref in waiting[-PERCENTILE_OF:]]),
        "C5 go, a reference": (120, [f"/go/?{urlencode({'q': ref})}" for ref in waiting[:PERCENTILE_OF]]),
        "C5 go, a name": (120, [f"/go/?{urlencode({'q': name})}" for name in names]),
        "C5 next": (150, ["/withdrawals/next/?view=needs-decision"] * PERCENTILE_OF),
    }
    for goal, (allowed, addresses) in pages.items():
        page(client, addresses[0])()
        taken = [milliseconds(page(client, address)) for address in addresses]
        figures = {"p95_ms": round(quantiles(taken, n=20)[-1], 1), "median_ms": round(median(taken), 1)}
        statements = statements_of(page(client, addresses[-1]))[0]
        report(
            f"{goal}: p95 beside the {allowed} ms allowed",
            ratio=figures["p95_ms"] / allowed,
            target=1.0,
            at_most=True,
            **figures,
            statements=statements,
        )


# The report -------------------------------------------------------------------------------------------


def report_pages(board: Board, client: Any) -> None:
    for name, (ours, *_rest) in VIEWS.items():
        statements = statements_of(page(client, f"/withdrawals/{ours}"))[0]
        mine = f"product {name}"
        board.goal(
            f"C1 first page of {name} beside django-tables2",
            mine,
            f"tables2 {name}",
            at_most=0.3,
            statements=statements,
        )
        board.goal(f"C1 first page of {name} beside the admin", mine, f"admin {name}", at_most=0.05)
        ids = round(median(board.timed[f"ids {name}"].figures), 2)
        board.goal(
            f"C1 all statements of the first page of {name} beside the rows alone in raw SQL",
            f"{mine}, SQL",
            f"keyset {name}",
            at_most=3,
            ids_only_ms=ids,
        )
    for name in ("all", "completed"):
        board.goal(f"C2 page 10,000 of {name} beside our first", f"product deep {name}", f"product {name}", at_most=1.5)
        board.goal(
            f"C2 page 10,000 of {name} beside django-tables2's",
            f"product deep {name}",
            f"tables2 deep {name}",
            at_most=0.02,
        )


def report_searches(board: Board) -> None:
    for term in terms():
        board.goal(
            f"C3 search by {term.kind} beside OR of icontains",
            f"product {term.kind}",
            f"tables2 {term.kind}",
            at_most=0.01,
        )
        board.goal(
            f"C3 rows found by {term.kind} beside its exact look-up in raw SQL",
            f"find {term.kind}",
            f"exact {term.kind}",
            at_most=10,
        )


def report_counts(board: Board, counted: dict[str, int]) -> None:
    for slug, number in counted.items():
        taken = median(board.timed[f"count {slug}"].figures)
        shown = "10,000+" if number > 10_000 else number
        report(f"C4 count of {slug} beside 1 ms", ratio=taken, target=1.0, at_most=True, counted=shown)
    statements, _ms = statements_of(board.timed["count together"].act)
    together = round(median(board.timed["count together"].figures), 2)
    report("C4 statements that count all views", ratio=statements, target=1, at_most=True, ms=together)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="how many withdrawals")
    parser.add_argument("--rounds", type=int, default=3, help="how often each block is measured")
    parser.add_argument("--home", type=Path, help="keep the database here and use it again")
    options, _others = parser.parse_known_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # stop the servers and clear up then, too
    home = options.home or Path(tempfile.mkdtemp(prefix="pd-bench-"))
    try:
        with database(home, rows=options.rows):
            run(options.rounds)
    finally:
        if options.home is None:
            shutil.rmtree(home, ignore_errors=True)


def say_machine() -> None:
    """Ratios of a machine that others use as well are to be read with what it had to do besides."""
    load = [round(one, 1) for one in os.getloadavg()]
    print(json.dumps({"machine": {"cores": os.cpu_count(), "load": load}}), flush=True)


def run(rounds: int) -> None:
    from django.test import Client

    say_machine()

    person, client, board = staff()["Senior"], Client(), Board()
    client.force_login(person)
    first_pages(board, client)
    deep_pages(board, client)
    searches(board, client)
    counted = counts(board, person)
    board.measure(rounds)
    report_pages(board, client)
    report_searches(board)
    report_counts(board, counted)
    server_times(client)
    say_machine()


if __name__ == "__main__":
    main()
