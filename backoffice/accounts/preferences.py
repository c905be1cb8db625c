"""How somebody likes to work. Kept with the person; only what differs from the default is stored."""

from dataclasses import asdict, dataclass, fields, replace
from datetime import timedelta
from typing import Any

from django.conf import settings

from backoffice.accounts.models import User
from backoffice.ui.appearance import CHOICES

SHORTEST_UNDO, LONGEST_UNDO = 10, 60


@dataclass(frozen=True, slots=True)
class Preferences:
    """Those that are text are keys of backoffice.ui.appearance.CHOICES. ``undo_seconds`` 0 is the house's undo time."""

    theme: str = ""
    density: str = ""
    shortcuts: str = ""
    numbers: str = ""
    rail: str = ""
    exact_times: bool = False
    open_next: bool = True
    undo_seconds: int = 0


def preferences_of(user: User) -> Preferences:
    """Return what somebody has chosen; what is not offered any more counts as not chosen."""
    known = {field.name: field.default for field in fields(Preferences)}
    stored = {name: value for name, value in user.preferences.items() if name in known and _offered(name, value)}
    return Preferences(**{**known, **stored})


def prefer(user: User, **changes: Any) -> Preferences:
    """Change some preferences, leave the others. Foreign values are ignored."""
    wanted = replace(preferences_of(user), **{name: value for name, value in changes.items() if _offered(name, value)})
    plain = asdict(Preferences())
    user.preferences = {name: value for name, value in asdict(wanted).items() if value != plain[name]}
    user.save(update_fields=["preferences"])
    return wanted


def undo_time(user: User) -> timedelta:
    """Return for how long this person's decisions can be taken back: theirs, or the house's."""
    seconds = preferences_of(user).undo_seconds
    return timedelta(seconds=seconds) if seconds else settings.UNDO_TIME


def _offered(name: str, value: Any) -> bool:
    if name in CHOICES:
        return isinstance(value, str) and value in CHOICES[name]
    if name == "undo_seconds":
        return type(value) is int and (value == 0 or SHORTEST_UNDO <= value <= LONGEST_UNDO)
    return type(value) is bool
