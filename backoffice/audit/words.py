"""How entries read on the screen: acts, states and reasons are stored as codes and shown as words.

The log knows no app: each says when it is ready (AppConfig.ready) how its acts and subjects read.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q

from backoffice.audit.models import AuditEntry

_CODE = re.compile(r"[a-z][a-z0-9_]*")
# The past forms of acts.
ACTS: dict[str, str] = {
    "denied": "Was refused a page",
    "view_log": "Read the audit log",
    "check_chain": "Checked the chain",
    "sign_in": "Signed in",
    "sign_in_failed": "Failed to sign in",
    "share_view": "Changed who sees a view",
}
# Where a person's act reads otherwise than the machines' act of the same name.
BY_PEOPLE: dict[str, str] = {}
# Acts by which people decide, and those by which they only read.
DECISIONS: set[str] = set()
READING: set[str] = {"view_log"}


def _everybody(_user: Any, _entry: AuditEntry) -> bool:
    return True


def _nothing(_user: Any) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Subject:
    """What entries are about: its name, and the page that shows one to who has the permission.

    ``names`` are what to call some of them by, where the key in the log says nothing to a person.
    ``reads_reason``: whether somebody may read why; it may be a suspicion, which not every reader of the log knows.
    ``kept_from``: which entries are not shown to somebody at all, because the act alone says what they may not know.
    """

    label: str
    address: Callable[[str], str] | None = None
    permission: str = ""
    names: Callable[[Collection[str]], Mapping[str, str]] | None = None
    reads_reason: Callable[[Any, AuditEntry], bool] = _everybody
    kept_from: Callable[[Any], Q | None] = _nothing


SUBJECTS: dict[str, Subject] = {"staff": Subject("Staff"), "saved_view": Subject("Saved view")}


def subject(subject_type: str) -> Subject:
    return SUBJECTS.get(subject_type) or Subject(plain(subject_type))


def kept_from(user: Any) -> Q:
    """Return which entries of the log this person does not get."""
    kept = [(name, about.kept_from(user)) for name, about in SUBJECTS.items()]
    hidden = [Q(subject_type=name) & entries for name, entries in kept if entries is not None]
    return reduce(or_, hidden, Q(pk__in=[]))


def act(action: str, *, person: bool = False) -> str:
    """Return the words for what was done, by a person or by a machine."""
    return (person and BY_PEOPLE.get(action)) or ACTS.get(action) or plain(action)


def plain(text: str) -> str:
    """Return a code as words (``known_player``: Known player); what people typed stays as it is."""
    return text.replace("_", " ").capitalize() if _CODE.fullmatch(text) else text


def proof(entry: AuditEntry) -> str:
    """Return what somebody gave as the proof of it."""
    parts = (entry.data.get("provider_reference"), entry.data.get("evidence"))
    return " · ".join(str(part) for part in parts if part) if entry.actor_user_id else ""


def change(entry: AuditEntry) -> list[tuple[str, str]]:
    """Return what changed as (before, after); an act without a change gives what was chosen, or nothing."""
    if entry.from_state or entry.to_state:
        return [(plain(entry.from_state), plain(entry.to_state))]
    before, after = entry.data.get("before"), entry.data.get("after")
    if isinstance(before, dict) and isinstance(after, dict):
        return [(f"{plain(name)}: {before.get(name, '')}", str(value)) for name, value in after.items()]
    if move := entry.data.get("move"):
        return [("", act(str(move), person=True))]
    chosen = entry.data.get("path") or entry.data.get("state") or entry.data.get("address")
    return [("", plain(str(chosen)))] if chosen else []
