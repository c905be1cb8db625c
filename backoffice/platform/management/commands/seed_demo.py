"""Fill an empty installation with the demonstration; what is there already stays as it is."""

import logging
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from tqdm import tqdm

from backoffice import demo
from backoffice.platform.invented import seeding
from backoffice.platform.invented.people import PLAYERS
from backoffice.platform.invented.visits import SOURCE


class Command(BaseCommand):
    help = "Make the invented staff, API client, players and withdrawals of the demonstration."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quiet", action="store_true", help="no progress bar and no summary")

    def handle(self, *_args: Any, **options: Any) -> None:
        begun = time.monotonic()
        quiet = options["quiet"] or not sys.stderr.isatty()
        with _no_alarms(), tqdm(total=len(PLAYERS), unit=" players", desc="Inventing", disable=quiet) as bar:
            made = seeding.seed(now=timezone.now(), watch=bar.update)
        if options["quiet"]:
            return
        self.stdout.write(
            f"Made {made.staff} staff, {made.clients} API client, {made.players} players and "
            f"{made.withdrawals} withdrawals in {time.monotonic() - begun:.1f} s. All of them are invented."
        )
        self.stdout.write(f"The API client has the key id {SOURCE} and the secret {demo.API_SECRET}.")


@contextmanager
def _no_alarms() -> Iterator[None]:
    """What the invented past holds for people to find is no alarm of today."""
    logger = logging.getLogger("withdrawals.operations.findings")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
