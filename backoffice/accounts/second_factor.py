"""What somebody has besides their password: an app with codes, recovery codes. Passkeys: passkeys.py.

The codes themselves are made and compared by ``cryptography``; here is who has which, and that none works twice.
"""

import base64
import hashlib
import re
import secrets
from datetime import datetime

import segno
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.conf import settings
from django.db import transaction

from backoffice.accounts.models import CodeApp, RecoveryCode, User
from backoffice.accounts.sign_in import count_try, forget_tries, record_failure
from backoffice.audit.actors import Actor
from backoffice.audit.record import record
from backoffice.sealing import seal, unseal

STEP = 30
# A clock that is one step off is nobody's fault; one that is further off is named. That it is fast hears only who
# sets the app up: of an app in use it would tell a guesser which code to type later.
NEAR, SLOW, SLOW_OR_FAST = (0, -1, 1), range(-20, 2), range(-20, 21)
RECOVERY_CODES = 10
# Without letters and digits that look alike.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class WrongCode(Exception):
    """A code that does not count; ``sentence`` says why, as far as that helps nobody to guess."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        super().__init__(sentence)


class HasOne(Exception):
    """Somebody has a second factor where the first one was to be set up."""


class LastOne(Exception):
    """The only second factor cannot go where one is required."""

    sentence = "A second factor is required here. Add another one first."


def has_one(user: User) -> bool:
    """Whether somebody has a second factor of any kind."""
    return user.passkeys.exists() or has_app(user)


def has_app(user: User) -> bool:
    return CodeApp.objects.filter(user=user).exists()


def may_remove_one(user: User) -> bool:
    """Whether one may go: where a second factor is required the last one stays."""
    return settings.SECOND_FACTOR == "offered" or user.passkeys.count() + has_app(user) > 1


def lock(user: User) -> None:
    """Let no other request change what this person has until the transaction ends."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def require_another(user: User) -> None:
    """Raise LastOne where one of theirs may not go; call it under lock()."""
    if not may_remove_one(user):
        raise LastOne


# The app with codes ------------------------------------------------------------------------------------


def new_secret() -> str:
    """Return a new secret as an app wants it typed: 160 random bits in base 32."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def address_of(secret: str, user: User) -> str:
    """Return what the QR code says."""
    return _totp(secret).get_provisioning_uri(user.email, settings.PRODUCT_NAME)


def qr_code(secret: str, user: User) -> str:
    """Return the QR code as the address of an image that holds itself."""
    return str(segno.make(address_of(secret, user), error="m").svg_data_uri(scale=4, border=4, light="#fff"))


def add_app(user: User, *, secret: str, code: str, now: datetime, only_first: bool = False) -> list[str]:
    """Switch codes on, with a first code as the proof that the app has the secret.

    Returns new recovery codes when these are the first, else nothing. Raises WrongCode, and with ``only_first``
    HasOne: who has given no more than a password must not replace what somebody has.
    """
    step = _step_of(secret, code, named=SLOW_OR_FAST, now=now)
    with transaction.atomic():
        lock(user)
        first = not has_one(user)
        if only_first and not first:
            raise HasOne
        give_app(user, secret=secret, step=step, now=now)
        return new_recovery_codes(user, now=now) if first else []


def give_app(user: User, *, secret: str, step: int = 0, now: datetime) -> None:
    """Switch codes on for somebody whose app is known to have the secret. ``step``: of the last code they used."""
    sealed = seal(secret, owner=f"code app {user.pk}")
    CodeApp.objects.update_or_create(user=user, defaults={"secret": sealed, "last_step": step, "added_at": now})
    _record(user, "add_second_factor", user, now=now, state="app")


@transaction.atomic
def remove_app(user: User, *, actor: Actor, now: datetime) -> None:
    """Switch codes off. Raises LastOne."""
    lock(user)
    require_another(user)
    CodeApp.objects.filter(user=user).delete()
    _record(user, "remove_second_factor", actor, now=now, state="app")
    _without_any(user)


def use_code(user: User, typed: str, *, address: str, now: datetime) -> str:
    """Take a code of the app or a recovery code; each is good once. Return which of the two it was.

    Raises WrongCode, and TooManyTries after as many failures as passwords get.
    """
    account = f"code of staff {user.pk}"
    count_try(account, address=address, now=now)
    try:
        kind = _use(user, "".join(re.findall(r"[0-9A-Za-z]", typed)).upper(), now=now)
    except WrongCode:
        record_failure(user, address=address, now=now, step="code")
        raise
    forget_tries(account)
    return kind


def _use(user: User, typed: str, *, now: datetime) -> str:
    if len(typed) > 6:
        used = RecoveryCode.objects.filter(user=user, digest=_digest(typed), used_at=None).update(used_at=now)
        if not used:
            raise WrongCode("This recovery code is not right, or it was used already.")
        _record(user, "use_recovery_code", user, now=now, count=recovery_codes_left(user))
        return "recovery code"
    app = CodeApp.objects.filter(user=user).first()
    if app is None:
        raise WrongCode("This code is not right.")
    step = _step_of(unseal(app.secret, owner=f"code app {user.pk}"), typed, named=SLOW, now=now)
    # One statement decides between two requests with the same code.
    if not CodeApp.objects.filter(user=user, last_step__lt=step).update(last_step=step):
        raise WrongCode("This code was used already. Wait for the next one.")
    return "code"


def _step_of(secret: str, code: str, *, named: range, now: datetime) -> int:
    """Return the half minute that a code belongs to. Raises WrongCode, which names a clock off by one of ``named``."""
    totp, moment = _totp(secret), int(now.timestamp())
    for off in sorted(named, key=abs):
        try:
            totp.verify(code.strip().encode(), moment + off * STEP)
        except InvalidToken:
            continue
        if off in NEAR:
            return moment // STEP + off
        minutes = max(1, round(abs(off) * STEP / 60))
        raise WrongCode(
            f"The clock of the device with the codes is about {minutes} minute{'s' if minutes > 1 else ''} "
            f"{'fast' if off > 0 else 'slow'}. Let it set its time by itself, then take a new code."
        )
    raise WrongCode("This code is not right. Codes change every 30 seconds; take the one that is shown now.")


def _totp(secret: str) -> TOTP:
    return TOTP(base64.b32decode(secret), 6, SHA1(), STEP)  # noqa: S303 - what the apps speak


# Recovery codes -----------------------------------------------------------------------------------------


@transaction.atomic
def new_recovery_codes(user: User, *, now: datetime) -> list[str]:
    """Replace the recovery codes; the new ones can be shown now and never again."""
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(16)) for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=_digest(code)) for code in codes)
    _record(user, "make_recovery_codes", user, now=now)
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]


def recovery_codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def _digest(code: str) -> str:
    return hashlib.sha256(code.replace("-", "").encode()).hexdigest()


# All of it ------------------------------------------------------------------------------------------------


@transaction.atomic
def reset(user: User, *, actor: Actor, reason: str, now: datetime) -> None:
    """Take away every second factor of somebody who has lost theirs."""
    lock(user)
    CodeApp.objects.filter(user=user).delete()
    user.passkeys.all().delete()
    _without_any(user)
    record(
        subject_type="staff", subject_id=str(user.pk), action="reset_second_factor", actor=actor, reason=reason, at=now
    )


def _without_any(user: User) -> None:
    if not has_one(user):
        RecoveryCode.objects.filter(user=user).delete()


def _record(user: User, action: str, actor: Actor, *, now: datetime, **data: object) -> None:
    record(subject_type="staff", subject_id=str(user.pk), action=action, actor=actor, data=data, at=now)
