"""Replay a file of recorded payments through the same use-cases as the API, and say what became of it."""

import json
import signal
import sys
import time
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from backoffice.money import format_money
from backoffice.platform import draining, payments_file, replay, replay_report
from backoffice.platform.payments_file import CURRENCY, NotPaymentsFile


class Command(BaseCommand):
    help = "Replay recorded payments, each event at its own time, and say what became of them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a CSV file, plain or gzipped")
        parser.add_argument("--customers", type=int, metavar="N", help="only the first N customers of the file")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of sentences")

    def handle(self, *_args: Any, **options: Any) -> None:
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        if options["customers"] is not None and options["customers"] < 1:
            raise CommandError("--customers takes a number of at least 1.")
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started here is stopped
        begun = time.monotonic()
        # A bar on a terminal only; never beside --json, whose reader may merge both streams.
        self.quiet = options["json"] or not sys.stderr.isatty()
        try:
            taken, intake_seconds = self._take_in(path, options["customers"])
        except NotPaymentsFile as problem:
            raise CommandError(str(problem)) from problem
        try:
            drained = self._drain()
        except draining.SandboxNotStarted as problem:
            raise CommandError(f"{problem} The payments are taken in; their payouts wait.") from problem
        report = replay_report.make(taken, drained, intake_seconds=intake_seconds, seconds=time.monotonic() - begun)
        if options["json"]:
            self.stdout.write(json.dumps(report))
        else:
            self._tell(report, taken)

    def _take_in(self, path: Path, customers: int | None) -> tuple[replay.Replay, float]:
        begun = time.monotonic()
        taken = replay.Replay(customers=customers)
        total = 0 if self.quiet else payments_file.count_rows(path)
        with tqdm(total=total, unit=" rows", desc="Taking in", disable=self.quiet) as bar:
            for rows in taken.run(payments_file.read(path, now=timezone.now())):
                bar.update(rows)
        return taken, time.monotonic() - begun

    def _drain(self) -> draining.Drained:
        with tqdm(unit=" withdrawals", desc="Working off", disable=self.quiet) as bar:

            def watch(left: Counter[str]) -> None:
                bar.total = max(bar.total or 0, left.total())
                bar.update(bar.total - left.total() - bar.n)

            return draining.drain(source=replay.SOURCE, watch=watch)

    def _tell(self, report: dict[str, Any], taken: replay.Replay) -> None:
        say = self.stdout.write
        rows = report["rows"]
        say(f"All {rows:,} rows accounted for:")
        for category, count in report["accounted"].items():
            say(f"  {count:>9,}  {category}")
        say("Refused:")
        for reason, count in report["refused"].items():
            lines = ", ".join(f"line {r.line} ({r.words})" for r in taken.tally.examples[reason])
            say(f"  {count:>9,}  {reason}: {lines}")
        play = report["inferred_play"]
        say("Not in the record, and therefore inferred:")
        say(f"  {report['players_new']:,} players, each with an identity verified to level 2 from their first event on")
        say(f"  {play['count']:,} wins, {_money(play['amount'])}, after stakes of {_money(play['staked'])}")
        say(f"  {report['inferred_sign_ins']:,} sign-ins, each from the player's own device")
        say(f"Withdrawals ({report['withdrawals_known']:,} of them known from an earlier replay):")
        for state, count in report["withdrawals_by_state"].items():
            say(f"  {count:>9,}  {state}")
        say("Why those under review need a person (one may have several reasons):")
        for reason, count in report["review_reasons"].items():
            say(f"  {count:>9,}  {reason}")
        say(f"Ledger, all accounts in {CURRENCY}:")
        for line in report["ledger"]:
            if line["currency"] == CURRENCY:
                say(f"  {line['kind']:<20} {_money(line['amount']):>18}")
        self._tell_the_end(report)

    def _tell_the_end(self, report: dict[str, Any]) -> None:
        say = self.stdout.write
        for name, count in report["invariants"].items():
            if count:
                say(f"Breach of {name}: {count} rows (manage.py verify names them)")
        if report["unfinished"]:
            left = ", ".join(f"{count} {state}" for state, count in report["unfinished"].items())
            say(f"Nothing moves any more; still open: {left}.")
        say(
            f"{report['rows']:,} rows taken in within {report['intake_seconds']} s "
            f"({report['events_per_second']:,} a second); worked off by {report['worked_off_by']} "
            f"within {report['drain_seconds']} s."
        )
        say(f"All {report['rows']:,} rows accounted for, {report['invariant_breaches']} invariant breaches.")


def _money(amount: int) -> str:
    return format_money(amount, CURRENCY)
