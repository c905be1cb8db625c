"""The nudge: an optional wake-up of the workers. The sweeper is the guarantee."""

import logging

from celery import current_app
from django.db import transaction

logger = logging.getLogger(__name__)


def after_commit(step: str) -> None:
    """Wake the workers for a step once the transaction is committed.

    A dead broker must not make a committed decision look like an error, so whatever goes wrong here
    is logged and left to the sweeper.
    """

    def send() -> None:
        try:
            current_app.send_task(f"withdrawals.{step}", ignore_result=True)
        except Exception:
            logger.warning("No nudge for %s: the broker did not answer. The sweeper will find the work.", step)

    transaction.on_commit(send, robust=True)
