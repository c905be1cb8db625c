"""The nudge: an optional wake-up of the workers. The sweeper is the guarantee."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from celery import current_app
from django.db import transaction

logger = logging.getLogger(__name__)

_muted: ContextVar[bool] = ContextVar("muted", default=False)


@contextmanager
def muted() -> Iterator[None]:
    """Wake nobody meanwhile: for a bulk of work that would flood the broker with one message for each."""
    token = _muted.set(True)
    try:
        yield
    finally:
        _muted.reset(token)


def after_commit(step: str) -> None:
    """Wake the workers for a step once the transaction is committed.

    A dead broker must not make a committed decision look like an error, so whatever goes wrong here
    is logged and left to the sweeper.
    """
    if _muted.get():
        return

    def send() -> None:
        try:
            # One that waited longer than this is old news: the sweeper has said it again since.
            current_app.send_task(f"withdrawals.{step}", ignore_result=True, expires=10)
        except Exception:
            logger.warning("No nudge for %s: the broker did not answer. The sweeper will find the work.", step)

    transaction.on_commit(send, robust=True)
