"""Who did something: a member of staff, or a named machine. There is no anonymous change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


@dataclass(frozen=True, slots=True)
class Machine:
    """A named worker or a calling system, such as ``screening`` or ``platform:demo``."""

    name: str

    def __str__(self) -> str:
        return self.name


SCREENING = Machine("screening")
PAYOUTS = Machine("payouts")
SWEEPER = Machine("sweeper")

# What the machines are called where people read of them.
_WORDS = {
    "screening": "the checks",
    "payouts": "the payout worker",
    "sweeper": "the clock",
    "platform": "the platform",
    "sign-in": "the sign-in",
    "session-limit": "the session limit",
}


def machine_words(name: str) -> str:
    """Return what a machine is called: ``the checks``; of an unknown one its own name, without its kind."""
    kind, _, rest = name.partition(":")
    return _WORDS.get(kind) or rest or name


Actor = Union["AbstractBaseUser", Machine]


def name_of(actor: Actor) -> str:
    """Return the name that the ledger and the logs keep: ``screening`` or ``staff:12``."""
    return actor.name if isinstance(actor, Machine) else f"staff:{actor.pk}"
