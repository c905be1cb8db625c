"""Keyset paging over real rows: every row once, in order, in both directions."""

from base64 import urlsafe_b64decode

import pytest

from backoffice.accounts.models import User
from backoffice.ui.paging import COUNT_CAP, BadCursor, Keyset, Page, capped_counts

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def people() -> None:
    """Eleven people, with equal names and with limits that are equal or missing."""
    for n in range(11):
        User.objects.create(
            email=f"{n}@staff.example", name=f"Name {n // 3}", approval_limit=[None, 500, 500, 900][n % 4]
        )


def expected(path: str, descending: bool) -> list[int]:
    rows = list(User.objects.all())
    full = sorted((r for r in rows if getattr(r, path) is not None), key=lambda r: (getattr(r, path), r.pk))
    empty = sorted((r for r in rows if getattr(r, path) is None), key=lambda r: r.pk)
    if descending:
        full.reverse(), empty.reverse()
    return [row.pk for row in [*full, *empty]]


@pytest.mark.parametrize("size", [1, 3, 4, 11, 12])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("path", ["name", "approval_limit", "date_joined", "id"])
def test_pages_hold_every_row_once_forwards_and_backwards(path: str, descending: bool, size: int) -> None:
    rows = User.objects.all()
    keyset = Keyset.of(rows, path, descending=descending)
    pages: list[Page] = [keyset.page(rows, size=size, total=11)]
    while pages[-1].after:
        pages.append(keyset.page(rows, size=size, total=11, after=pages[-1].after))
    assert [row.pk for page in pages for row in page.rows] == expected(path, descending)
    assert [page.start for page in pages] == list(range(1, 12, size))

    back = pages[-1]
    for page in reversed(pages[:-1]):
        assert back.before
        back = keyset.page(rows, size=size, total=11, before=back.before)
        assert ([row.pk for row in back.rows], back.start) == ([row.pk for row in page.rows], page.start)
    assert back.before is None


def test_order_by_a_related_field() -> None:
    from django.contrib.auth.models import Permission

    rows = Permission.objects.select_related("content_type")
    keyset = Keyset.of(rows, "content_type__app_label", descending=False)
    first = keyset.page(rows, size=5, total=0)
    second = keyset.page(rows, size=5, total=0, after=first.after or "")
    labels = [row.content_type.app_label for row in [*first.rows, *second.rows]]
    assert labels == sorted(labels)
    assert len({row.pk for row in [*first.rows, *second.rows]}) == 10


@pytest.mark.parametrize(
    "change", [lambda c: c + "x", lambda c: c[::-1], lambda _: "", lambda _: "\x00", lambda _: "é"]
)
def test_a_changed_cursor_is_refused(change: object) -> None:
    rows = User.objects.all()
    keyset = Keyset.of(rows, "name", descending=False)
    cursor = keyset.page(rows, size=2, total=11).after
    assert callable(change)
    forged = change(cursor) or "x"
    with pytest.raises(BadCursor):
        keyset.page(rows, size=2, total=11, after=forged)


def test_a_cursor_belongs_to_its_order() -> None:
    rows = User.objects.all()
    cursor = Keyset.of(rows, "name", descending=False).page(rows, size=2, total=11).after or ""
    with pytest.raises(BadCursor):
        Keyset.of(rows, "name", descending=True).page(rows, size=2, total=11, after=cursor)


def test_a_cursor_tells_nobody_what_it_holds() -> None:
    rows = User.objects.all()
    keyset = Keyset.of(rows, "name", descending=False)
    first, again = (keyset.page(rows, size=2, total=11).after or "" for _ in range(2))
    assert b"Name" not in urlsafe_b64decode(first + "==")
    assert first != again


def test_a_cursor_of_a_row_that_has_left_the_list_still_holds() -> None:
    rows = User.objects.filter(is_active=True)
    keyset = Keyset.of(rows, "name", descending=False)
    first = keyset.page(rows, size=2, total=11)
    User.objects.filter(pk=first.rows[-1].pk).update(is_active=False, name="Zoe")
    assert [row.name for row in keyset.page(rows, size=2, total=10, after=first.after or "").rows] == [
        "Name 0",
        "Name 1",
    ]


def test_counts_take_one_query_and_stop_at_the_cap(django_assert_num_queries: object) -> None:
    assert callable(django_assert_num_queries)
    with django_assert_num_queries(1):
        counts = capped_counts([User.objects.all(), User.objects.none(), User.objects.filter(approval_limit=500)])
    assert counts == [11, 0, 6]
    assert Page([1], 1, COUNT_CAP + 1, None, None).words == "1–1 of 10,000+"
