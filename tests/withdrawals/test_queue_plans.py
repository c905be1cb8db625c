"""The list of withdrawals over many rows: what each statement may read, and by which index it finds its rows."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.db.models import ForeignKey, Q, QuerySet
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from backoffice import roles
from backoffice.accounts.models import User
from backoffice.ui.paging import COUNT_CAP, Countable, Keyset, Listing, capped_counts
from bench import queue_data
from withdrawals import queries, totals
from withdrawals.filters import held_up
from withdrawals.models import Withdrawal
from withdrawals.operations import claims
from withdrawals.reference import normalise
from withdrawals.states import UNDECIDED, State
from withdrawals.tables import QueueTable
from withdrawals.views.summary import summary_of
from withdrawals.views.tabs import ASKED, TABS, Tab, tabs_for

ROWS = 30_000
PAGE = 25
# A page's rows, one more, and what an index or a join reads besides; never a share of the table.
FEW = 1_000


@pytest.fixture(scope="module")
def senior_of_many(django_db_setup: None, django_db_blocker: Any) -> Iterator[User]:
    """Thirty thousand withdrawals for the tests of this file, gone afterwards."""
    with django_db_blocker.unblock(), transaction.atomic():
        roles.synchronise()
        senior = User.objects.create_user("many@staff.example", "Many Rows", "a password")
        senior.groups.add(Group.objects.get(name="Senior"))
        with connection.cursor() as cursor:
            queue_data.fill(cursor, rows=ROWS, staff=[senior.pk], now=datetime.now(UTC))
        yield senior
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _many(senior_of_many: User, db: None) -> None:
    pass


def plan_of(sql: str, values: Any = ()) -> list[dict[str, Any]]:
    """Run a statement and return the nodes of its plan."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values)
        found = cursor.fetchone()[0]
    top = found if isinstance(found, list) else json.loads(found)
    nodes, waiting = [], [top[0]["Plan"]]
    while waiting:
        node = waiting.pop()
        nodes.append(node)
        waiting += node.get("Plans", [])
    return nodes


def read_by(node: dict[str, Any]) -> int:
    """How many rows of its table a node looked at."""
    looked = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int(looked * node["Actual Loops"])


def most_read(rows: QuerySet[Any]) -> int:
    """The most rows that a node of the statement looked at or sorted."""
    return max(map(read_by, plan_of(*rows.query.sql_with_params())))


def rows_of(tab: Tab, user: User) -> QuerySet[Withdrawal]:
    request = RequestFactory().get("/withdrawals/")
    request.user = user
    return tab.narrow(queries.withdrawals().select_related("claim__owner"), request)


def keyset_of(tab: Tab) -> Keyset:
    sort = tab.sort or QueueTable.sort
    path = QueueTable.base_columns[sort.removeprefix("-")].sort_by
    return Keyset.of(Withdrawal.objects.all(), path, descending=sort.startswith("-"))


# What is small by nature is found by what makes it small, and sorted.
BY_ORDER = [tab for tab in TABS if tab.slug not in {"mine", "proposals", "decided", "second-approval"}]


@pytest.mark.parametrize("tab", BY_ORDER, ids=lambda tab: tab.slug)
def test_each_view_reads_only_the_page_that_it_shows(tab: Tab, senior_of_many: User) -> None:
    rows, keyset = rows_of(tab, senior_of_many), keyset_of(tab)
    assert most_read(keyset.ordered(rows)[: PAGE + 1]) < FEW


@pytest.mark.parametrize("place", [1, 10_000, 25_000])
def test_a_deep_page_reads_no_more_than_the_first(place: int) -> None:
    rows = queries.withdrawals()
    keyset = Keyset.of(rows, "requested_at", descending=True)
    at = Withdrawal.objects.order_by("-requested_at", "-pk").values_list("requested_at", flat=True)[place]
    cursor = keyset.page(rows.filter(requested_at__lte=at), size=PAGE, total=0).after
    with CaptureQueriesContext(connection) as taken:
        page = keyset.page(rows, size=PAGE, total=0, after=cursor or "")
    assert len(page.rows) == PAGE and len(taken) == 1
    assert max(map(read_by, plan_of(taken[0]["sql"]))) < FEW


@pytest.mark.parametrize(
    ("column", "index"),
    [
        ("amount", "withdrawal_by_value"),
        ("player", "player_by_name"),
        ("requested", "withdrawal_by_time"),
        ("risk", "withdrawal_by_risk"),
        ("state", "withdrawal_by_state"),
    ],
)
@pytest.mark.parametrize("descending", [False, True])
def test_every_withdrawal_is_ordered_by_an_index(column: str, index: str, descending: bool) -> None:
    path = QueueTable.base_columns[column].sort_by
    rows = Keyset.of(Withdrawal.objects.all(), path, descending=descending).ordered(queries.withdrawals())
    nodes = plan_of(*rows[: PAGE + 1].query.sql_with_params())
    assert index in {node.get("Index Name") for node in nodes}
    assert max(map(read_by, nodes)) < FEW


@pytest.mark.parametrize("tab", TABS, ids=lambda tab: tab.slug)
def test_a_count_reads_no_more_than_it_counts(tab: Tab, senior_of_many: User) -> None:
    rows = Countable.of(rows_of(tab, senior_of_many))
    (counted,) = capped_counts([rows])
    assert max(map(read_by, plan_of(rows.sql, rows.values))) <= min(counted, COUNT_CAP + 1) + FEW


def test_of_many_holds_only_those_are_read_that_wait_for_the_reader(senior_of_many: User) -> None:
    rows = Countable.of(rows_of(ASKED, senior_of_many))
    (counted,) = capped_counts([rows])
    assert Withdrawal.objects.filter(state=State.ON_HOLD).count() > counted + 200
    assert max(map(read_by, plan_of(rows.sql, rows.values))) <= counted + 50


def test_all_views_are_counted_in_one_statement(senior_of_many: User, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        capped_counts([rows_of(tab, senior_of_many) for tab in tabs_for(senior_of_many)])


def test_the_summary_reads_what_it_adds_up(senior_of_many: User) -> None:
    rows = queries.withdrawals().filter(queries.NEEDS_DECISION)
    with CaptureQueriesContext(connection) as taken:
        waiting = totals.waiting_summary(rows, now=datetime.now(UTC))
    assert waiting.count == rows.count() and len(taken) == 1
    assert max(map(read_by, plan_of(taken[0]["sql"]))) <= waiting.count + FEW


def test_a_longer_list_is_not_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totals, "COUNT_CAP", 100)
    rows = queries.withdrawals().filter(queries.NEEDS_DECISION)
    waiting = totals.waiting_summary(rows, now=datetime.now(UTC))
    assert (waiting.count, waiting.totals, waiting.late_totals) == (101, {}, {})
    oldest = rows.order_by("requested_at").first()
    assert oldest is not None and waiting.oldest_at == oldest.requested_at


def test_the_page_says_that_a_long_list_is_not_added_up() -> None:
    now = datetime.now(UTC)
    beyond = COUNT_CAP + 1
    waiting = totals.Waiting(beyond, {}, now, beyond, {}, soon=0, later=0, states=2)
    words = summary_of(waiting, word="waiting", now=now)
    assert "<b>10,000+</b> waiting" in words and "too many to add up" in words and "10,000+ late" in words


@pytest.mark.parametrize("kind", ["email", "ref", "external_id", "name", "reference", "provider", "last four"])
def test_a_term_is_found_by_the_index_of_its_shape(kind: str) -> None:
    row = Withdrawal.objects.select_related("player", "destination").filter(attempts__state="paid").latest("pk")
    special = {
        "reference": row.ref,
        "provider": row.provider_reference,
        "last four": row.destination.label[-4:],
    }
    term = special.get(kind) or getattr(row.player, kind)
    with CaptureQueriesContext(connection) as taken:
        named = queries.found_by(term, people=True, destinations=True)
        found = list(queries.withdrawals().filter(named).order_by("-requested_at", "-pk")[: PAGE + 1])
    assert row.pk in [one.pk for one in found]
    # An index of words reads every player with one of the words; the rest is exact.
    bound = 2_000 if kind == "name" else FEW
    for statement in taken:
        assert max(map(read_by, plan_of(statement["sql"]))) < bound, statement["sql"]
    assert len(taken) <= 5


def test_what_a_provider_holds_up_is_looked_for_among_what_waits() -> None:
    rows = queries.withdrawals().filter(queries.NEEDS_DECISION)
    assert most_read(held_up(rows, "volta", {}).order_by()[:COUNT_CAP]) <= rows.count() + FEW


@pytest.mark.parametrize(
    ("address", "statements"),
    [("/withdrawals/", 10), ("/withdrawals/?view=all", 10), ("/withdrawals/?view=all&state=completed", 10)],
)
def test_a_page_takes_as_many_statements_as_over_few_rows(address: str, statements: int, senior_of_many: User) -> None:
    client = Client()
    client.force_login(senior_of_many)
    client.get(address)
    with CaptureQueriesContext(connection) as taken:
        assert client.get(address).status_code == 200
    assert len(taken) == statements
    for statement in taken:
        nodes = plan_of(statement["sql"])
        # What is counted of nearly all rows may pass over some on its way to the cap.
        assert max(map(read_by, nodes)) <= COUNT_CAP * 1.3, statement["sql"]


def test_the_invented_rows_are_as_the_product_would_write_them() -> None:
    """Without triggers nothing has checked the foreign keys."""
    for model in apps.get_models():
        for field in model._meta.get_fields():
            if isinstance(field, ForeignKey) and field.db_constraint:
                lost = model._base_manager.filter(**{f"{field.name}__isnull": False})
                lost = lost.exclude(**{f"{field.name}__in": field.related_model._base_manager.all()})
                assert not lost.exists(), field
    assert all(normalise(ref) == ref for ref in Withdrawal.objects.values_list("ref", flat=True)[:1000])
    waits = Withdrawal.objects.filter(state=State.UNDER_REVIEW).count()
    assert waits == pytest.approx(ROWS * 0.03, rel=0.2)


# From a row to the next one ----------------------------------------------------------------------------------------

WALKED = [
    ("needs-decision", "due"),
    ("needs-decision", "-due"),
    ("needs-decision", "amount"),
    ("needs-decision", "-amount"),
    ("high-value", "-amount"),
    ("new-details", "due"),
    ("on-hold", "wake"),
    ("all", "-requested"),
    ("all", "player"),
    ("all", "-risk"),
]


def listing_of(slug: str, sort: str, user: User) -> Listing:
    (tab,) = (tab for tab in TABS if tab.slug == slug)
    path = QueueTable.base_columns[sort.removeprefix("-")].sort_by
    order = Keyset.of(Withdrawal.objects.all(), path, descending=sort.startswith("-"))
    return Listing(rows_of(tab, user), order, is_long=slug == "all")


def read_for(taken: CaptureQueriesContext, table: str = "") -> int:
    nodes = [node for one in taken.captured_queries for node in plan_of(one["sql"])]
    return max(read_by(node) for node in nodes if table in ("", node.get("Relation Name")))


@pytest.mark.parametrize(("slug", "sort"), WALKED)
@pytest.mark.parametrize("back", [False, True])
def test_the_row_beside_one_is_found_by_the_index_of_the_order(
    slug: str, sort: str, back: bool, senior_of_many: User
) -> None:
    assert claims.may_claim(senior_of_many)
    listing = listing_of(slug, sort, senior_of_many)
    middle = listing.rows.count() // 2
    row = listing.ordered()[middle]
    own = Q(claim=None) | Q(claim__owner=senior_of_many)
    beside = listing.among(own).beyond(row, back=back)[0]
    with CaptureQueriesContext(connection) as taken:
        found = claims.neighbour_of(row, senior_of_many, now=datetime.now(UTC), listing=listing, back=back)
    assert found == beside and len(taken) == 1
    assert read_for(taken) < FEW


@pytest.mark.parametrize(("slug", "sort"), WALKED)
def test_the_next_one_to_work_on_is_found_without_reading_the_list(slug: str, sort: str, senior_of_many: User) -> None:
    listing = listing_of(slug, sort, senior_of_many)
    row = listing.ordered()[listing.rows.count() // 2]
    workable = claims.workable(senior_of_many, now=datetime.now(UTC), listing=listing)
    with CaptureQueriesContext(connection) as taken:
        found = workable.following(row)
    assert (found is not None or slug == "on-hold") and len(taken) <= 2
    worked_on = Withdrawal.objects.filter(state__in=[*UNDECIDED, State.ON_HOLD]).count()
    assert read_for(taken, "withdrawals_withdrawal") <= (worked_on if listing.is_long else FEW)


def test_a_place_is_counted_no_further_than_the_list_says(senior_of_many: User) -> None:
    listing = listing_of("all", "-requested", senior_of_many)
    rows = listing.ordered()
    for at, place in ((0, 1), (24, 25), (COUNT_CAP - 1, COUNT_CAP), (COUNT_CAP + 5, 0)):
        row = rows[at]
        with CaptureQueriesContext(connection) as taken:
            assert listing.place_of(row) == (place, COUNT_CAP + 1)
        assert len(taken) == 1
        assert at > PAGE or read_for(taken) <= COUNT_CAP + 1
