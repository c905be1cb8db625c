"""Who sees what of a withdrawal: one table, field by permission. What is not seen is never sent.

Pages and columns ask here before they put a value together; nothing is hidden in a template.
"""

from copy import copy
from enum import StrEnum
from typing import Any

from django.db.models import Q

from backoffice.ui.masking import initials_of
from withdrawals import player_words, reasons
from withdrawals.states import HoldKind, Move, State


class Field(StrEnum):
    NAME = "name"
    CONTACT = "contact"
    PERSON = "person"
    DESTINATION = "destination"
    STANDING = "standing"
    STATE = "state"
    SIGNALS = "signals"
    LEGAL = "legal"
    OWNER = "owner"
    MONEY = "money"
    ATTEMPT_CODES = "attempt_codes"
    JOURNAL = "journal"
    PLAYER_WORDS = "player_words"


# Any one of the permissions is enough. Support has none of those that tell why something is looked at:
# it must not be able to warn a player.
SEEN_WITH: dict[Field, tuple[str, ...]] = {
    Field.NAME: ("kyc.look_up_player",),
    Field.CONTACT: ("kyc.look_up_player",),
    Field.PERSON: ("kyc.view_player",),
    Field.DESTINATION: ("kyc.look_up_player", "ledger.view_entry"),
    Field.STANDING: ("kyc.look_up_player",),
    # How a withdrawal really stands. Without it a status is what the player is told.
    Field.STATE: ("withdrawals.view_signals", "ledger.view_entry", "audit.view_auditentry"),
    Field.SIGNALS: ("withdrawals.view_signals",),
    # That a hold is a legal one, and everything said about it: nobody outside compliance.
    Field.LEGAL: ("withdrawals.freeze_withdrawal",),
    Field.OWNER: ("withdrawals.view_signals",),
    Field.MONEY: ("kyc.view_player",),
    Field.ATTEMPT_CODES: ("withdrawals.view_signals", "ledger.view_entry"),
    Field.JOURNAL: ("ledger.view_entry",),
    Field.PLAYER_WORDS: ("kyc.look_up_player",),
}
# Columns and filters of the queue that show, or let one infer, such a field.
_COLUMNS: dict[str, Field] = {
    "kyc": Field.STANDING,
    "risk": Field.SIGNALS,
    "why": Field.SIGNALS,
    "owner": Field.OWNER,
    "decider": Field.OWNER,
    # A legal hold has no end; who reads no reasons would know it by that alone.
    "wake": Field.SIGNALS,
    "age": Field.PERSON,
    "wagered": Field.MONEY,
    "deposits": Field.MONEY,
}
_FILTERS: dict[str, Field] = {
    "risk": Field.SIGNALS,
    "owner": Field.OWNER,
    "country": Field.PERSON,
    "score": Field.SIGNALS,
    "reason": Field.SIGNALS,
    "new_details": Field.SIGNALS,
    "standing": Field.STANDING,
    "level": Field.STANDING,
    "state": Field.STATE,
    # Only what a person must decide is due: it would tell whether one must.
    "due": Field.STATE,
    "due_on": Field.STATE,
}
# Where even the status that the platform is told says more than a player should read out of it.
_TOLD_AS = {State.SECOND_APPROVAL: State.UNDER_REVIEW, State.OUTCOME_UNKNOWN: State.PROCESSING}


def sees(user: Any, field: Field) -> bool:
    """Whether this person sees the field."""
    return any(user.has_perm(permission) for permission in SEEN_WITH[field])


def state_for(user: Any, state: str, hold_kind: str = "") -> State:
    """Return the state as this person reads it: as it is, or as the player is told."""
    if sees(user, Field.STATE):
        return State(state)
    told = State(player_words.status_of(state, hold_kind))
    return _TOLD_AS.get(told, told)


def as_known_to(user: Any, withdrawal: Any) -> Any:
    """Return the withdrawal as this person may know it: a legal hold reads as any other. For questions only."""
    if withdrawal.hold_kind != HoldKind.LEGAL or sees(user, Field.LEGAL):
        return withdrawal
    known = copy(withdrawal)
    known.hold_kind = HoldKind.INTERNAL
    return known


def sees_decision(user: Any, decision: Any) -> bool:
    """Whether this person may read a decision; those about a legal hold are for compliance alone.

    It is told by the decision itself, however the withdrawal stands by now.
    """
    if decision.facts.get("kind") == HoldKind.LEGAL or decision.reason in reasons.ABOUT_LAW:
        return sees(user, Field.LEGAL)
    settles = decision.move in (Move.COMPLETE, Move.FAIL)
    return sees(user, Field.ATTEMPT_CODES if settles else Field.SIGNALS)


def decisions_known_to(user: Any) -> Q:
    """Return the decisions that do not tell this person of a legal hold, for many at once."""
    if sees(user, Field.LEGAL):
        return Q()
    return ~Q(facts__contains={"kind": HoldKind.LEGAL}) & ~Q(reason__in=reasons.ABOUT_LAW)


def hidden_columns(user: Any) -> tuple[str, ...]:
    """Return the columns of the queue that this person does not get."""
    return tuple(name for name, field in _COLUMNS.items() if not sees(user, field))


def hidden_filters(user: Any) -> tuple[str, ...]:
    """Return the filters of the queue that would tell this person what the columns do not."""
    return tuple(name for name, field in _FILTERS.items() if not sees(user, field))


def player_name(user: Any, player: Any) -> str:
    """Return the player's name, or the reference for those who work without names."""
    return player.name if sees(user, Field.NAME) else player.ref


def destination_words(user: Any, withdrawal: Any) -> str:
    """Return the masked payout details, or only the method."""
    if sees(user, Field.DESTINATION):
        return withdrawal.destination.label
    return withdrawal.get_method_display()


def player_in_report(user: Any, player: Any) -> str:
    """Return the player's name, or initials for those who work with references."""
    return player.name if sees(user, Field.NAME) else initials_of(player.name)
