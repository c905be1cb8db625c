"""The text of sql/ is what the database runs: a change of it comes with a migration that runs it again."""

import hashlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Which migration last ran which text. A new digest without a new migration reaches no database that exists already.
RUN_BY = {
    "backoffice/audit/sql/chain.sql": ("0f14bac75c72", "0002_chain"),
    "backoffice/audit/sql/chain_down.sql": ("fe575a531566", "0002_chain"),
    "ledger/sql/keys.sql": ("b2ca845b1130", "0002_booking"),
    "ledger/sql/post.sql": ("0a37946a411c", "0007_one_pass"),
    "ledger/sql/triggers.sql": ("36aff1bc3cd2", "0007_one_pass"),
    "ledger/sql/views.sql": ("c86d3b090e0e", "0003_invariant_views"),
    "withdrawals/sql/rules.sql": ("300ebf8782a9", "0005_what_stops_a_payout"),
    "withdrawals/sql/rules_down.sql": ("0ee1be8dc4e7", "0005_what_stops_a_payout"),
    "withdrawals/sql/views.sql": ("36ce8da3ed54", "0005_what_stops_a_payout"),
    "withdrawals/sql/views_down.sql": ("9cf586e826c4", "0005_what_stops_a_payout"),
}
# These are no part of the database: the product sends them when it asks.
ASKED = {"fraud/sql/facts.sql", "withdrawals/sql/invariants.sql"}


def test_every_text_is_one_of_these() -> None:
    packages = ("backoffice", "fraud", "kyc", "ledger", "providers", "withdrawals")
    found = {str(path.relative_to(ROOT)) for package in packages for path in (ROOT / package).rglob("*.sql")}
    assert found == {*RUN_BY, *ASKED}


@pytest.mark.parametrize("name", RUN_BY)
def test_a_change_comes_with_a_migration(name: str) -> None:
    path = ROOT / name
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    steps = sorted((path.parents[1] / "migrations").glob("[0-9]*.py"))
    running = [step.stem for step in steps if f'SQL / "{path.name}"' in step.read_text()]
    assert (digest, running[-1]) == RUN_BY[name], f"{name} changed: add a migration that runs it, and name it here"
