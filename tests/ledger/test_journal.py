"""The journal: every entry with both sides in words, sums per currency, and nothing to edit."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from backoffice.accounts.models import User
from backoffice.money import Money
from ledger import operations as ledger
from ledger import queries
from ledger.models import Entry
from tests.ledger.conftest import book
from tests.menu import menu_links

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]


def deposit(
    amount: int = 10_000, currency: str = "EUR", *, holder: str = "7", key: str = "d1", by: str = "platform:x"
) -> int:
    return book(ledger.deposit_entry(holder=holder, money=Money(amount, currency), key=key, at=timezone.now(), by=by))


def reserve(amount: int = 4_000, *, reference: str = "WD-AAAA-0001", by: str = "platform:x") -> int:
    return ledger.reserve(
        holder="7", money=Money(amount, "EUR"), reference=reference, key=f"{reference}:r", at=timezone.now(), by=by
    )


def shown(response: object) -> list[int]:
    return [row.pk for row in response.context["page"].rows]  # type: ignore[attr-defined]


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_who_finds_it(
    client_for: ClientFor, finance: User, senior: User, compliance: User, operator: User, support: User, admin: User
) -> None:
    entry = deposit()
    for user in (finance, senior, compliance):
        response = client_for(user).get("/ledger/journal/")
        assert response.status_code == 200
        assert "/ledger/journal/" in menu_links(response)
        assert client_for(user).get(f"/ledger/entries/{entry}/").status_code == 200
    for user in (operator, support, admin):
        assert client_for(user).get("/ledger/journal/").status_code == 403
        assert client_for(user).get(f"/ledger/entries/{entry}/").status_code == 403
        assert "/ledger/journal/" not in menu_links(client_for(user).get("/withdrawals/?view=all"))


def test_a_row_says_what_was_booked(client_for: ClientFor, finance: User, senior: User) -> None:
    deposit()
    entry = reserve(by=f"staff:{senior.pk}")
    page = client_for(finance).get("/ledger/journal/")
    assert shown(page)[0] == entry
    row = re.search(rf"<tr data-row>(?:(?!</tr>).)*entries/{entry}/.*?</tr>", page.text, re.S)
    assert row
    assert "Reserve Player’s cash P-7 Player’s money held P-7 €40.00 WD-AAAA-0001 Marta Keller" in words(row[0])
    assert 'href="/withdrawals/WD-AAAA-0001/"' in row[0]


def test_sums_of_both_sides_per_currency(client_for: ClientFor, finance: User) -> None:
    deposit()
    deposit(7_000, "SEK", key="d2")
    reserve()
    client = client_for(finance)
    totals = words(client.get("/ledger/journal/").context["totals"])
    assert totals == "Debits equal credits €140.00 SEK 70.00"
    assert words(client.get("/ledger/journal/?kind=reserve").context["totals"]) == "Debits equal credits €40.00"
    assert "for a period or a filter" in client.get("/ledger/journal/?view=all").context["totals"]


def test_sums_that_differ_shout() -> None:
    from ledger.views import _difference

    line = queries.Turnover("EUR", 1_200, 1_000)
    assert not line.is_balanced
    assert words(_difference(line)) == "Debits and credits differ: €12.00 and €10.00"
    assert "tone-danger" in _difference(line)


def test_filters(client_for: ClientFor, finance: User) -> None:
    first, krona, reserved = deposit(), deposit(7_000, "SEK", key="d2"), reserve()
    client = client_for(finance)
    assert shown(client.get("/ledger/journal/")) == [reserved, krona, first]
    assert shown(client.get("/ledger/journal/?kind=deposit")) == [krona, first]
    assert shown(client.get("/ledger/journal/?currency=SEK")) == [krona]
    assert shown(client.get("/ledger/journal/?account=player_held")) == [reserved]
    assert shown(client.get("/ledger/journal/?q=wd-aaaa-0001")) == [reserved]
    assert shown(client.get("/ledger/journal/?view=yesterday")) == []
    tomorrow = f"{timezone.now() + timedelta(days=1):%Y-%m-%d}"
    assert shown(client.get(f"/ledger/journal/?booked_from={tomorrow}")) == []


@pytest.mark.parametrize(
    "query", ["kind=gift", "account=%27", "currency=EURO", "booked_from=x", "after=y", "sort=kind"]
)
def test_nonsense_is_left_out(client_for: ClientFor, finance: User, query: str) -> None:
    entry = deposit()
    response = client_for(finance).get(f"/ledger/journal/?{query}")
    assert (response.status_code, shown(response)) == (200, [entry])


def test_pages_by_time_and_number(client_for: ClientFor, finance: User) -> None:
    booked = [deposit(key=f"k{n}") for n in range(30)]
    client = client_for(finance)
    first = client.get("/ledger/journal/")
    second = client.get("/ledger/journal/" + first.context["page"].next_url)
    assert shown(first) + shown(second) == sorted(booked, reverse=True)


def test_an_entry_with_its_lines_and_its_reversal(client_for: ClientFor, finance: User) -> None:
    deposit()
    entry = reserve()
    undone = ledger.unreserve(
        holder="7",
        money=Money(4_000, "EUR"),
        reference="WD-AAAA-0001",
        key="WD-AAAA-0001:u",
        at=timezone.now(),
        by="platform:x",
    )
    client = client_for(finance)
    page = client.get(f"/ledger/entries/{entry}/").text
    assert "Player’s cash P-7" in page and "Player’s money held P-7" in page
    assert page.count("€40.00") == 3
    assert "Debits equal credits" in page
    if Entry.objects.get(pk=undone).reverses_id == entry:
        assert f'href="/ledger/entries/{undone}/"' in page
        assert f'href="/ledger/entries/{entry}/"' in client.get(f"/ledger/entries/{undone}/").text
    for address in (f"/ledger/entries/{entry}/", "/ledger/journal/"):
        assert re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', client.get(address).text) == [
            "/me/appearance/",
            "/me/appearance/",
            "/sign-out/",
        ]
    assert client.get("/ledger/entries/999999/").status_code == 404


def test_the_number_of_queries_does_not_grow(
    client_for: ClientFor, finance: User, senior: User, django_assert_num_queries: Callable[..., object]
) -> None:
    client = client_for(finance)
    for numbers in ((0,), (1, 2)):
        for n in numbers:
            deposit(key=f"n{n}", by=f"staff:{senior.pk}")
        client.get("/ledger/journal/")
        with django_assert_num_queries(9):  # type: ignore[attr-defined]
            client.get("/ledger/journal/")
