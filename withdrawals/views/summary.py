"""The line beside the title of a list: how many wait, how much money, since when."""

from datetime import datetime

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from backoffice.ui import inline
from backoffice.ui.paging import capped_words
from withdrawals import tables, totals

MOST_CURRENCIES = 3
# In the place of sums, of a list that is longer than what is added up.
TOO_MANY = mark_safe("too many to add up")


def summary_of(waiting: totals.Waiting, *, word: str, now: datetime, late: bool = True) -> SafeString:
    """Return the figures of a list; ``word`` says what its rows are, ``late`` whether being late means something."""
    parts = [format_html("<b>{}</b> {}", capped_words(waiting.count), word), *_sums_of(waiting)]
    if waiting.oldest_at is not None:
        parts.append(format_html("oldest <b>{}</b>", tables.waited(waiting.oldest_at, now)))
    if waiting.late and late:
        parts.append(inline.mark("danger", "late", f"{capped_words(waiting.late)} late"))
    return format_html_join(" · ", "{}", ((part,) for part in parts))


def _sums_of(waiting: totals.Waiting) -> list[SafeString]:
    """Return the first sums, and how many more currencies there are; of a list too long for sums, that."""
    if waiting.count and not waiting.totals:
        return [TOO_MANY]
    sums = tables.money_words(waiting.totals)
    parts = [format_html("<b>{}</b>", amount) for amount in sums[:MOST_CURRENCIES]]
    if (more := len(sums) - MOST_CURRENCIES) > 0:
        parts.append(format_html("{} more {}", more, "currency" if more == 1 else "currencies"))
    return parts
