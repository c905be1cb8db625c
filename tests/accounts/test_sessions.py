"""How long a session lasts, what counts as somebody being there, and who can end it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client

from backoffice.accounts import sessions
from backoffice.accounts.addresses import device_words
from backoffice.accounts.models import StaffSession, User
from backoffice.accounts.sign_in import MOST_FAILURES
from backoffice.audit.models import AuditEntry
from tests.conftest import NOW
from tests.withdrawals.screen import waiting
from withdrawals.models import Claim

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:150.0) Gecko/20100101 Firefox/150.0"


@pytest.fixture(autouse=True)
def _noon() -> Any:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def is_open(client: Client) -> bool:
    return client.get("/me/session/", headers={"X-Idle": "1"}).status_code == 204


def test_a_session_that_nobody_touches_ends(operator: User, client_for: ClientFor, _noon: Any) -> None:
    client = client_for(operator)
    _noon.shift(timedelta(minutes=14))
    assert client.get("/withdrawals/").status_code == 200
    _noon.shift(timedelta(minutes=15))
    assert is_open(client)
    _noon.shift(timedelta(seconds=16))
    assert client.get("/withdrawals/")["Location"] == "/sign-in/?next=/withdrawals/"
    entry = AuditEntry.objects.get(action="end_session")
    assert (entry.subject_id, entry.data["state"], entry.actor_machine) == (str(operator.pk), "idle", "session-limit")
    assert not StaffSession.objects.filter(user=operator).exists()


def test_what_a_page_asks_by_itself_keeps_nothing_open(operator: User, client_for: ClientFor, _noon: Any) -> None:
    client = client_for(operator)
    for _ in range(7):
        _noon.shift(timedelta(minutes=2))
        assert client.get("/withdrawals/", headers={"X-Idle": "1"}).status_code == 200
    _noon.shift(timedelta(minutes=2))
    assert not is_open(client)


def test_an_open_decision_page_keeps_nothing_open_that_nobody_touches(
    operator: User, client_for: ClientFor, _noon: Any
) -> None:
    row, client = waiting(), client_for(operator)
    client.get(f"/withdrawals/{row.ref}/?view=needs-decision")
    until = Claim.objects.get().until
    for _ in range(30):
        _noon.shift(timedelta(seconds=30))
        stayed = client.post(f"/withdrawals/{row.ref}/presence/", {"do": "stay"}, headers={"X-Idle": "1"})
        assert (stayed.status_code, stayed.json()) == (200, {"until": None})
    assert Claim.objects.get().until == until
    _noon.shift(timedelta(seconds=16))
    assert not is_open(client)


def test_after_twelve_hours_it_ends_whatever_is_done(operator: User, client_for: ClientFor, _noon: Any) -> None:
    client = client_for(operator)
    for _ in range(72):
        _noon.shift(timedelta(minutes=10))
        assert client.get("/me/session/").status_code == 204
    _noon.shift(timedelta(minutes=1))
    assert client.get("/me/session/").status_code == 401
    assert AuditEntry.objects.get(action="end_session").data["state"] == "lasted too long"


def test_scripts_are_told_by_a_status_and_pages_are_sent_to_sign_in(db: None) -> None:
    for header in ("HX-Request", "X-Idle"):
        assert Client().get("/withdrawals/", headers={header: "true"}).status_code == 401
    assert Client().get("/withdrawals/").status_code == 302


def test_looking_busy_costs_a_write_now_and_then(
    operator: User, client_for: ClientFor, _noon: Any, django_assert_num_queries: Any
) -> None:
    client = client_for(operator)
    _noon.shift(timedelta(seconds=14))
    with django_assert_num_queries(2):  # the session and its person
        client.get("/me/session/")
    _noon.shift(timedelta(seconds=2))
    with django_assert_num_queries(5):  # and the time, between savepoints
        client.get("/me/session/")


def test_the_list_says_which_and_ends_one_or_all_others(operator: User, client_for: ClientFor, senior: User) -> None:
    here, there, elsewhere = client_for(operator), Client(headers={"User-Agent": FIREFOX}), Client()
    for client in (there, elsewhere):
        client.post("/sign-in/", {"username": operator.email, "password": "a password"})
    strangers = client_for(senior)
    page = here.get("/me/security/")
    listed = page.context["sessions"]
    assert [one["mine"] for one in listed] == [True, False, False]
    assert "Firefox on Windows" in page.text and "127.0.0.1" in page.text
    assert not any(one.session_key in page.text for one in StaffSession.objects.all())

    handle = next(one["handle"] for one in listed if one["device"] == "Firefox on Windows")
    strangers.post("/me/security/sessions/end/", {"session": handle})
    assert is_open(there)
    here.post("/me/security/sessions/end/", {"session": handle})
    assert [is_open(one) for one in (here, there, elsewhere)] == [True, False, True]
    here.post("/me/security/sessions/end/")
    assert [is_open(one) for one in (here, elsewhere, strangers)] == [True, False, True]
    assert AuditEntry.objects.filter(action="end_session", actor_user=operator).count() == 2


def test_a_new_password_ends_the_other_sessions(operator: User, client_for: ClientFor) -> None:
    here, there = client_for(operator), client_for(operator)
    typed = {"old_password": "a password", "new_password1": "short", "new_password2": "short"}
    assert "at least 15 characters" in here.post("/me/security/password/", typed).text
    new = "correct horse battery staple"
    wrong = here.post("/me/security/password/", {"old_password": "x", "new_password1": new, "new_password2": new})
    assert wrong.status_code == 422 and is_open(there)
    typed |= {"new_password1": new, "new_password2": new}
    assert here.post("/me/security/password/", typed).status_code == 302
    assert is_open(here) and not is_open(there)
    assert sessions.sessions_of(operator) == list(StaffSession.objects.filter(user=operator))
    assert AuditEntry.objects.filter(action="change_password", actor_user=operator).exists()


def test_the_old_password_is_guessed_at_as_often_as_at_sign_in(operator: User, client_for: ClientFor) -> None:
    client, new = client_for(operator), "correct horse battery staple"
    typed = {"old_password": "a guess", "new_password1": new, "new_password2": new}
    for _ in range(MOST_FAILURES):
        assert client.post("/me/security/password/", typed).status_code == 422
    assert AuditEntry.objects.filter(action="proof_failed", subject_id=str(operator.pk)).count() == MOST_FAILURES
    refused = client.post("/me/security/password/", typed | {"old_password": "a password"})
    assert (refused.status_code, refused["Retry-After"]) == (429, "900")
    assert "Try again in 15 minutes." in refused.text
    assert User.objects.get(pk=operator.pk).check_password("a password")


def test_a_new_password_comes_with_all_that_follows_or_not_at_all(operator: User, client_for: ClientFor) -> None:
    here, there = client_for(operator), client_for(operator)
    here.raise_request_exception = False
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE audit_auditentry ADD CONSTRAINT no_ends CHECK (action <> 'end_session') NOT VALID")
    new = "correct horse battery staple"
    typed = {"old_password": "a password", "new_password1": new, "new_password2": new}
    assert here.post("/me/security/password/", typed).status_code == 500
    assert User.objects.get(pk=operator.pk).check_password("a password") and is_open(there)
    assert not AuditEntry.objects.filter(action="change_password").exists()


def test_somebody_elses_page_is_not_taken_for_ones_own(operator: User, senior: User, client_for: ClientFor) -> None:
    client = client_for(senior)
    assert client.get(f"/me/session/?me={operator.pk}").status_code == 409
    assert client.get(f"/me/session/?me={senior.pk}")["X-CSRFToken"]


@pytest.mark.parametrize("act", ["http://[", "//[", "/a\\", "%", "/nowhere/", "/withdrawals/?" + "&".join("a" * 2000)])
def test_an_address_that_is_none_is_no_act(operator: User, client_for: ClientFor, act: str) -> None:
    assert client_for(operator).get("/me/session/", {"act": act}).status_code == 204


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (FIREFOX, "Firefox on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X) AppleWebKit/605 (KHTML) Version/26.1 Safari/605", "Safari on Mac"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537 Chrome/156.0 Safari/537 Edg/156.0", "Edge on Linux"),
        ("Mozilla/5.0 (Linux; Android 16) AppleWebKit/537 Chrome/156 Mobile Safari/537", "Chrome on Android"),
        ("", "Unknown device"),
    ],
)
def test_a_device_in_words(said: str, words: str) -> None:
    assert device_words(said) == words
