"""Giving out keys."""

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings

from backoffice.audit.models import AuditEntry
from backoffice.platform.models import ApiClient
from backoffice.sealing import WrongOwner
from kyc.models import Player
from tests.platform.conftest import Signed, make_client

pytestmark = pytest.mark.django_db


def add(*arguments: str) -> str:
    out = StringIO()
    call_command("add_api_client", *arguments, stdout=out)
    return out.getvalue()


def test_a_key_is_given_out_once_and_works(player: Player) -> None:
    printed = add("Casino, main site", "--notify-url", "https://casino.example/hooks")

    client = ApiClient.objects.get()
    assert re.fullmatch(r"casino-main-site-[0-9a-f]{8}", client.key_id)
    assert client.notify_url == "https://casino.example/hooks"
    assert len({client.secret, client.notify_secret}) == 2
    assert all(text in printed for text in (client.key_id, client.secret, client.notify_secret))
    assert Signed(client)("GET", "/api/v1/players/p-1/balance").status_code == 200
    entry = AuditEntry.objects.get(subject_type="api_client")
    assert (entry.subject_id, entry.actor_machine) == (client.key_id, "command:add_api_client")
    assert client.secret not in str(entry.data)
    kept = str(ApiClient.objects.values())
    assert client.secret not in kept and client.notify_secret not in kept


def test_a_key_may_be_for_some_things_only() -> None:
    assert "Scopes:         events, read" in add("Feed", "--scope", "read", "--scope", "events")
    assert ApiClient.objects.get().scopes == ["events", "read"]
    assert AuditEntry.objects.get(subject_type="api_client").data == {"scopes": ["events", "read"]}


def test_a_key_is_for_everything_unless_it_is_said() -> None:
    add("Casino")
    assert ApiClient.objects.get().scopes == ["read", "events", "withdrawals"]


@pytest.mark.parametrize("name", ["Ж", "   ", "x" * 90])
def test_any_name_gives_a_key_id(name: str) -> None:
    add(name)
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,29}", ApiClient.objects.get().key_id)


@pytest.mark.parametrize(
    "url",
    [
        "http://casino.example/hooks", "https://", "https://user:pass@casino.example/", "https://casino.example/#x",
        "file:///etc/passwd", "casino.example", "http://127.0.0.1:9000/", "gopher://casino.example/",
    ],
)  # fmt: skip
@override_settings(SANDBOX_ALLOWED=False)
def test_only_https_is_called(url: str) -> None:
    with pytest.raises(CommandError, match="https://"):
        add("Casino", "--notify-url", url)
    assert not ApiClient.objects.exists()


@override_settings(SANDBOX_ALLOWED=True)
def test_this_machine_is_called_where_nothing_is_really_paid() -> None:
    add("Casino", "--notify-url", "http://127.0.0.1:9000/hooks")
    assert ApiClient.objects.exists()


def test_a_secret_in_the_row_of_another_key_signs_nothing(db: None) -> None:
    ours, theirs = make_client("ours"), make_client("theirs")
    ApiClient.objects.filter(pk=theirs.pk).update(sealed_secret=ours.sealed_secret)
    with pytest.raises(WrongOwner):
        _ = ApiClient.objects.get(pk=theirs.pk).secret
    ApiClient.objects.filter(pk=ours.pk).update(sealed_notify_secret=ours.sealed_secret)
    with pytest.raises(WrongOwner):
        _ = ApiClient.objects.get(pk=ours.pk).notify_secret


@pytest.mark.django_db(transaction=True)
def test_secrets_of_before_are_sealed_and_back() -> None:
    client = make_client("shop")
    secrets = (client.secret, client.notify_secret)
    call_command("migrate", "platform", "0002", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret, notify_secret FROM platform_apiclient")
        assert cursor.fetchone() == secrets
    call_command("migrate", "platform", verbosity=0)
    client = ApiClient.objects.get()
    assert (client.secret, client.notify_secret) == secrets
    assert secrets[0] not in client.sealed_secret
