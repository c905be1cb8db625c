"""Codes, recovery codes: what counts, what counts once, and what is said of what does not count."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from cryptography.fernet import Fernet, InvalidToken
from django.core.management import call_command
from django.test import Client

from backoffice.accounts import passkeys, second_factor
from backoffice.accounts.models import CodeApp, Passkey, RecoveryCode, StaffSession, User
from backoffice.accounts.second_factor import WrongCode
from backoffice.accounts.sign_in import MOST_FAILURES, TooManyTries
from backoffice.audit.models import AuditEntry
from backoffice.sealing import WrongOwner, seal, unseal
from tests.accounts.conftest import SECRET, shown, together
from tests.conftest import NOW

pytestmark = pytest.mark.django_db
GiveApp = Callable[[User], User]


@pytest.fixture
def _noon() -> Any:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def password(client: Client, user: User, **fields: str) -> Any:
    return client.post("/sign-in/", {"username": user.email, "password": "a password", **fields})


def code(client: Client, typed: str) -> Any:
    return client.post("/sign-in/code/", {"proof-code": typed})


def use(user: User, typed: str) -> str:
    return second_factor.use_code(user, typed, address="203.0.113.7", now=NOW)


def refusal(user: User, typed: str) -> str:
    with pytest.raises(WrongCode) as refused:
        use(user, typed)
    return refused.value.sentence


def acts(user: User) -> list[str]:
    entries = AuditEntry.objects.filter(subject_type="staff", subject_id=str(user.pk)).order_by("pk")
    return [entry.action for entry in entries]


def test_the_password_alone_opens_nothing(operator: User, give_app: GiveApp, _noon: Any) -> None:
    client = Client()
    assert password(client, give_app(operator), next="/players/")["Location"] == "/sign-in/code/"
    assert client.get("/withdrawals/")["Location"].startswith("/sign-in/")
    assert not StaffSession.objects.exclude(user=None).exists()

    assert code(client, "000000").status_code == 422
    assert client.get("/withdrawals/")["Location"].startswith("/sign-in/")
    assert code(client, f" {shown()[:3]} {shown()[3:]} ")["Location"] == "/players/"
    assert client.get("/withdrawals/").status_code == 200
    assert acts(operator) == ["add_second_factor", "code_failed", "sign_in"]
    assert AuditEntry.objects.get(action="sign_in").data == {"state": "code"}


def test_the_code_page_is_for_whoever_gave_the_password_not_long_ago(
    operator: User, give_app: GiveApp, _noon: Any
) -> None:
    assert Client().get("/sign-in/code/")["Location"] == "/sign-in/"
    client = Client()
    password(client, give_app(operator))
    _noon.shift(timedelta(minutes=11))
    assert code(client, shown())["Location"] == "/sign-in/"
    assert client.get("/withdrawals/")["Location"].startswith("/sign-in/")


def test_a_new_password_ends_what_the_old_one_began(operator: User, give_app: GiveApp) -> None:
    client = Client()
    password(client, give_app(operator))
    operator.set_password("entirely different words")
    operator.save()
    assert code(client, shown())["Location"] == "/sign-in/"
    assert client.get("/withdrawals/")["Location"].startswith("/sign-in/")


def test_a_code_and_those_before_it_work_once(operator: User, give_app: GiveApp) -> None:
    give_app(operator)
    assert use(operator, shown(NOW)) == "code"
    assert refusal(operator, shown(NOW)).startswith("This code was used already.")
    assert refusal(operator, shown(NOW - timedelta(seconds=30))).startswith("This code was used already.")
    assert use(operator, shown(NOW + timedelta(seconds=30))) == "code"


@pytest.mark.parametrize(
    ("off", "words"),
    [(-180, "about 3 minutes slow"), (60, "about 1 minute fast"), (600, "about 10 minutes fast")],
)
def test_a_clock_that_is_wrong_is_named(operator: User, give_app: GiveApp, off: int, words: str) -> None:
    with pytest.raises(WrongCode, match=words):
        second_factor.add_app(operator, secret=SECRET, code=shown(NOW + timedelta(seconds=off)), now=NOW)
    assert not second_factor.has_app(operator)


def test_of_an_app_in_use_nothing_is_said_about_codes_to_come(operator: User, give_app: GiveApp) -> None:
    give_app(operator)
    wrong = refusal(operator, "000000")
    assert {refusal(operator, shown(NOW + timedelta(seconds=off))) for off in (60, 300, 600)} == {wrong}
    assert "about 3 minutes slow" in refusal(operator, shown(NOW - timedelta(minutes=3)))


def test_half_a_minute_off_is_nobodys_fault(operator: User, give_app: GiveApp) -> None:
    assert use(give_app(operator), shown(NOW - timedelta(seconds=30))) == "code"


def test_codes_are_guessed_at_as_often_as_passwords(operator: User, give_app: GiveApp, _noon: Any) -> None:
    client = Client()
    password(client, give_app(operator))
    for n in range(MOST_FAILURES):
        # The right password in between does not start the counting anew.
        password(Client(REMOTE_ADDR=f"198.51.100.{n}"), operator)
        client.defaults["REMOTE_ADDR"] = f"203.0.113.{n}"
        assert code(client, "000000").status_code == 422
    client.defaults["REMOTE_ADDR"] = "192.0.2.1"
    refused = code(client, shown())
    assert (refused.status_code, refused["Retry-After"]) == (429, "900")
    assert "Try again in 15 minutes." in refused.text
    _noon.shift(timedelta(minutes=15))
    password(client, operator)
    assert code(client, shown()).status_code == 302


def test_nothing_typed_as_an_e_mail_counts_as_a_code_of_somebody(operator: User, give_app: GiveApp) -> None:
    give_app(operator)
    for n in range(MOST_FAILURES):
        typed = {"username": f"code of staff {operator.pk}", "password": "x"}
        Client(REMOTE_ADDR=f"198.51.100.{n}").post("/sign-in/", typed)
    assert second_factor.use_code(operator, shown(NOW), address="192.0.2.1", now=NOW) == "code"


def test_ten_recovery_codes_each_for_once(operator: User, give_app: GiveApp) -> None:
    give_app(operator)
    codes = second_factor.new_recovery_codes(operator, now=NOW)
    assert len(set(codes)) == 10 and all(re.fullmatch(r"([0-9A-Z]{4}-){3}[0-9A-Z]{4}", one) for one in codes)
    assert use(operator, codes[0].lower().replace("-", " ")) == "recovery code"
    assert "used already" in refusal(operator, codes[0])
    assert second_factor.recovery_codes_left(operator) == 9
    second_factor.new_recovery_codes(operator, now=NOW)
    assert "not right" in refusal(operator, codes[1])
    assert acts(operator).count("use_recovery_code") == 1


def test_one_persons_recovery_code_is_not_anothers(operator: User, senior: User, give_app: GiveApp) -> None:
    codes = second_factor.new_recovery_codes(give_app(operator), now=NOW)
    refusal(give_app(senior), codes[0])
    assert use(operator, codes[0]) == "recovery code"


def test_the_database_holds_no_secret_that_can_be_read(operator: User, give_app: GiveApp, settings: Any) -> None:
    codes = second_factor.new_recovery_codes(give_app(operator), now=NOW)
    kept = str([*CodeApp.objects.values(), *RecoveryCode.objects.values()])
    assert SECRET not in kept and not any(one.replace("-", "") in kept or one in kept for one in codes)
    sealed = CodeApp.objects.get().secret
    old = settings.FIELD_KEYS
    settings.FIELD_KEYS = [Fernet.generate_key().decode(), *old]
    assert unseal(sealed, owner=f"code app {operator.pk}") == SECRET
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(InvalidToken):
        unseal(sealed, owner=f"code app {operator.pk}")


def test_a_secret_moved_to_another_row_is_worth_nothing() -> None:
    with pytest.raises(WrongOwner):
        unseal(seal(SECRET, owner="code app 1"), owner="code app 2")


@pytest.mark.django_db(transaction=True)
def test_of_two_requests_with_one_code_one_gets_in(operator: User, give_app: GiveApp) -> None:
    give_app(operator)
    answers = together(*[lambda: use(operator, shown(NOW))] * 2)
    assert sorted(str(answer)[:27] for answer in answers) == ["This code was used already.", "code"]


def test_where_it_is_required_the_first_sign_in_sets_it_up(operator: User, settings: Any) -> None:
    settings.SECOND_FACTOR = "required"
    client = Client()
    assert password(client, operator, next="/players/")["Location"] == "/sign-in/set-up/"
    asked = client.get("/sign-in/set-up/")
    assert 'src="data:image/svg+xml' in asked.text
    secret = asked.context["secret"].replace(" ", "")
    assert client.get("/withdrawals/")["Location"].startswith("/sign-in/")
    assert secret not in str(StaffSession.objects.values()) and secret not in str(client.session.items())

    wrong = client.post("/sign-in/set-up/", {"code": "000000"})
    assert wrong.status_code == 422 and wrong.context["secret"].replace(" ", "") == secret
    assert not second_factor.has_one(operator)
    done = client.post("/sign-in/set-up/", {"code": shown(secret=secret)})
    assert len(done.context["codes"]) == 10 and done.context["next"] == "/players/"
    assert client.get("/players/").status_code == 200
    assert acts(operator) == ["add_second_factor", "make_recovery_codes", "sign_in"]
    # Set up once: the second sign-in asks for a code.
    assert password(Client(), operator)["Location"] == "/sign-in/code/"


@pytest.mark.django_db(transaction=True)
def test_of_two_that_set_one_up_at_once_one_gets_in(operator: User, settings: Any) -> None:
    settings.SECOND_FACTOR = "required"

    def begin() -> Callable[[], Any]:
        client = Client()
        password(client, operator)
        secret = client.get("/sign-in/set-up/").context["secret"].replace(" ", "")
        return lambda: client.post("/sign-in/set-up/", {"code": shown(secret=secret)})

    answers = together(begin(), begin())
    assert sorted(answer.status_code for answer in answers) == [200, 302]
    assert acts(operator) == ["add_second_factor", "make_recovery_codes", "sign_in"]


def test_whoever_has_one_cannot_set_up_another_before_giving_it(operator: User, give_app: GiveApp) -> None:
    client = Client()
    password(client, give_app(operator))
    assert client.get("/sign-in/set-up/")["Location"] == "/sign-in/"
    assert client.post("/sign-in/set-up/", {"code": "000000"})["Location"] == "/sign-in/"


def test_the_last_one_stays_where_one_is_required(
    operator: User, give_app: GiveApp, client_for: Any, settings: Any
) -> None:
    client = client_for(give_app(operator))
    second_factor.new_recovery_codes(operator, now=NOW)
    settings.SECOND_FACTOR = "required"
    refused = client.post("/me/security/app/remove/", follow=True)
    assert second_factor.has_one(operator) and "Add another one first." in refused.text
    settings.SECOND_FACTOR = "offered"
    client.post("/me/security/app/remove/")
    assert not second_factor.has_one(operator) and not operator.recovery_codes.exists()
    assert acts(operator)[-1] == "remove_second_factor"


@pytest.mark.django_db(transaction=True)
def test_of_two_that_are_removed_at_once_one_stays(operator: User, give_app: GiveApp, settings: Any) -> None:
    settings.SECOND_FACTOR = "required"
    for n in range(8):
        give_app(operator)
        Passkey.objects.all().delete()
        key = Passkey.objects.create(
            user=operator, name="Work laptop", credential_id=b"key %d" % n, credential=b"", added_at=NOW
        )
        answers = together(
            lambda: second_factor.remove_app(operator, actor=operator, now=NOW),
            lambda key=key: passkeys.remove(key, actor=operator, now=NOW),
        )
        assert sorted(type(answer).__name__ for answer in answers) == ["LastOne", "NoneType"]
        assert second_factor.has_one(operator)


def test_a_reset_by_command_takes_all_and_signs_out(operator: User, give_app: GiveApp, client_for: Any) -> None:
    client = client_for(give_app(operator))
    call_command("reset_second_factor", operator.email.upper(), reason="Phone lost; called back", verbosity=0)
    assert client.get("/withdrawals/").status_code == 302
    assert not second_factor.has_one(operator)
    entry = AuditEntry.objects.get(action="reset_second_factor")
    assert (entry.reason, entry.actor_machine) == ("Phone lost; called back", "reset_second_factor")


def test_too_many_tries_stop_before_the_code_is_looked_at(operator: User, give_app: GiveApp) -> None:
    give_app(operator)
    for _ in range(MOST_FAILURES):
        refusal(operator, "000000")
    with pytest.raises(TooManyTries):
        use(operator, shown(NOW))
    assert CodeApp.objects.get().last_step == 0
