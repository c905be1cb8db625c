"""C1 to C4. The pages, searches and counts of the list, and what stands beside each."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any
from urllib.parse import urlencode

from bench.blocks import report
from bench.board import Board, asks, page, statements_of

DEEP_PAGE = 10_000

# The list as three people would open it: the product's address, the admin's, the django-tables2 one's, and which
# rows those are for the statements.
VIEWS = {
    "needs a decision": (
        "?view=needs-decision",
        "?state__in=under_review,second_approval",
        "?state=under_review",
        "state IN ('under_review', 'second_approval')",
        "due_at, id",
        "ASC",
    ),
    "all": ("?view=all", "?o=-10", "?order=newest", "true", "requested_at, id", "DESC"),
    "completed": (
        "?view=all&state=completed",
        "?state__exact=completed&o=-10",
        "?state=completed&order=newest",
        "state = 'completed'",
        "requested_at, id",
        "DESC",
    ),
}
_SHOWN = (
    "w.id, w.ref, w.amount, w.fee, w.currency, w.method, w.state, w.risk_score, w.risk_level, w.why, w.routes,"
    " w.requested_at, w.due_at, w.provider, w.reason, p.name, p.ref, p.country, d.label"
)
_JOINED = (
    "withdrawals_withdrawal w JOIN kyc_player p ON p.id = w.player_id"
    " JOIN withdrawals_destination d ON d.id = w.destination_id"
)


def keyset_sql(where: str, order: str, way: str, *, beyond: str = "true", size: int = 26) -> str:
    columns = ", ".join(f"w.{name} {way}" for name in order.split(", "))
    where = where.replace("state", "w.state")
    return f"SELECT {_SHOWN} FROM {_JOINED} WHERE {where} AND {beyond} ORDER BY {columns} LIMIT {size}"


def first_pages(board: Board, client: Any) -> None:
    for name, (ours, admin, tables2, where, order, way) in VIEWS.items():
        product = page(client, f"/withdrawals/{ours}")
        board[f"product {name}"] = product
        board.sql_of(f"product {name}, SQL", product)
        board[f"admin {name}"] = page(client, f"/peers/admin/withdrawals/withdrawal/{admin}")
        board[f"tables2 {name}"] = page(client, f"/peers/tables2/{tables2}")
        board[f"keyset {name}"] = asks(keyset_sql(where, order, way))
        ways = ", ".join(f"{column} {way}" for column in order.split(", "))
        board[f"ids {name}"] = asks(f"SELECT id FROM withdrawals_withdrawal WHERE {where} ORDER BY {ways} LIMIT 26")


def deep_pages(board: Board, client: Any) -> None:
    """Page 10,000: the product gets there by a cursor of its own making, the other by its number."""
    for name in ("all", "completed"):
        ours, _admin, tables2, *_ = VIEWS[name]
        board[f"product deep {name}"] = page(client, f"/withdrawals/{ours}&{urlencode({'after': cursor_into(name)})}")
        board[f"tables2 deep {name}"] = page(client, f"/peers/tables2/{tables2}&page={deep_page()}")


def deep_page() -> int:
    """10,000, or as deep as there are rows."""
    from withdrawals.models import Withdrawal

    return min(DEEP_PAGE, Withdrawal.objects.count() // 2 // 25)


def cursor_into(name: str) -> str:
    from backoffice.ui.paging import Keyset
    from withdrawals.models import Withdrawal

    rows = Withdrawal.objects.filter(state="completed") if name == "completed" else Withdrawal.objects.all()
    at = rows.order_by("-requested_at", "-pk").values_list("requested_at", flat=True)[deep_page() * 25]
    keyset = Keyset.of(rows, "requested_at", descending=True)
    return keyset.page(rows.filter(requested_at__lte=at), size=25, total=0).after or ""


@dataclass(frozen=True)
class Term:
    """Something typed, and the one statement that an exact look-up by its shape would be."""

    kind: str
    text: str
    exact: str


def terms() -> list[Term]:
    from withdrawals.models import PayoutAttempt, Withdrawal

    middle = Withdrawal.objects.count() // 2
    paid = PayoutAttempt.objects.filter(withdrawal_id__gt=middle, state="paid").order_by("withdrawal_id").first()
    assert paid is not None
    row = Withdrawal.objects.select_related("player", "destination").get(pk=paid.withdrawal_id)
    player = row.player
    of_player = "p.{} = %s"
    return [
        Term("e-mail", player.email, of_player.format("email")),
        Term("player id", player.ref, of_player.format("ref")),
        Term("platform id", player.external_id, of_player.format("external_id")),
        Term("reference", row.ref, "w.ref = %s"),
        Term(
            "provider's reference",
            paid.provider_reference,
            "w.id IN (SELECT withdrawal_id FROM withdrawals_payoutattempt"
            " WHERE provider IN ('northgate', 'volta') AND provider_reference = %s)",
        ),
        Term(
            "name",
            player.name,
            "w.player_id IN (SELECT id FROM kyc_player WHERE to_tsvector('simple'::regconfig,"
            " COALESCE(folded_name, '')) @@ plainto_tsquery('simple', %s) ORDER BY name, id LIMIT 20)",
        ),
        Term(
            "last 4",
            row.destination.label[-4:],
            "w.destination_id IN (SELECT id FROM withdrawals_destination WHERE right(label, 4) = %s"
            " ORDER BY id DESC LIMIT 500)",
        ),
    ]


def searches(board: Board, client: Any) -> None:
    from withdrawals import queries

    def found(text: str) -> Callable[[], Any]:
        def find() -> Any:
            named = queries.found_by(text, people=True, destinations=True)
            return list(queries.withdrawals().filter(named).order_by("-requested_at", "-pk")[:26])

        return find

    for term in terms():
        typed = urlencode({"q": term.text})
        board[f"product {term.kind}"] = page(client, f"/withdrawals/?view=all&{typed}")
        board[f"tables2 {term.kind}"] = page(client, f"/peers/tables2/?order=newest&{typed}")
        board[f"find {term.kind}"] = found(term.text)
        exact = f"SELECT {_SHOWN} FROM {_JOINED} WHERE {term.exact} ORDER BY w.requested_at DESC, w.id DESC LIMIT 26"
        board[f"exact {term.kind}"] = asks(exact, [term.text])


def counts(board: Board, person: Any) -> dict[str, int]:
    """Count each tab by itself and all together; return what each of them counts to."""
    from django.test import RequestFactory

    from backoffice.ui.paging import capped_counts
    from withdrawals import queries
    from withdrawals.views.tabs import tabs_for

    request = RequestFactory().get("/withdrawals/")
    request.user = person
    rows = {tab.slug: tab.narrow(queries.withdrawals(), request) for tab in tabs_for(person)}
    for slug, queryset in rows.items():
        board.sql_of(f"count {slug}", lambda queryset=queryset: capped_counts([queryset]))
    board.sql_of("count together", lambda: capped_counts(list(rows.values())))
    return dict(zip(rows, capped_counts(list(rows.values())), strict=True))


def report_pages(board: Board, client: Any) -> None:
    for name, (ours, *_rest) in VIEWS.items():
        statements = statements_of(page(client, f"/withdrawals/{ours}"))[0]
        mine = f"product {name}"
        board.goal(
            f"C1 first page of {name} beside django-tables2",
            mine,
            f"tables2 {name}",
            at_most=0.3,
            statements=statements,
        )
        board.goal(f"C1 first page of {name} beside the admin", mine, f"admin {name}", at_most=0.05)
        ids = round(median(board.timed[f"ids {name}"].figures), 2)
        board.goal(
            f"C1 all statements of the first page of {name} beside the rows alone in raw SQL",
            f"{mine}, SQL",
            f"keyset {name}",
            at_most=3,
            ids_only_ms=ids,
        )
    for name in ("all", "completed"):
        board.goal(f"C2 page 10,000 of {name} beside our first", f"product deep {name}", f"product {name}", at_most=1.5)
        board.goal(
            f"C2 page 10,000 of {name} beside django-tables2's",
            f"product deep {name}",
            f"tables2 deep {name}",
            at_most=0.02,
        )


def report_searches(board: Board) -> None:
    for term in terms():
        board.goal(
            f"C3 search by {term.kind} beside OR of icontains",
            f"product {term.kind}",
            f"tables2 {term.kind}",
            at_most=0.01,
        )
        board.goal(
            f"C3 rows found by {term.kind} beside its exact look-up in raw SQL",
            f"find {term.kind}",
            f"exact {term.kind}",
            at_most=10,
        )


def report_counts(board: Board, counted: dict[str, int]) -> None:
    for slug, number in counted.items():
        taken = median(board.timed[f"count {slug}"].figures)
        shown = "10,000+" if number > 10_000 else number
        report(f"C4 count of {slug} beside 1 ms", ratio=taken, target=1.0, at_most=True, counted=shown)
    statements, _ms = statements_of(board.timed["count together"].act)
    together = round(median(board.timed["count together"].figures), 2)
    report("C4 statements that count all views", ratio=statements, target=1, at_most=True, ms=together)
