"""The queue as a file: the rows of the list, no more than its reader may know of them, and a record of who took it."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.test import Client

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from kyc.models import Player
from tests.conftest import NOW
from tests.factories.withdrawals import make_withdrawal
from withdrawals.models import Withdrawal
from withdrawals.operations import claims
from withdrawals.states import State

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
FILE = "/withdrawals/?view=needs-decision&export=csv"


@pytest.fixture(autouse=True)
def _at_noon() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def waiting(minutes: float = 30, **fields: Any) -> Withdrawal:
    return make_withdrawal(State.UNDER_REVIEW, now=NOW - timedelta(minutes=minutes), **fields)


def lines_of(client: Client, address: str = FILE) -> list[dict[str, str]]:
    response: Any = client.get(address)
    assert response["Content-Type"].startswith("text/csv"), response.content[:300]
    return list(csv.DictReader(io.StringIO(response.getvalue().decode())))


def test_the_rows_of_the_list_in_its_order_with_plain_values(operator: User, client_for: SignIn) -> None:
    later, sooner = waiting(10, amount=245_000), waiting(60, currency="JPY", amount=70_000)
    waiting(20, amount=100)
    claims.claim(later, user=operator, now=NOW)
    sooner_line, line, rows, euro, yen = lines_of(client_for(operator), f"{FILE}&amount_min=10")
    assert [sooner_line["Withdrawal"], line["Withdrawal"]] == [sooner.ref, later.ref]
    assert (line["Amount"], line["Currency"], line["Owner"]) == ("2450.00", "EUR", operator.name)
    assert (line["Requested"], line["Due"]) == ("2026-11-22T11:50:00+00:00", "2026-11-22T13:50:00+00:00")
    assert (line["Player"], line["Country"]) == (later.player.name, later.player.country)
    assert later.destination.label == line["To"] and line["Status"] == "Under review"
    assert (sooner_line["Amount"], sooner_line["Currency"]) == ("70000", "JPY")
    assert (rows["Withdrawal"], rows["Requested"]) == ("Rows", "2 withdrawals")
    assert (euro["Amount"], yen["Amount"]) == ("2450.00", "70000")


def test_each_role_takes_its_own_columns(
    operator: User, fraud_analyst: User, finance: User, compliance: User, client_for: SignIn
) -> None:
    row = waiting()
    everything = list(lines_of(client_for(operator))[0])
    assert everything[-1] == "Owner" and {"Risk", "Why it needs a person", "KYC"} < set(everything)
    for user in (fraud_analyst, compliance):
        assert list(lines_of(client_for(user))[0]) == everything
    head = {"Withdrawal", "Requested", "Due", "Player reference", "Amount", "Currency", "To", "Status", "Provider"}
    lines = lines_of(client_for(finance))
    assert set(lines[0]) == head
    assert row.player.name not in str(lines)


def test_nobody_learns_of_a_legal_hold_from_a_file(operator: User, compliance: User, client_for: SignIn) -> None:
    make_withdrawal(State.ON_HOLD, now=NOW - timedelta(hours=1), hold_kind="legal", by=compliance)
    address = "/withdrawals/?view=on-hold&export=csv"
    assert lines_of(client_for(operator), address)[0]["Why it needs a person"] == ""
    assert lines_of(client_for(compliance), address)[0]["Why it needs a person"] != ""


@pytest.mark.parametrize("who", ["support", "admin"])
def test_who_may_not_take_it_gets_no_link_and_no_file(who: str, request: Any, client_for: SignIn) -> None:
    waiting()
    client = client_for(request.getfixturevalue(who))
    assert "export=csv" not in client.get("/withdrawals/?view=all").text
    assert client.get("/withdrawals/?view=all&export=csv")["Content-Type"].startswith("text/html")
    assert not AuditEntry.objects.filter(action="export").exists()


def test_whoever_is_given_the_right_still_learns_no_more(support: User, client_for: SignIn) -> None:
    right = Permission.objects.get(codename="export_withdrawals")
    support.groups.get().permissions.add(right)
    waiting()
    (line, *_sums) = lines_of(client_for(support), "/withdrawals/?view=all&export=csv")
    assert not {"Due", "Risk", "Why it needs a person", "Owner"} & set(line)


def test_it_is_written_down_before_anything_leaves(operator: User, client_for: SignIn) -> None:
    waiting(amount=18_000)
    client_for(operator).get(f"{FILE}&amount_min=10")  # not a line of it was read
    entry = AuditEntry.objects.get(action="export")
    assert (entry.actor_user, entry.data["what"]) == (operator, "Withdrawals")
    assert entry.data["filters"] == {"view": ["needs-decision"], "amount_min": ["10"]}
    assert (entry.data["rows"], entry.data["totals"]) == (1, {"EUR": "180.00"})


def test_too_many_rows_are_refused_with_a_sentence(
    operator: User, compliance: User, client_for: SignIn, settings: Any
) -> None:
    settings.EXPORT_LIMIT = 1
    waiting()
    waiting()
    refused = client_for(operator).get(FILE)
    assert refused["Content-Type"].startswith("text/html")
    assert "you may take at most 1 rows along. Narrow the list first." in refused.text
    assert not AuditEntry.objects.filter(action="export").exists()
    assert len(lines_of(client_for(compliance))) == 4


def test_it_asks_once_more_who_one_is(operator: User, client_for: SignIn, _at_noon: Any) -> None:
    client = client_for(operator)
    for _ in range(2):
        _at_noon.shift(timedelta(minutes=8))
        answer = client.get("/withdrawals/")
    assert answer.status_code in (200, 302)
    asked = client.get(FILE)
    assert asked.status_code == 401 and "You are about to download personal data." in asked.text


def test_a_name_is_no_formula(operator: User, client_for: SignIn) -> None:
    row = waiting()
    Player.objects.filter(pk=row.player_id).update(name="=HYPERLINK(1)")
    assert lines_of(client_for(operator))[0]["Player"] == "'=HYPERLINK(1)"


def test_more_rows_take_no_more_statements(
    operator: User, client_for: SignIn, django_assert_num_queries: Callable[..., Any]
) -> None:
    client = client_for(operator)
    client.get("/withdrawals/?view=needs-decision")
    for more in (1, 5):
        for _ in range(more):
            waiting()
        with django_assert_num_queries(7):
            client.get(FILE).getvalue()  # type: ignore[attr-defined]
