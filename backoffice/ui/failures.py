"""What could not be made, under a reference that stands on the page and in the log."""

import logging
import secrets
from dataclasses import dataclass

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lost:
    """A part of a page that could not be loaded, in words, and the reference of its line in the log."""

    what: str
    code: str


def lost(what: str, *, of: str) -> Lost:
    """Log the exception that is being handled and return what the page says of it. ``of``: the page or record."""
    code = secrets.token_hex(3).upper()
    logger.exception("Could not load %s of %s; reference %s.", what, of, code)
    return Lost(what, code)
