"""The transactions report: rows with their entries, totals per currency, and the same rows as a file."""

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from kyc.models import Player
from ledger.models import Entry
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import make_withdrawal
from tests.menu import menu_links
from withdrawals.models import Withdrawal
from withdrawals.states import State

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
HOSTILE = ["=HYPERLINK(1) +x", "@SUM(A1) -2", "+4912 tab", 'Quote "Comma", Name', "Élodie 李"]


def shown(response: object) -> list[str]:
    return [row.ref for row in response.context["page"].rows]  # type: ignore[attr-defined]


def rows_of(response: object) -> list[list[str]]:
    return list(csv.reader(io.StringIO(response.getvalue().decode())))  # type: ignore[attr-defined]


@pytest.fixture
def paid(operator: User) -> Withdrawal:
    return make_withdrawal(State.COMPLETED, now=timezone.now(), by=operator)


def test_only_finance_and_compliance_find_it(
    client_for: ClientFor, finance: User, compliance: User, operator: User, support: User, admin: User
) -> None:
    for user in (finance, compliance):
        response = client_for(user).get("/transactions/")
        assert response.status_code == 200
        assert "/transactions/" in menu_links(response)
    for user in (operator, support, admin):
        assert client_for(user).get("/transactions/").status_code == 403
        assert "/transactions/" not in menu_links(client_for(user).get("/withdrawals/?view=all"))


def test_each_payout_with_its_entries_linked(client_for: ClientFor, finance: User, paid: Withdrawal) -> None:
    page = client_for(finance).get("/transactions/?view=all").text
    row = re.search(rf"<tr data-row>.*?{paid.ref}.*?</tr>", page, re.S)
    assert row
    booked = Entry.objects.filter(reference=paid.ref).order_by("id")
    assert [entry.get_kind_display() for entry in booked] == ["Reserve", "Hand to provider", "Pay"]
    for entry in booked:
        assert f'href="/ledger/entries/{entry.pk}/"' in row[0]
    assert row[0].count("€180.00") == 4


def test_finance_works_with_reference_and_initials(client_for: ClientFor, finance: User, compliance: User) -> None:
    withdrawal = make_withdrawal(now=timezone.now(), player=PlayerFactory(verified=True, name="Elena Marković"))
    for_finance = client_for(finance).get("/transactions/?view=all").text
    assert withdrawal.player.ref in for_finance and ">EM<" in for_finance
    assert "Elena" not in for_finance and "Marković" not in for_finance
    assert withdrawal.player.email not in for_finance
    assert "Elena Marković" in client_for(compliance).get("/transactions/?view=all").text


def test_filters(client_for: ClientFor, finance: User, operator: User) -> None:
    now = timezone.now()
    old = make_withdrawal(now=now - timedelta(days=70))
    krona = make_withdrawal(now=now - timedelta(minutes=3), amount=70_000, currency="SEK")
    done = make_withdrawal(State.COMPLETED, now=now - timedelta(minutes=2), by=operator)
    client = client_for(finance)
    assert shown(client.get("/transactions/?view=all")) == [done.ref, krona.ref, old.ref]
    assert shown(client.get("/transactions/?view=today")) == [done.ref, krona.ref]
    assert shown(client.get("/transactions/?view=all&currency=SEK")) == [krona.ref]
    assert shown(client.get("/transactions/?view=all&state=completed&state=rejected")) == [done.ref]
    assert shown(client.get("/transactions/?view=all&provider=northgate")) == [done.ref]
    day = f"{now:%Y-%m-%d}"
    assert shown(client.get(f"/transactions/?view=all&closed_from={day}&closed_to={day}")) == [done.ref]
    assert shown(client.get(f"/transactions/?view=all&requested_to={now - timedelta(days=60):%Y-%m-%d}")) == [old.ref]
    assert shown(client.get(f"/transactions/?view=all&q={old.player.ref}")) == [old.ref]


@pytest.mark.parametrize("query", ["state=paid", "closed_from=31.2.", "currency=EURO", "provider=1", "before=x", "z=1"])
def test_nonsense_is_left_out(client_for: ClientFor, finance: User, paid: Withdrawal, query: str) -> None:
    response = client_for(finance).get(f"/transactions/?view=all&{query}")
    assert (response.status_code, shown(response)) == (200, [paid.ref])
    assert "Left out of the address" in response.text


def test_the_file_holds_exactly_the_filtered_rows_and_the_totals_of_the_screen(
    client_for: ClientFor, finance: User, operator: User, paid: Withdrawal
) -> None:
    for n in range(3):
        make_withdrawal(now=timezone.now(), amount=1_000_000 + n)
    make_withdrawal(now=timezone.now(), amount=70_000, currency="SEK")
    make_withdrawal(now=timezone.now(), amount=1_500, currency="JPY")
    make_withdrawal(State.CANCELLED, now=timezone.now(), amount=500)
    client = client_for(finance)
    query = "view=all&state=requested&state=completed"
    screen = client.get(f"/transactions/?{query}")
    totals = re.sub(r"<[^>]+>", " ", screen.context["totals"])
    assert re.sub(r"\s+", " ", totals).strip() == "€30,180.03 in 4 JPY 1,500 in 1 SEK 700.00 in 1"
    head, *body = rows_of(client.get(f"/transactions/?{query}&export=csv"))
    rows, trailer = body[:-4], body[-4:]
    assert head[:7] == ["Requested", "Withdrawal", "Player reference", "Player", "Amount", "Fee", "Currency"]
    assert [row[1] for row in rows] == shown(screen)
    assert trailer == [
        ["Rows", "6 withdrawals", *[""] * 11],
        ["Total", "4 withdrawals", "", "", "30180.03", "0.00", "EUR", *[""] * 6],
        ["Total", "1 withdrawal", "", "", "1500", "0", "JPY", *[""] * 6],
        ["Total", "1 withdrawal", "", "", "700.00", "0.00", "SEK", *[""] * 6],
    ]
    assert {len(line) for line in body} == {len(head)}
    found = next(row for row in rows if row[1] == paid.ref)
    assert found[4:8] == ["180.00", "0.00", "EUR", "Completed"]
    assert found[9] == "Northgate Pay"
    assert found[12] == "Reserve 180.00 EUR; Hand to provider 180.00 EUR; Pay 180.00 EUR"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", found[11])


def test_every_export_is_recorded(client_for: ClientFor, finance: User, paid: Withdrawal) -> None:
    client_for(finance).get("/transactions/?view=all&state=completed&export=csv").getvalue()
    entry = AuditEntry.objects.get(action="export")
    assert entry.actor_user == finance
    assert entry.data == {
        "what": "Transactions",
        "filters": {"view": ["all"], "state": ["completed"]},
        "rows": 1,
        "totals": {"EUR": "180.00"},
    }


@pytest.mark.parametrize("address", ["/transactions/", "/in-flight/", "/withdrawals/"])
def test_what_was_typed_is_not_kept_for_good(client_for: ClientFor, finance: User, address: str) -> None:
    client_for(finance).get(f"{address}?q=elena@example.org&export=csv").getvalue()
    filters = AuditEntry.objects.get(action="export").data["filters"]
    assert filters == {"q": ["…"]}


def test_who_may_not_export_gets_no_file(client_for: ClientFor, compliance: User, paid: Withdrawal) -> None:
    client = client_for(compliance)
    assert "export=csv" not in client.get("/transactions/?view=all").text
    response = client.get("/transactions/?view=all&export=csv")
    assert response["Content-Type"].startswith("text/html")
    assert not AuditEntry.objects.filter(action="export").exists()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_come_back_as_text(client_for: ClientFor, compliance: User, name: str) -> None:
    from django.contrib.auth.models import Permission

    compliance.groups.first().permissions.add(Permission.objects.get(codename="export_transactions"))
    withdrawal = make_withdrawal(now=timezone.now())
    Player.objects.filter(pk=withdrawal.player_id).update(name=name)
    _head, row, *_rest = rows_of(client_for(compliance).get("/transactions/?view=all&export=csv"))
    assert row[3].removeprefix("'") == name
    assert row[3][0] not in "=+-@\t\r"
    assert (row[3] == name) == (name[0] not in "=+-@")


def test_the_number_of_queries_does_not_grow(
    client_for: ClientFor, finance: User, operator: User, django_assert_num_queries: Callable[..., object]
) -> None:
    client = client_for(finance)
    for more in (1, 2):
        for _ in range(more):
            make_withdrawal(State.COMPLETED, now=timezone.now(), by=operator)
        client.get("/transactions/?view=all")
        with django_assert_num_queries(8):  # type: ignore[attr-defined]
            client.get("/transactions/?view=all")
        with django_assert_num_queries(6):  # type: ignore[attr-defined]
            assert len(rows_of(client.get("/transactions/?view=all&export=csv"))) > more
