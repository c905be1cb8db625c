"""The journal as a table: one row per entry, both sides of it in words."""

from collections.abc import Callable
from typing import Any

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from backoffice.ui import inline
from backoffice.ui.columns import Column, TimeColumn
from backoffice.ui.tables import BaseTable
from ledger.models import Account, Entry, Posting


class SideColumn(Column):
    """The accounts of one side. Accounts have holders; the house has none."""

    css = "soft wraps"

    def __init__(self, *, side: Callable[[Entry], list[Posting]], **kwargs: Any) -> None:
        super().__init__(accessor="pk", **kwargs)
        self.side = side

    def render(self, record: Entry) -> SafeString:
        accounts = [account_words(posting.account) for posting in self.side(record)]
        return format_html('<span title="{0}">{0}</span>', " + ".join(accounts))


class AmountColumn(Column):
    """What moved: the sum of the credits, per currency."""

    css = "r num amount"
    width = 16
    right = True

    def render(self, record: Entry) -> SafeString:
        return format_html_join(" · ", "{}", ((inline.money(amount, code),) for code, amount in moved(record)))


class JournalTable(BaseTable):
    """Hand in ``names``: who booked, by the name that the ledger keeps."""

    booked = TimeColumn(accessor="booked_at", sort_by="id", form="exact", verbose_name="Booked at", width=20)
    entry = Column(accessor="pk", verbose_name="Entry", linkify=lambda record: address_of(record), width=8)
    kind = Column(accessor="get_kind_display", verbose_name="Kind", width=15)
    debit = SideColumn(side=lambda entry: debits_of(entry), verbose_name="Debit")
    credit = SideColumn(side=lambda entry: credits_of(entry), verbose_name="Credit")
    amount = AmountColumn(accessor="pk", verbose_name="Amount")
    withdrawal = Column(accessor="reference", verbose_name="Withdrawal", width=13)
    by = Column(accessor="posted_by", verbose_name="By", width=14)

    caption = "Entries of the ledger"
    sort = "-booked"
    phone = {"entry": "title", "amount": "amount", "kind": "meta", "booked": "side", "withdrawal": "note"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names: dict[str, str] = {}

    def render_withdrawal(self, value: str) -> SafeString | str:
        return reference_link(value) if value else inline.NOTHING

    def render_by(self, value: str) -> str:
        return self.names.get(value, value)


def address_of(entry: Entry) -> str:
    return reverse("ledger:entry", args=[entry.pk])


_references: dict[str, Callable[[str], str]] = {}


def show_references_at(address: Callable[[str], str]) -> None:
    """Say where the page of a reference is: for the app that gives references, once it is ready."""
    _references["address"] = address


def reference_link(reference: str) -> SafeString:
    """Return the reference as a link to what it names."""
    return format_html('<a class="mono" href="{}">{}</a>', _references["address"](reference), reference)


_holders: dict[str, Callable[[str], str]] = {"words": str}


def show_holders_as(words: Callable[[str], str]) -> None:
    """Say how a holder is called on other pages: for the app that knows who they are, once it is ready."""
    _holders["words"] = words


def account_words(account: Account) -> str:
    """``Player’s cash P-100123``, ``Provider’s float Northgate Pay``; the house has no holder."""
    return f"{account.get_kind_display()} {_holders['words'](account.holder)}".rstrip()


def debits_of(entry: Entry) -> list[Posting]:
    return [posting for posting in entry.postings.all() if posting.amount < 0]


def credits_of(entry: Entry) -> list[Posting]:
    return [posting for posting in entry.postings.all() if posting.amount > 0]


def moved(entry: Entry) -> list[tuple[str, int]]:
    """Return what moved per currency: the sum of the credits."""
    sums: dict[str, int] = {}
    for posting in credits_of(entry):
        sums[posting.currency_id] = sums.get(posting.currency_id, 0) + posting.amount
    return sorted(sums.items())
