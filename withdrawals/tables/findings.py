"""Findings as a table: what was found, about which withdrawal, since when."""

from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from backoffice.ui import columns, inline
from backoffice.ui.tables import BaseTable
from withdrawals.models import Finding
from withdrawals.operations.findings import kind_label
from withdrawals.pages.route import provider_label
from withdrawals.tables.queue import address_of


class AboutColumn(columns.Column):
    """The withdrawal as a link; a message about a payout that is not ours has none."""

    width = 14

    def render(self, record: Finding) -> SafeString:
        if record.withdrawal is None:
            return inline.NOTHING
        return format_html('<a class="mono" href="{}">{}</a>', address_of(record.withdrawal), record.withdrawal.ref)


class FindingTable(BaseTable):
    kind = columns.Column(
        accessor="kind", verbose_name="Finding", linkify=lambda record: finding_address(record), width=20
    )
    words = columns.Column(accessor="words", verbose_name="What does not fit", css="soft")
    withdrawal = AboutColumn(accessor="pk", verbose_name="Withdrawal")
    provider = columns.Column(accessor="provider", sort_by="provider", verbose_name="Provider", width=14)
    since = columns.TimeColumn(accessor="at", sort_by="at", verbose_name="Since", form="relative", width=14)
    closed = columns.TimeColumn(
        accessor="resolved_at", sort_by="resolved_at", verbose_name="Closed", form="exact", width=20
    )

    caption = "Findings"
    sort = "since"
    phone = {"kind": "title", "withdrawal": "amount", "provider": "meta", "since": "side", "words": "note"}

    def render_kind(self, value: str) -> str:
        return kind_label(value)

    def render_words(self, value: str) -> SafeString:
        return format_html('<span title="{0}">{0}</span>', value)

    def render_provider(self, value: str) -> str:
        return provider_label(value)


def finding_address(finding: Any) -> str:
    return reverse("withdrawals:finding", args=[finding.pk])
