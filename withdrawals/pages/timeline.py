"""The audit entries of a withdrawal in words, newest first, as far as the reader may know them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db.models import Q

from backoffice.audit import queries as audit
from backoffice.audit.actors import machine_words
from backoffice.audit.models import AuditEntry
from backoffice.ui import inline
from withdrawals import reasons, visibility
from withdrawals.lifecycle import SUBJECT_TYPE
from withdrawals.models import Note, Withdrawal
from withdrawals.states import LOOKS, MOVE_LOOKS, UNDECIDED, HoldKind, Move

_MOVES = {str(move) for move in Move}
# What people do besides moves: icon and words, with the actor before them.
_ACTS: dict[str, tuple[str, str]] = {
    "claim": ("user", "claimed this"),
    "assign": ("swap", "assigned this"),
    "take_over": ("swap", "took this over"),
    "hand_over": ("swap", "handed this over"),
    "evidence": ("report", "printed the evidence"),
    "screen_again": ("shield", "ran again"),
    "undo": ("undo", "took the decision back"),
    "overtaken": ("warn", "decision was overtaken"),
    "propose": ("two", "proposed"),
    "second": ("two", "agreed"),
    "decline_proposal": ("xc", "declined the proposal"),
    "decide": ("user", "decided"),
    "finding": ("warn", "found"),
    "close_finding": ("okc", "closed a finding"),
    "ask": ("flag", "asked the payments team"),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One line: ``text`` says what, ``detail`` who or why, ``quote`` what somebody wrote."""

    icon: str
    text: str
    at: datetime
    detail: str = ""
    quote: str = ""
    # Of lines that say the same one after the other: how many they are, and when the first of them was.
    times: int = 1
    since: datetime | None = None
    # The seal of its entry in the audit trail.
    hash: str = ""


def entries_of(withdrawal: Withdrawal) -> list[AuditEntry]:
    """Return what the audit trail has about a withdrawal, newest first."""
    return list(audit.timeline_of(SUBJECT_TYPE, withdrawal.ref))


def events_of(entries: list[AuditEntry], user: Any, *, notes: Iterable[Note]) -> list[Event]:
    """Return what happened, what says the same folded into one line. Whoever may not see signals reads states
    only: no names and no reasons."""
    if visibility.sees(user, visibility.Field.SIGNALS):
        events = _in_words(_without_echoes(entries), user)
    else:
        events = _states(entries, user)
    events += [_of_note(note, user) for note in notes]
    return _folded(sorted(events, key=lambda event: event.at, reverse=True))


def sealed_events_of(entries: list[AuditEntry], user: Any, *, notes: Iterable[Note]) -> list[Event]:
    """Return everything that happened as far as this person reads it, line by line with its seal, newest first."""
    if not visibility.sees(user, visibility.Field.SIGNALS):
        return _states(entries, user)
    written = {entry.data.get("note_id"): entry for entry in entries if entry.action == "note"}
    events = _in_words([entry for entry in entries if entry.action != "note"], user)
    events += [replace(_of_note(note, user), hash=_hash(written[note.pk])) for note in notes]
    return sorted(events, key=lambda event: event.at, reverse=True)


def _of_note(note: Note, user: Any) -> Event:
    return Event("note", f"{_name(note.author, user)} noted", note.at, quote=note.text)


def _folded(events: list[Event]) -> list[Event]:
    folded = []
    for _line, same in groupby(events, key=lambda event: (event.icon, event.text, event.detail, event.quote)):
        newest, *others = same
        folded.append(replace(newest, times=1 + len(others), since=others[-1].at) if others else newest)
    return folded


def notes_for(withdrawal: Withdrawal, user: Any, *, entries: list[AuditEntry]) -> list[Note]:
    """Return the notes that this person reads, newest first: all of them, or those written for everybody.

    Once there was a legal hold, the notes of those who may use one are for them alone: they may say why.
    """
    notes = withdrawal.notes.select_related("author").order_by("-at", "-pk")
    if not visibility.sees(user, visibility.Field.SIGNALS):
        may = user.has_perm("withdrawals.add_note")
        return list(notes.filter(audience=Note.Audience.EVERYBODY)) if may else []
    found = list(notes)
    if found and not visibility.sees(user, visibility.Field.LEGAL) and any(map(_is_legal, entries)):
        return list(notes.exclude(author__groups__permissions__codename="freeze_withdrawal"))
    return found


def last_word(withdrawal: Withdrawal, user: Any, *, now: datetime) -> str:
    """Return who did what last, in a sentence: ``Marta rejected it 6 s ago: Linked account.``

    What the machines did before anybody decided explains nothing, and is left out.
    """
    entries = list(audit.timeline_of(SUBJECT_TYPE, withdrawal.ref).filter(step__isnull=False))
    if not entries:
        return ""
    entry, ago = entries[0], inline.duration(now - entries[0].at)
    if not visibility.sees(user, visibility.Field.SIGNALS) or entry.pk in _kept_from(user, entries):
        look = LOOKS[visibility.state_for(user, entry.to_state, entry.data.get("kind", ""))]
        return f"It is {look.label.lower()} since {ago}."
    if entry.actor_user is None:
        return "" if withdrawal.state in UNDECIDED else f"{MOVE_LOOKS[Move(entry.action)].past}, {ago} ago."
    why = f": {reasons.label_of(entry.reason)}" if entry.reason else ""
    return f"{_actor(entry, user)} {MOVE_LOOKS[Move(entry.action)].did} {ago} ago{why}."


def last_claim(withdrawal: Withdrawal, user: Any) -> str:
    """Return how it came to whoever has it now: ``Marta took this over: Dana went home.``"""
    acts = {"claim", "assign", "take_over", "hand_over"}
    entry = audit.timeline_of(SUBJECT_TYPE, withdrawal.ref).filter(action__in=acts).first()
    if entry is None:
        return ""
    _icon, words = _ACTS[entry.action]
    why = f": {entry.reason.rstrip('.')}" if entry.action == "take_over" and entry.reason else ""
    to = f" to {entry.data.get('to', '')}" if entry.action in ("assign", "hand_over") else ""
    return f"{_actor(entry, user)} {words}{to}{why}."


def reads_reason(user: Any, entry: AuditEntry) -> bool:
    """Whether this person may read why something was done to a withdrawal."""
    about_law = _is_legal(entry) or entry.reason in reasons.ABOUT_LAW
    law = about_law and not visibility.sees(user, visibility.Field.LEGAL)
    return visibility.sees(user, visibility.Field.SIGNALS) and not law


def kept_from(user: Any) -> Q | None:
    """Return the entries of the log that alone tell of a legal hold: of releases, only those from one are proposed."""
    if visibility.sees(user, visibility.Field.LEGAL):
        return None
    return Q(action__in=("propose", "second", "decline_proposal", "undo"), reason__in=reasons.ABOUT_LAW)


def _states(entries: list[AuditEntry], user: Any) -> list[Event]:
    """The states that it went through, as this person reads them; what reads the same is one."""
    events: list[Event] = []
    for entry in reversed(entries):
        if entry.action in _MOVES:
            event = _plain(entry, user)
            if not events or event.text != events[-1].text:
                events.append(event)
    return events[::-1]


def _in_words(entries: list[AuditEntry], user: Any) -> list[Event]:
    """Who did what and why; of a legal hold, whoever is not of compliance reads only that it was a hold."""
    silent = _kept_from(user, entries)
    return [
        _plain(entry, user) if entry.pk in silent else _event(entry, user)
        for entry in entries
        if entry.pk not in silent or entry.action in _MOVES
    ]


def _kept_from(user: Any, entries: list[AuditEntry]) -> set[int]:
    """Return the keys of the entries about a legal hold, from its decision to its end, unless they may be read.

    ``entries`` come newest first.
    """
    if visibility.sees(user, visibility.Field.LEGAL):
        return set()
    found, frozen = set(), False
    for entry in reversed(entries):
        move = entry.data.get("move", entry.action)
        legal = _is_legal(entry)
        if legal or (move == Move.RELEASE and frozen):
            found.add(entry.pk)
        if entry.action in _MOVES:
            frozen = legal
    return found


def _is_legal(entry: AuditEntry) -> bool:
    """Whether the entry puts on legal hold, or decides to."""
    about = entry.data.get("move", entry.action)
    return about == Move.HOLD and HoldKind.LEGAL in (entry.data.get("kind"), reasons.HOLD_KINDS.get(entry.reason))


def _without_echoes(entries: list[AuditEntry]) -> list[AuditEntry]:
    """A decision that took effect stands there as its move, with the note that was written for it.

    ``entries`` come newest first; the notes of a withdrawal are shown themselves.
    """
    kept: list[AuditEntry] = []
    made: dict[str, AuditEntry] = {}
    for entry in entries:
        if entry.action == "note":
            continue
        if entry.action == "decide" and (move := made.pop(entry.data.get("move", ""), None)) is not None:
            move.data = {**move.data, "note": entry.data.get("note", "")}
            continue
        if entry.action in _MOVES and entry.actor_user_id:
            made[entry.action] = entry
        kept.append(entry)
    return kept


def _event(entry: AuditEntry, user: Any) -> Event:
    who = _actor(entry, user)
    if entry.action in _MOVES:
        look = MOVE_LOOKS[Move(entry.action)]
        return Event(
            look.icon,
            look.told(by_person=entry.actor_user is not None),
            entry.at,
            _join(f"by {'you' if who == 'You' else who}", _why(entry)),
            _quote(entry),
            hash=_hash(entry),
        )
    icon, words = _ACTS.get(entry.action, ("info", entry.action.replace("_", " ")))
    move = entry.data.get("move", "")
    what = f"{words}: {_named(entry.action, Move(move))}" if move in _MOVES else words
    if entry.action == "finding":
        return Event(icon, str(entry.data.get("words", "")), entry.at, hash=_hash(entry))
    if entry.action == "assign":
        what = f"{what} to {entry.data.get('to', '')}"
    return Event(icon, f"{who} {what}", entry.at, _why(entry), _quote(entry), hash=_hash(entry))


def _named(action: str, move: Move) -> str:
    look = MOVE_LOOKS[move]
    return (look.label if action in ("propose", "decline_proposal") else look.told(by_person=True)).lower()


def _plain(entry: AuditEntry, user: Any) -> Event:
    look = LOOKS[visibility.state_for(user, entry.to_state, entry.data.get("kind", ""))]
    return Event(look.icon, look.label, entry.at, hash=_hash(entry))


def _hash(entry: AuditEntry) -> str:
    return bytes(entry.hash).hex()


def _why(entry: AuditEntry) -> str:
    if entry.action in ("take_over", "close_finding"):
        return entry.reason
    if not entry.reason or entry.actor_user_id is None:
        return str(entry.data.get("policy", "")).rstrip(".") if entry.action in (Move.CLEAR, Move.REFER) else ""
    return reasons.label_of(entry.reason)


def _quote(entry: AuditEntry) -> str:
    return str(entry.data.get("note", "") or entry.data.get("evidence", ""))


def _actor(entry: AuditEntry, user: Any) -> str:
    if entry.actor_user is not None:
        return _name(entry.actor_user, user)
    return machine_words(entry.actor_machine)


def _name(person: Any, user: Any) -> str:
    return "You" if person == user else str(person.name)


def _join(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
