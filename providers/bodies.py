"""Reading JSON that somebody else wrote: strictly, and with one list of what may go wrong. Pure."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import httpx

from providers.contract import OutcomeUnknown

T = TypeVar("T")
# What reading a foreign body may raise, a body nested too deep included.
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


def read(response: httpx.Response, reader: Callable[[Any], T]) -> T:
    """What `reader` makes of the JSON body. Raises OutcomeUnknown if the body is not what it expects."""
    try:
        return reader(strict_json(response.content))
    except UNREADABLE as error:
        raise OutcomeUnknown("the answer cannot be read", status=response.status_code) from error


def strict_json(body: bytes) -> Any:
    """The value. Raises one of UNREADABLE, also for a name that stands twice in one object."""
    return json.loads(body, object_pairs_hook=_no_repeated_names)


def text(body: Any, name: str) -> str:
    """A short text that is there and can be stored."""
    value = body[name]
    if not isinstance(value, str) or not 0 < len(value) <= 255 or not value.isprintable():
        raise ValueError(f"{name} is not a short text")
    return value


def optional(body: Any, name: str) -> str:
    """A short text, empty if it is not there or null."""
    return text(body, name) if body.get(name) not in (None, "") else ""


def whole(body: Any, name: str) -> int:
    """A whole number that fits 64 bits; 1.0, true and "1" are none."""
    value = body[name]
    if type(value) is not int or abs(value) >= 2**63:
        raise ValueError(f"{name} is not a whole number")
    return value


def time(body: Any, name: str) -> datetime:
    """A time with its zone, ISO 8601."""
    value = datetime.fromisoformat(text(body, name))
    if value.tzinfo is None:
        raise ValueError(f"{name} has no zone")
    return value


def _no_repeated_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return dict(pairs)
