"""What the books answer, to screens and to the invariants."""

from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from ledger import operations, queries
from ledger.exceptions import UnknownCurrency
from ledger.models import Currency
from tests.ledger.conftest import commit_checks, eur, facts, fund, rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def life() -> None:
    """One withdrawal from deposit to return, one given back, one open."""
    fund("7", 1000)
    fund("7", 50, "JPY")
    for reference in ("WD-1", "WD-2", "WD-3"):
        operations.reserve(holder="7", money=eur(100), **facts(f"{reference}:reserve", reference=reference))
    operations.to_transit(holder="7", provider="alpha", money=eur(100), **facts(reference="WD-1"))
    operations.settle(provider="alpha", money=eur(100), fee=2, **facts(reference="WD-1"))
    operations.take_back(provider="alpha", money=eur(100), **facts(reference="WD-1"))
    operations.unreserve(holder="7", money=eur(100), **facts(reference="WD-2"))


def test_balances(life: None) -> None:
    assert queries.balances_of_player("7") == {
        "EUR": {"player_cash": 800, "player_held": 100},
        "JPY": {"player_cash": 50},
    }
    assert queries.balance_of("provider_float", "alpha", "EUR") == 98
    assert queries.balance_of("player_cash", "nobody", "EUR") == 0


def test_entries_of_one_withdrawal(life: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        booked = [
            (entry.kind, [(posting.account.kind, posting.amount) for posting in entry.postings.all()])
            for entry in queries.journal().filter(reference="WD-1").order_by("id")
        ]
    assert booked == [
        ("reserve", [("player_cash", -100), ("player_held", 100)]),
        ("to_transit", [("player_held", -100), ("payout_in_transit", 100)]),
        ("settle", [("payout_in_transit", -100), ("provider_float", 98), ("fee_income", 2)]),
        ("returned", [("returns_receivable", -100), ("returns_held", 100)]),
    ]


def test_journal_is_newest_first(life: None) -> None:
    assert [entry.kind for entry in queries.journal()][:2] == ["unreserve", "returned"]


COLUMNS = {
    "account": "account_id kind own_kind player_id provider currency balance allow_negative",
    "entry": "entry_id kind withdrawal_id idem_key reverses occurred_at booked_at",
    "posting": "posting_id entry_id account_id currency amount",
    "currency": "code exponent",
}


@pytest.mark.parametrize("view", COLUMNS)
def test_view_has_the_columns_of_the_contract(view: str) -> None:
    sql = "SELECT column_name FROM information_schema.columns WHERE table_schema = 'inv' AND table_name = %s"
    assert {name for (name,) in rows(sql, view)} == set(COLUMNS[view].split())


def test_views_speak_the_words_of_the_invariants(life: None) -> None:
    assert rows("SELECT kind, player_id, provider, balance FROM inv.account WHERE currency = 'EUR' ORDER BY 1, 4") == [
        ("fees", None, None, 2),
        ("player_cash", "7", None, 800),
        ("player_hold", "7", None, 100),
        ("provider_clearing", None, "alpha", 98),
        ("suspense", None, "alpha", -100),
        ("suspense", None, "alpha", 0),
        ("suspense", None, "alpha", 100),
        ("world", None, None, -1000),
    ]
    sql = "SELECT withdrawal_id, array_agg(kind ORDER BY entry_id) FROM inv.entry GROUP BY 1 ORDER BY 1 NULLS LAST"
    assert rows(sql) == [
        ("WD-1", ["hold", "to_transit", "settle", "return"]),
        ("WD-2", ["hold", "release"]),
        ("WD-3", ["hold"]),
        (None, ["deposit", "deposit"]),
    ]


INVARIANTS = {
    "L01": "SELECT entry_id, currency FROM inv.posting GROUP BY 1, 2 HAVING sum(amount) <> 0",
    "L02": "SELECT entry_id FROM inv.entry LEFT JOIN inv.posting USING (entry_id) "
    "GROUP BY 1 HAVING count(posting_id) < 2",
    "L03": "SELECT 1 FROM inv.posting p JOIN inv.account a USING (account_id) WHERE p.currency <> a.currency",
    "L04": "SELECT account_id FROM inv.account LEFT JOIN inv.posting p USING (account_id) "
    "GROUP BY 1, balance HAVING balance <> coalesce(sum(amount), 0)",
    "L05": "SELECT account_id FROM inv.account WHERE NOT allow_negative AND balance < 0",
    "L06": "SELECT currency FROM inv.account GROUP BY 1 HAVING sum(balance) <> 0",
    "L08": "SELECT idem_key FROM inv.entry GROUP BY 1 HAVING count(*) > 1",
}
# What each invariant must see, done with every defence of the database off.
CORRUPTIONS = {
    "L01": "UPDATE ledger_posting SET amount = amount + 1 WHERE leg = 1",
    "L02": "DELETE FROM ledger_posting WHERE leg = 2",
    "L03": "UPDATE ledger_posting SET currency = 'USD' WHERE leg = 1",
    "L04": "UPDATE ledger_balance SET amount = amount + 1",
    "L05": "ALTER TABLE ledger_balance DROP CONSTRAINT ledger_balance_not_below_zero; "
    "UPDATE ledger_balance SET amount = -1 WHERE guarded",
    "L06": "UPDATE ledger_balance SET amount = amount + 1 WHERE guarded",
    "L08": "ALTER TABLE ledger_entry DROP CONSTRAINT ledger_one_entry_per_key; UPDATE ledger_entry SET key = 'same'",
}


@pytest.mark.parametrize("name", INVARIANTS)
def test_invariant_holds_and_sees_its_corruption(name: str, life: None) -> None:
    assert rows(INVARIANTS[name]) == []
    commit_checks()
    rows("SET LOCAL session_replication_role = replica")
    rows(CORRUPTIONS[name])
    assert rows(INVARIANTS[name]) != []


def test_exponents_never_change() -> None:
    rows("SET LOCAL session_replication_role = replica")
    Currency.objects.filter(code="JPY").update(exponent=2)
    with pytest.raises(UnknownCurrency, match="for JPY"):
        operations.know_currencies(apps=apps)


def test_every_sql_file_is_loaded() -> None:
    folder = Path(operations.__file__).parent
    migrations = "".join(path.read_text() for path in (folder / "migrations").glob("0*.py"))
    assert all(f'"{path.name}"' in migrations for path in (folder / "sql").glob("*.sql"))
