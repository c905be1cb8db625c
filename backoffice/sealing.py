"""Secrets that the database keeps but cannot read: encrypted under settings.FIELD_KEYS, bound to their owner."""

from functools import cache

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


class WrongOwner(Exception):
    """What was sealed for one row stands in another."""


def seal(text: str, *, owner: str) -> str:
    return _box(tuple(settings.FIELD_KEYS)).encrypt(f"{owner}\n{text}".encode()).decode()


def unseal(sealed: str, *, owner: str) -> str:
    """Return what was sealed. Raises InvalidToken when no key fits, WrongOwner when it is somebody else's."""
    found, _, text = _box(tuple(settings.FIELD_KEYS)).decrypt(sealed).decode().partition("\n")
    if found != owner:
        raise WrongOwner(owner)
    return text


@cache
def _box(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
