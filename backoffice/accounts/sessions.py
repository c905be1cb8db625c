"""Sessions that know whose they are and when they were last touched; how they begin and end.

The row is the session: ending one is deleting it. Times stand in the session's own data too, so that no
request needs another query.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.http import HttpRequest
from django.utils import timezone

from backoffice.accounts.addresses import address_of
from backoffice.accounts.models import StaffSession, User
from backoffice.accounts.preferences import preferences_of
from backoffice.audit.actors import Machine
from backoffice.audit.record import record

# Looking busy is written down no more often than this, which the limit to idling allows for.
WRITTEN_EVERY = 15
_LIMIT = Machine("session-limit")


class SessionStore(DatabaseStore):
    """Django's own, with whose session it is in columns."""

    @classmethod
    def get_model_class(cls) -> type[StaffSession]:
        return StaffSession

    def create_model_instance(self, data: dict[str, Any]) -> StaffSession:
        row: Any = super().create_model_instance(data)
        row.user_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        row.address, row.device = data.get("address", ""), data.get("device", "")
        row.began_at, row.seen_at = _time(data.get("began")), _time(data.get("seen"))
        return row


def begin(request: HttpRequest, user: User, **_: Any) -> None:
    """Called when somebody has signed in: the clocks of their session start, and they have just proved themselves."""
    now = timezone.now()
    StaffSession.objects.filter(expire_date__lt=now).delete()
    request.session["began"] = request.session["seen"] = int(now.timestamp())
    request.session["address"] = address_of(request)
    request.session["device"] = request.headers.get("User-Agent", "")[:300]
    request.session["open_next"] = preferences_of(user).open_next
    proved(request, now=now)


def proved(request: HttpRequest, *, now: datetime) -> None:
    """Somebody has just shown who they are; see backoffice.accounts.proof."""
    request.session["fresh_until"] = int((now + settings.FRESH_TIME).timestamp())


def is_fresh(request: HttpRequest, *, now: datetime) -> bool:
    return now.timestamp() < request.session.get("fresh_until", 0)


def keep_or_end(request: HttpRequest, *, now: datetime) -> None:
    """End a session that has idled or lasted too long; note that this one is in use, unless nobody did anything."""
    session = request.session
    idle = now.timestamp() - session.get("seen", 0)
    age = now.timestamp() - session.get("began", 0)
    if age > settings.SESSION_COOKIE_AGE or idle > settings.IDLE_TIME.total_seconds() + WRITTEN_EVERY:
        why = "lasted too long" if age > settings.SESSION_COOKIE_AGE else "idle"
        _note(int(session[SESSION_KEY]), why)
        logout(request)
    elif idle > WRITTEN_EVERY and not is_quiet(request):
        session["seen"] = int(now.timestamp())


def seconds_left(request: HttpRequest, *, now: datetime) -> int:
    """Return when this session ends if nobody touches it: the idle limit, or the day's."""
    began, seen = request.session.get("began", 0), request.session.get("seen", 0)
    idle_end = seen + settings.IDLE_TIME.total_seconds() + WRITTEN_EVERY
    return int(min(idle_end, began + settings.SESSION_COOKIE_AGE) - now.timestamp())


def limits(_request: HttpRequest) -> dict[str, object]:
    """Context processor: what the page needs to warn in time."""
    return {"idle_seconds": int(settings.IDLE_TIME.total_seconds())}


def is_quiet(request: HttpRequest) -> bool:
    """Whether a page asked by itself and nobody has touched it since it last asked; only the page can tell."""
    return "X-Idle" in request.headers


def sessions_of(user: User) -> list[StaffSession]:
    """Return the sessions that would still open something, the last one used first."""
    return list(user.sessions.filter(expire_date__gt=timezone.now()).order_by("-seen_at"))


def handle_of(session_key: str | None) -> str:
    """Return what names a session on a page, where its key must not stand."""
    return hashlib.sha256((session_key or "").encode()).hexdigest()[:24]


def end(user: User, *, handle: str, actor: User) -> bool:
    """End one session; return whether there was such a one."""
    for session in sessions_of(user):
        if handle_of(session.session_key) == handle:
            session.delete()
            _note(user.pk, "ended by hand", actor=actor)
            return True
    return False


def end_others(user: User, *, kept: str | None, actor: User | Machine, why: str) -> int:
    """End all sessions of a person but ``kept``; return how many those were."""
    ended, _ = user.sessions.exclude(session_key=kept or "").delete()
    if ended:
        _note(user.pk, why, actor=actor, count=ended)
    return ended


def _note(staff: int, why: str, *, actor: User | Machine = _LIMIT, **data: Any) -> None:
    record(
        subject_type="staff",
        subject_id=str(staff),
        action="end_session",
        actor=actor,
        data={"state": why, **data},
    )


def _time(stamp: int | None) -> datetime | None:
    return datetime.fromtimestamp(stamp, UTC) if stamp else None
