"""Check every invariant over the read-only views; exit 1 naming the first breach."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from backoffice.audit import seals
from withdrawals import verification


class Command(BaseCommand):
    help = "Check the invariants of money, states and audit; exit 1 naming the first breach."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the counts as one JSON object")
        parser.add_argument("--at-rest", action="store_true", help="also what holds only when nothing is in flight")
        parser.add_argument(
            "--seals", type=Path, help="a file of seal_audit to compare with; without it the usual one, if there is one"
        )
        parser.add_argument("--statement", type=Path, help="JSON list of the providers' own rows to compare with")

    def handle(self, *_args: Any, **options: Any) -> None:
        statement = json.loads(options["statement"].read_text()) if options["statement"] else None
        results = verification.check(statement=statement, at_rest=options["at_rest"])
        if options["seals"] or settings.AUDIT_SEALS.exists():
            fault = seals.first_fault(options["seals"] or settings.AUDIT_SEALS)
            results.append(verification.Breach("SEAL", "audit chains extend their seals", int(bool(fault)), fault))
        breaches = sum(result.count for result in results)
        if options["json"]:
            counts = {result.name: result.count for result in results}
            self.stdout.write(json.dumps({"invariants": counts, "breaches": breaches}))
        else:
            for result in results:
                mark = "holds" if not result.count else f"{result.count} rows in breach"
                self.stdout.write(f"{result.name:<6} {mark:<24} {result.words}")
        broken = next((result for result in results if result.count), None)
        if broken is not None:
            self.stderr.write(f"Breach of {broken.name} ({broken.words}), first row: {broken.first}")
            sys.exit(1)
        if not options["json"]:
            self.stdout.write(f"All {len(results)} invariants hold.")
