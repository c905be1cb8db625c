"""Every page × every role, from a literal table. A page that is not in the table fails the build."""

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from backoffice.nav import MENU, landing_url
from backoffice.roles import LANDING, ROLES
from ledger.models import Entry
from tests.factories.withdrawals import make_finding, make_withdrawal
from tests.menu import menu_links
from withdrawals.models import Withdrawal
from withdrawals.states import State

pytestmark = pytest.mark.django_db

EVERYBODY = "OSFUNCA"  # Operator, Senior, Fraud, sUpport, fiNance, Compliance, Administrator
LETTERS = dict(zip(EVERYBODY, ROLES, strict=True))

# url name, arguments, who gets 200; everybody else who is signed in gets 403. POST-only pages answer 405 to GET.
PAGES: tuple[tuple[str, str], ...] = (
    ("today", EVERYBODY),
    ("today-lines", EVERYBODY),
    ("today-csv", "OSFNCA"),
    ("menu", EVERYBODY),
    ("found", EVERYBODY),
    ("withdrawals:queue", EVERYBODY),
    ("withdrawals:record", EVERYBODY),
    ("withdrawals:status", EVERYBODY),
    ("withdrawals:evidence", "SFNC"),
    ("withdrawals:second-approval", "S"),
    ("withdrawals:in-flight", "OSNA"),
    ("withdrawals:unknown", "OSNA"),
    ("withdrawals:flagged", "FC"),
    ("withdrawals:flagged-one", "FC"),
    ("withdrawals:findings", "SNA"),
    ("withdrawals:finding", "SNA"),
    ("withdrawals:players", "OSFUC"),
    ("withdrawals:standings", "C"),
    ("withdrawals:transactions", "NC"),
    ("withdrawals:providers", "OSNA"),
    ("withdrawals:statuses", EVERYBODY),
    ("withdrawals:provider-day", "OSNA"),
    ("ledger:journal", "SNC"),
    ("ledger:entry", "SNC"),
    ("audit:log", "CA"),
    ("staff", "A"),
    ("profile", EVERYBODY),
    ("shortcuts", EVERYBODY),
    ("security", EVERYBODY),
    ("add-app", EVERYBODY),
    ("change-password", EVERYBODY),
)
# Reached by POST or redirecting, or open to every signed-in person; tested where they are built.
ELSEWHERE = {
    "start", "styleguide", "appearance", "sign-out", "go", "withdrawals:next", "withdrawals:claim", "withdrawals:undo",
    "withdrawals:presence", "withdrawals:facts",
    "withdrawals:agree", "withdrawals:decline", "withdrawals:note", "withdrawals:ask", "withdrawals:take-over",
    "withdrawals:move", "withdrawals:verdict", "withdrawals:provider-switch", "audit:check", "me", "confirm",
    "remove-app", "remove-passkey", "new-codes", "passkey-options", "end-sessions",
    "withdrawals:bulk-preview", "withdrawals:bulk-apply", "withdrawals:bulk-job", "withdrawals:bulk-cancel",
    "withdrawals:bulk-undo",
}  # fmt: skip
# Without a session: their own kind of authentication, or none needed.
OPEN = {"healthz", "favicon", "sign-in", "sign-in-code", "sign-in-set-up", "sign-in-passkey", "session", "webhook"}


def named(resolver: URLResolver, space: str = "") -> set[str]:
    found: set[str] = set()
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            found |= named(pattern, ":".join(part for part in (space, pattern.namespace) if part))
        elif isinstance(pattern, URLPattern) and pattern.name:
            found.add(f"{space}:{pattern.name}" if space else pattern.name)
    return found


def test_every_page_is_declared() -> None:
    every = {name for name in named(get_resolver()) if not name.startswith("platform:")}
    assert every == {name for name, _who in PAGES} | ELSEWHERE | OPEN


@pytest.fixture
def addresses(operator: User) -> dict[str, str]:
    withdrawal = make_withdrawal(State.UNDER_REVIEW, risk=(40, "medium"), is_flagged=True)
    entry = Entry.objects.order_by("pk").first()
    assert entry is not None
    arguments: dict[str, list[Any]] = {
        "today-csv": ["closed-per-day"],
        "withdrawals:provider-day": ["northgate"],
        **{f"withdrawals:{name}": [withdrawal.ref] for name in ("record", "status", "evidence")},
        "withdrawals:flagged-one": [withdrawal.ref],
        "withdrawals:unknown": [make_withdrawal(State.OUTCOME_UNKNOWN, by=operator).ref],
        "withdrawals:finding": [make_finding().pk],
        "ledger:entry": [entry.pk],
    }
    return {name: reverse(name, args=arguments.get(name, [])) for name, _who in PAGES}


@pytest.mark.parametrize("letter", EVERYBODY)
def test_who_sees_what(letter: str, addresses: dict[str, str], make_staff: Any, client_for: Any) -> None:
    client = client_for(make_staff(LETTERS[letter]))
    answers = {name: client.get(address).status_code for name, address in addresses.items()}
    expected = {name: 200 if letter in who else 403 for name, who in PAGES}
    assert answers == expected


@pytest.mark.parametrize("letter", EVERYBODY)
def test_the_menu_shows_what_may_be_opened_and_nothing_else(letter: str, make_staff: Any, client_for: Any) -> None:
    user = make_staff(LETTERS[letter])
    response = client_for(user).get(reverse("withdrawals:queue"))
    allowed = [item for item in MENU if user.has_perm(item.permission)]
    assert [unescape(link) for link in menu_links(response)] == [item.url for item in allowed]
    pages = {name for name, who in PAGES if letter in who}
    assert {item.url_name for item in allowed} == pages & {item.url_name for item in MENU}


def test_nobody_unsigned_sees_anything(addresses: dict[str, str]) -> None:
    client = Client()
    for address in addresses.values():
        response = client.get(address)
        assert (response.status_code, response.headers["Location"].partition("?")[0]) == (302, reverse("sign-in"))


def test_a_denial_is_recorded(support: User, client_for: Callable[[User], Client]) -> None:
    client_for(support).get(reverse("audit:log"))
    entry = AuditEntry.objects.get(action="denied")
    assert (entry.actor_user, entry.data["path"]) == (support, reverse("audit:log"))


def test_a_refusal_keeps_the_menu_and_says_what_is_missing(support: User, client_for: Callable[[User], Client]) -> None:
    client = client_for(support)
    for address, words in (
        ("ledger:journal", "lets you read the journal."),
        ("withdrawals:flagged", "lets you see the flagged queue."),
    ):
        response = client.get(reverse(address))
        assert response.status_code == 403
        assert words in response.text and f'href="{reverse("withdrawals:players")}"' in response.text


def test_everybody_lands_on_a_page_they_may_open(make_staff: Any, client_for: Any) -> None:
    for role in ROLES:
        user = make_staff(role)
        assert role in LANDING
        assert client_for(user).get(landing_url(user)).status_code == 200


def test_the_groups_equal_the_table(operator: User) -> None:
    """roles.synchronise() ran after migrate; a permission that names nothing would have stopped it."""
    for name, wanted in ROLES.items():
        held = Permission.objects.filter(group__name=name).values_list("content_type__app_label", "codename")
        assert {f"{app}.{codename}" for app, codename in held} == wanted


def test_no_role_holds_a_toxic_pair() -> None:
    deciding = {permission for permission in ROLES["Operator"] | ROLES["Senior"] if "_withdrawal" in permission}
    deciding -= {"withdrawals.view_withdrawal"}
    assert not ROLES["Administrator"] & deciding
    assert not any("accounts.change_user" in rights and rights & deciding for rights in ROLES.values())
    assert not ROLES["Support"] & (deciding | {"withdrawals.view_signals", "withdrawals.view_flagged"})
    assert not ROLES["Finance"] & {"withdrawals.approve_withdrawal", "withdrawals.confirm_withdrawal"}


def test_there_are_no_superusers(make_staff: Any) -> None:
    user = make_staff("Support")
    with pytest.raises(AttributeError):
        user.is_superuser = True
    assert not user.has_perm("withdrawals.approve_withdrawal")


def test_reading_changes_nothing(addresses: dict[str, str], make_staff: Any, client_for: Any) -> None:
    before = list(Withdrawal.objects.values())
    for letter in EVERYBODY:
        client = client_for(make_staff(LETTERS[letter]))
        for address in addresses.values():
            client.get(address)
    assert list(Withdrawal.objects.values()) == before
