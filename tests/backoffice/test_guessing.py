"""Guessing passwords: it is recorded, it comes to a pause, and it tells nobody which accounts exist."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.test import Client

from backoffice.accounts.models import SignInTry, User
from backoffice.accounts.sign_in import MOST_FAILURES, TooManyTries, count_try
from backoffice.audit.models import AuditEntry
from tests.accounts.conftest import together
from tests.conftest import NOW

pytestmark = pytest.mark.django_db

NOBODY = "nobody@staff.example"


@pytest.fixture(autouse=True)
def _noon() -> Any:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def attempt(email: str, password: str = "a guess", address: str = "203.0.113.7", **headers: str) -> Any:
    return Client(REMOTE_ADDR=address).post("/sign-in/", {"username": email, "password": password}, headers=headers)


def from_everywhere(email: str, times: int = MOST_FAILURES) -> None:
    for n in range(times):
        assert attempt(email, address=f"198.51.100.{n}").status_code == 200


def sentence(response: Any) -> str:
    (said,) = response.context["form"].non_field_errors()
    return str(said)


def test_a_failure_is_recorded_without_the_password(operator: User) -> None:
    attempt(operator.email.upper(), "a secret guess")
    entry = AuditEntry.objects.get(action="sign_in_failed")
    assert (entry.subject_type, entry.subject_id, entry.actor_machine) == ("staff", str(operator.pk), "sign-in")
    assert entry.data == {"address": "203.0.113.7", "email": operator.email}


def test_what_was_typed_is_kept_only_if_it_is_an_account(db: None) -> None:
    attempt("my password, in the wrong field")
    entry = AuditEntry.objects.get(action="sign_in_failed")
    assert (entry.subject_type, entry.subject_id, entry.data) == ("sign_in", "203.0.113.7", {"address": "203.0.113.7"})
    assert "password" not in str(SignInTry.objects.values())


@pytest.mark.parametrize("exists", [True, False])
def test_after_ten_failures_the_account_pauses(operator: User, exists: bool) -> None:
    email = operator.email if exists else NOBODY
    from_everywhere(email)

    refused = attempt(email, "a password", address="192.0.2.1")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "900")
    assert sentence(refused) == "There were too many failed tries to sign in. Try again in 15 minutes."
    assert AuditEntry.objects.filter(action="sign_in_failed").count() == MOST_FAILURES


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("same", ["account", "address"])
def test_guesses_at_the_same_moment_are_counted_one_by_one(same: str) -> None:
    def guess(n: int) -> None:
        account, address = ("one", f"198.51.100.{n}") if same == "account" else (f"one of {n}", "198.51.100.1")
        count_try(account, address=address, now=NOW)

    answers = together(*[partial(guess, n) for n in range(24)])
    assert (answers.count(None), SignInTry.objects.count()) == (MOST_FAILURES, MOST_FAILURES)
    assert {type(answer) for answer in answers} == {type(None), TooManyTries}


def test_one_less_is_no_pause(operator: User) -> None:
    from_everywhere(operator.email, MOST_FAILURES - 1)
    assert attempt(operator.email, "a password").status_code == 302


def test_the_pause_ends_when_the_failures_are_old(operator: User, _noon: Any) -> None:
    from_everywhere(operator.email, 1)
    _noon.shift(timedelta(minutes=5))
    from_everywhere(operator.email, MOST_FAILURES - 1)
    _noon.shift(timedelta(minutes=9, seconds=30))
    assert sentence(attempt(operator.email, "a password")).endswith("Try again in a minute.")
    _noon.shift(timedelta(seconds=30))
    assert attempt(operator.email, "a password").status_code == 302
    assert not SignInTry.objects.filter(at__lte=NOW).exists()


def test_other_spellings_are_the_same_account(make_staff: Any) -> None:
    user = make_staff("Operator", "Iris Inoi")
    for n in range(MOST_FAILURES):
        attempt(user.email.replace("i", "ı" if n % 2 else "I", 1 + n // 4), address=f"198.51.100.{n}")
    assert attempt(user.email, "a password").status_code == 429


def test_an_address_pauses_whatever_it_tries(operator: User) -> None:
    for n in range(MOST_FAILURES):
        assert attempt(f"{n}@staff.example").status_code == 200
    assert attempt(operator.email, "a password").status_code == 429
    assert attempt(operator.email, "a password", address="203.0.113.8").status_code == 302


def test_success_forgets_the_failures_of_the_account_alone(operator: User, senior: User) -> None:
    for _ in range(5):
        attempt(operator.email)
        attempt(senior.email, address="203.0.113.8")
    assert attempt(operator.email, "a password").status_code == 302
    assert SignInTry.objects.count() == 5
    from_everywhere(operator.email, MOST_FAILURES - 1)
    assert attempt(operator.email, "a password").status_code == 302


def test_behind_a_proxy_the_address_is_what_the_proxy_saw(operator: User, settings: Any) -> None:
    attempt(operator.email, **{"X-Forwarded-For": "192.0.2.200"})
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    attempt(operator.email, **{"X-Forwarded-For": "192.0.2.200, 192.0.2.9"})
    assert list(SignInTry.objects.order_by("pk").values_list("address", flat=True)) == ["203.0.113.7", "192.0.2.9"]
