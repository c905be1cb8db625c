"""Looking up a player: what was typed finds people, and that they were looked up is recorded."""

from dataclasses import dataclass
from datetime import datetime

from backoffice.accounts.models import User
from backoffice.audit.record import record
from kyc import queries as kyc
from kyc.models import Player
from withdrawals import queries
from withdrawals.models import Withdrawal
from withdrawals.reference import normalise


@dataclass(frozen=True, slots=True)
class Found:
    """``by`` says how the term was read. One player is an answer, several are a choice.

    ``withdrawal`` is the one whose reference was typed.
    """

    by: str
    players: tuple[Player, ...]
    withdrawal: Withdrawal | None = None

    @property
    def is_capped(self) -> bool:
        return len(self.players) >= kyc.MOST_FOUND


def look_up(term: str, *, actor: User, now: datetime) -> Found:
    """Find players by withdrawal reference, e-mail, player id or name; at most 20, by name.

    The audit entry holds who was found and how, never what was typed: it may be personal data.
    """
    found = _found(term.strip())
    refs = [player.ref for player in found.players]
    subject = ("player", refs[0]) if len(refs) == 1 else ("staff", str(actor.pk))
    record(
        subject_type=subject[0],
        subject_id=subject[1],
        action="look_up",
        actor=actor,
        data={"by": found.by, "players": refs},
        at=now,
    )
    return found


def _found(term: str) -> Found:
    reference = normalise(term)
    withdrawal = queries.withdrawals().filter(ref=reference).first() if reference else None
    if withdrawal is not None:
        return Found("withdrawal reference", (withdrawal.player,), withdrawal)
    players = tuple(kyc.look_up(term))
    if "@" in term:
        return Found("e-mail", players)
    exact = len(players) == 1 and term.upper() in (players[0].ref, players[0].external_id.upper())
    return Found("player id" if exact else "name", players)
