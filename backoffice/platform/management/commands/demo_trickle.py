"""Invent a request every few seconds, until told to stop."""

import logging
import random
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from backoffice.money import format_money
from backoffice.platform.invented import trickle
from backoffice.platform.operations import EventRefused
from withdrawals.exceptions import RequestRefused

logger = logging.getLogger(__name__)

EVERY = 8.0
# While the database is away, the pauses grow up to this long.
LONGEST_PAUSE = 60.0


class Command(BaseCommand):
    help = "Keep inventing requests of demonstration players, mostly small and unremarkable."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--every", type=float, default=EVERY, metavar="SECONDS")
        parser.add_argument("--most", type=int, metavar="N", help="stop by itself after so many")

    def handle(self, *_args: Any, **options: Any) -> None:
        every: float = options["every"]
        if not 0 < every <= 86_400:
            raise CommandError("--every takes a number of seconds above zero, one day at most.")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        chance = random.Random()  # noqa: S311 - invents requests, no secrets
        done, pause = 0, every
        while not stop.wait(pause) and done != options["most"]:
            pause = every if self._once(chance) else min(pause * 2, LONGEST_PAUSE)
            done += 1
        self.stdout.write(f"Stopped after {done} requests.")

    def _once(self, chance: random.Random) -> bool:
        """Invent one; return False when the database could not be used, and it is better to wait."""
        try:
            arrived = trickle.arrive(now=timezone.now(), chance=chance)
        except (OperationalError, InterfaceError) as error:
            logger.warning("No new request: the database does not answer (%s).", type(error).__name__)
            connection.close()
            return False
        except (RequestRefused, EventRefused) as refusal:
            logger.warning("No new request: %s", refusal)
            return True
        withdrawal = arrived.withdrawal
        amount = format_money(withdrawal.amount, withdrawal.currency)
        self.stdout.write(f"{withdrawal.ref} {amount} {withdrawal.player.name} ({arrived.words})")
        return True
