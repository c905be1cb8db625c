"""Lists of withdrawals as files: who takes which rows along is written down before the first byte."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpResponseBase
from django.utils.functional import cached_property

from backoffice.money import to_major_string
from backoffice.ui.exports import CHUNK, csv_line, csv_lines
from backoffice.ui.tables import BaseTable
from withdrawals import totals
from withdrawals.models import Withdrawal
from withdrawals.operations.exports import record_export
from withdrawals.views.searched import SearchedList

BEYOND_LIMIT = "withdrawals.exceed_export_limit"


class ExportedList(SearchedList):
    """The file holds exactly the filtered rows and, below them, their number and sums as they were written.

    ``file_class`` is its table where that is another than the page's; override ``load`` to hand the table what a
    chunk of rows needs.
    """

    export_permission = "withdrawals.export_withdrawals"
    file_class: ClassVar[type[BaseTable] | None] = None

    @cached_property
    def sums(self) -> list[totals.Total]:
        """The sums of exactly the filtered rows; screen, file and audit entry show these."""
        return totals.totals_of(self.filterset.qs)

    def get_export_limit(self) -> int:
        user: Any = self.request.user
        return 0 if user.has_perm(BEYOND_LIMIT) else settings.EXPORT_LIMIT

    def load(self, table: Any, rows: list[Withdrawal]) -> None:
        """Hand the table what it needs for these rows."""

    def export(self) -> HttpResponseBase:
        user: Any = self.request.user
        filters = self.kept_in_audit
        self.taken()
        record_export(what=self.title, actor=user, filters=filters, totals=self.sums, now=self.now)
        return super().export()

    def export_lines(self, rows: Iterable[Withdrawal]) -> Iterator[str]:
        table = (self.file_class or self.table_class)([], me=self.request.user, now=self.now)
        written: dict[str, totals.Total] = {}

        def chunked() -> Iterator[Withdrawal]:
            """Load what a chunk at a time needs; add up what is written."""
            source = iter(rows)
            while chunk := list(islice(source, CHUNK)):
                self.load(table, chunk)
                for row in chunk:
                    yield row
                    before = written.get(row.currency, totals.Total(row.currency, 0, 0, 0))
                    written[row.currency] = totals.Total(
                        row.currency, before.count + 1, before.amount + row.amount, before.fee + row.fee
                    )

        yield from csv_lines(table, chunked(), self.export_columns)
        yield self._summing_line("Rows", sum(total.count for total in written.values()))
        for total in sorted(written.values(), key=lambda total: total.currency):
            yield self._summing_line(
                "Total",
                total.count,
                amount=to_major_string(total.amount, total.currency),
                fee=to_major_string(total.fee, total.currency),
                currency=total.currency,
            )

    def _summing_line(self, label: str, count: int, **sums: str) -> str:
        """A line as wide as the others, each sum under the heading that it adds up."""
        first, second = self.export_columns[:2]
        words = "withdrawal" if count == 1 else "withdrawals"
        cells = {first: label, second: f"{count} {words}", **sums}
        return csv_line(*(cells.get(name, "") for name in self.export_columns))
