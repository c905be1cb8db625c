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

Actor = Union["AbstractBaseUser", Machine]


def name_of(actor: Actor) -> str:
    """Return the name that the ledger and the logs keep: ``screening`` or ``staff:12``."""
    return actor.name if isinstance(actor, Machine) else f"staff:{actor.pk}"
