"""Markup out of a pattern and values, for what is drawn hundreds of times on one page.

It keeps what ``django.utils.html.format_html`` promises in less than half of its time, which goes to asking of each
value whether it is a translation that has not been made yet.
"""

from html import escape
from typing import Any

from django.utils.safestring import SafeString


def markup(pattern: str, *values: Any) -> SafeString:
    """Return the pattern with each value in its place, escaped unless it is markup already."""
    return SafeString(pattern.format(*[value if type(value) is SafeString else escaped(value) for value in values]))


def escaped(value: Any) -> SafeString:
    """Return a value as markup: as it is where it is markup, else its text without special characters."""
    return SafeString(value.__html__() if hasattr(value, "__html__") else escape(str(value)))
