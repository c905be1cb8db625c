"""Faults that can be switched on while everything runs, kept in the store.

A share is a probability from 0 to 1. Chance is a hash of (seed, fault, business key, request number): the
same seed gives the same payouts the same faults, whatever the timing.
"""

import dataclasses
import hashlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Switches:
    seed: int = 0
    latency_ms: int = 0  # before every answer
    jitter_ms: int = 0  # up to so much more
    refuse_connections: bool = False  # the listening socket is closed
    drop_after_accept: float = 0.0  # share of creates
    drop_before_accept: float = 0.0
    error_after_accept: float = 0.0  # 500
    unavailable_after_accept: float = 0.0  # 503, and it is not true
    malformed: float = 0.0  # accepted, half a body
    create_unavailable: float = 0.0  # 503, not accepted
    query_unavailable: float = 0.0
    too_many: float = 0.0  # 429, not accepted
    rate_limit: int = 0  # creates accepted per second and account; 0: no limit
    retry_after: int = 1  # seconds told with a 429; 0: not told
    unauthorised: bool = False  # 401 to everything
    idempotency_off: bool = False
    replay_errors: bool = False  # a 500 is repeated under its key for ever
    visibility_delay: float = 0.0  # seconds of 404 after a create
    webhook_lost: float = 0.0  # share of events
    webhook_bad_signature: float = 0.0  # share of events that send a badly signed copy first
    webhook_copies: int = 1
    webhook_late: float = 0.0  # seconds
    webhook_shuffle: float = 0.0  # up to so many seconds late, differently for each copy
    webhook_skew: float = 0.0  # seconds added to the timestamp header


SCENARIOS: dict[str, dict[str, Any]] = {
    "calm": {},
    "rough": {
        "latency_ms": 20, "jitter_ms": 80, "drop_after_accept": 0.1, "drop_before_accept": 0.05,
        "error_after_accept": 0.05, "malformed": 0.03, "create_unavailable": 0.05, "too_many": 0.05,
        "webhook_lost": 0.05, "webhook_bad_signature": 0.05, "webhook_copies": 2, "webhook_shuffle": 2.0,
    },
    "webhooks lost": {"webhook_lost": 1.0},
    "webhook storm": {"webhook_copies": 5, "webhook_shuffle": 3.0},
    "replies dropped": {"drop_after_accept": 1.0},
    "creates down": {"create_unavailable": 1.0},
    "queries down": {"query_unavailable": 1.0},
    "provider down": {"refuse_connections": True},
    "wrong credentials": {"unauthorised": True},
}  # fmt: skip


def changed(switches: Switches, changes: dict[str, Any]) -> Switches:
    """The switches with `changes` applied. Raises ValueError, in words, for what does not fit."""
    clean: dict[str, Any] = {}
    for name, value in changes.items():
        kind = type(getattr(switches, name, None))
        if name not in Switches.__dataclass_fields__:
            raise ValueError(f"There is no switch named {name}.")
        clean[name] = _cast(name, value, kind)
    return dataclasses.replace(switches, **clean)


def chance(switches: Switches, fault: str, key: str, number: int) -> float:
    """A figure from 0 up to 1 that depends on nothing but its arguments and the seed."""
    digest = hashlib.sha256(f"{switches.seed}|{fault}|{key}|{number}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def _cast(name: str, value: Any, kind: type) -> Any:
    if kind is bool:
        return value in (True, 1, "1", "true", "on")
    try:
        number = kind(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} takes a number.") from None
    if number < 0 and name not in ("seed", "webhook_skew"):
        raise ValueError(f"{name} cannot be negative.")
    return number
