"""The small pieces of a page: an icon, an amount, a time, a state. Each formats in one place.

Template tags (templatetags/ui.py) and table columns (columns.py) both call these. They are handed
their data and look nothing up. Tones: neutral, info, attn, danger, success, second.
"""

import re
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol

from django.templatetags.static import static
from django.utils import timezone
from django.utils.safestring import SafeString

from backoffice.money import format_money, to_major_string
from backoffice.ui.markup import markup
from backoffice.ui.masking import initials_of

MINUS = "\N{MINUS SIGN}"
SOON = timedelta(minutes=45)
NOTHING = markup('<span class="muted" aria-hidden="true">{}</span><span class="sr">{}</span>', "—", "none")

_HIDDEN_START = re.compile(r"^(?P<start>[^•]*)•+ ?(?P<end>\w+)$")


@dataclass(frozen=True, slots=True)
class Reading:
    """How whoever reads the page wants times and amounts written; for the request, set by whoever knows the reader.

    ``numbers`` is a key of backoffice.ui.appearance.CHOICES.
    """

    exact_times: bool = False
    numbers: str = ""


reading: ContextVar[Reading] = ContextVar("reading", default=Reading())  # noqa: B039 - it cannot change
# Thousands and decimals, exchanged for those of format_money.
_MARKS = {"space": str.maketrans(",.", "\N{NO-BREAK SPACE},"), "point": str.maketrans(",.", ".,")}


class Look(Protocol):
    """How a state is shown. Each app declares its own, once, beside its states."""

    @property
    def label(self) -> str: ...
    @property
    def icon(self) -> str: ...
    @property
    def tone(self) -> str: ...
    @property
    def help(self) -> str: ...


class RiskLevel(Protocol):
    """How risky something looks, as the app that judges it says: word, tone, and one to three bars."""

    @property
    def label(self) -> Any: ...
    @property
    def tone(self) -> str: ...
    @property
    def bars(self) -> int: ...


@lru_cache(maxsize=1024)
def icon(name: str, label: str = "", size: str = "") -> SafeString:
    """A symbol of static/icons.svg; decorative unless it has a ``label``. ``size="s"`` is the 14 px one.

    Kept once drawn: the address of the file stays the same as long as the process.
    """
    css = "i i-s" if size == "s" else "i"
    if label:
        return markup(
            '<svg class="{}" role="img" aria-label="{}"><use href="{}#{}"/></svg>',
            css,
            label,
            static("icons.svg"),
            name,
        )
    return markup('<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>', css, static("icons.svg"), name)


def written(minor: int, currency: str) -> str:
    """``€2,450.00`` as plain text in the marks of whoever reads it; what is kept or sent is format_money's."""
    return format_money(minor, currency).translate(_MARKS.get(reading.get().numbers, {}))


def money(amount: int | None, currency: str, sign: bool = False) -> SafeString:
    """An amount of minor units: ``€2,450.00``, ``BRL 7,200.00`` with the code in caption ink.

    ``sign`` writes ``+`` or ``−`` and a space before it, for statements. None gives the dash.
    """
    if amount is None:
        return NOTHING
    text = written(abs(amount), currency)
    lead = f"{MINUS if amount < 0 else '+'} " if sign else (MINUS if amount < 0 else "")
    if text.startswith(currency):
        text = markup('<span class="muted">{}</span> {}', currency, text.removeprefix(currency).lstrip())
    return markup('<span class="money">{}{}</span>', lead, text)


def duration(length: timedelta) -> str:
    """``51 min``, ``2 h 51 min``, ``3 d 4 h``; below a minute the seconds."""
    seconds = int(abs(length.total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 1:
        return f"{seconds} s"
    if hours < 1:
        return f"{minutes} min"
    large, small = (f"{days} d", f"{hours % 24} h") if days else (f"{hours} h", f"{minutes % 60} min")
    return large if small.startswith("0 ") else f"{large} {small}"


def exact(at: datetime) -> str:
    """``14 Oct 2026, 14:12:08 +0200``: the full local time with its offset."""
    local = timezone.localtime(at)
    return f"{local.day} {local:%b %Y, %H:%M:%S %z}"


def time(at: datetime | None, form: str = "short", now: datetime | None = None) -> SafeString:
    """A ``<time>`` whose tooltip is the full local time with its offset.

    Forms: ``short`` (14:12 today, else 13 Oct 2026), ``time``, ``date``, ``exact`` (with seconds),
    ``utc`` (with milliseconds), ``both`` (with seconds, in UTC and local), ``relative`` (38 min ago, in 5 min),
    ``length`` (38 min). None gives the dash.
    Whoever wants exact times gets day and second in place of every form but ``utc`` and ``date``.
    """
    if at is None:
        return NOTHING
    if form not in ("utc", "date") and reading.get().exact_times:
        form = "exact"
    local = timezone.localtime(at)
    now = now or timezone.now()
    day, clock = f"{local.day} {local:%b %Y}", f"{local:%H:%M}"
    if form == "short":
        text = clock if local.date() == timezone.localtime(now).date() else day
    elif form == "relative":
        text = f"in {duration(at - now)}" if at > now else f"{duration(now - at)} ago"
    elif form == "both":
        text = f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, {exact(at)}"
    elif form == "length":
        text = duration(now - at)
    elif form == "utc":
        utc = at.astimezone(UTC)
        text = f"{utc:%Y-%m-%d %H:%M:%S}.{utc.microsecond // 1000:03}"
    else:
        text = {"time": clock, "date": day, "exact": f"{day}, {local:%H:%M:%S}"}[form]
    return markup('<time datetime="{}" title="{}">{}</time>', at.isoformat(), exact(at), text)


def due(due_at: datetime | None, now: datetime | None = None, pill: bool = False) -> SafeString:
    """The mark of a deadline: ``51 min late`` (danger), under 45 minutes left (attn), or plain ``1 h 04 left``.

    ``pill`` tints it. Whoever wants exact times reads since when it is late, or by when it is due.
    """
    if due_at is None:
        return NOTHING
    left = due_at - (now or timezone.now())
    late = left < timedelta(0)
    tone = "tone-danger" if late else "tone-attn" if left < SOON else "tone-neutral" if pill else "soft"
    if reading.get().exact_times:
        local = timezone.localtime(due_at)
        words = f"{'late since' if late else 'by'} {local.day} {local:%b %Y, %H:%M:%S}"
    else:
        # Minutes beside hours are written without their unit: a column of them reads like a clock.
        words = re.sub(r" h (\d+) min$", lambda found: f" h {int(found[1]):02}", duration(left))
        words += " late" if late else " left"
    return markup(
        '<span class="{} {}">{}<time class="{}" datetime="{}" title="{}">{}</time></span>',
        "badge" if pill else "state",
        tone,
        icon("late" if late else "clock", size="s"),
        "strong" if late else "",
        due_at.isoformat(),
        exact(due_at),
        words,
    )


def state(look: Look, strong: bool = False) -> SafeString:
    """Icon and word without a fill: for tables, lists and timelines."""
    return markup(
        '<span class="state tone-{}" title="{}">{}<span class="{}">{}</span></span>',
        look.tone,
        look.help,
        icon(look.icon, size="s"),
        "strong" if strong else "soft",
        look.label,
    )


def badge(look: Look, explained: str = "") -> SafeString:
    """The tinted pill: once, in the header of a record. ``explained`` is the page that says what it means."""
    pill = markup(
        '<span class="badge tone-{}" title="{}">{}{}</span>',
        look.tone,
        look.help,
        icon(look.icon, size="s"),
        look.label,
    )
    if not explained:
        return pill
    return markup(
        '{}<a class="btn btn-quiet btn-s btn-icon no-print" href="{}" aria-label="What {} means">{}</a>',
        pill,
        explained,
        look.label,
        icon("help", size="s"),
    )


def mark(tone: str, icon_name: str, text: str) -> SafeString:
    """Icon and words in a tone for something that is not a state: ``✓ L2``, ``⚠ slow``."""
    return markup('<span class="state tone-{}">{}<span>{}</span></span>', tone, icon(icon_name, size="s"), text)


@lru_cache(maxsize=1024)
def risk(score: int | None, level: RiskLevel | None) -> SafeString:
    """One to three bars, the number, and the word of the level that it was given. None gives the dash."""
    if score is None or level is None:
        return NOTHING
    bars = markup(
        '<svg viewBox="0 0 17 12" aria-hidden="true"><rect class="on" y="8" width="5" height="4" rx="1"/>'
        '<rect class="{}" x="6" y="4" width="5" height="8" rx="1"/>'
        '<rect class="{}" x="12" width="5" height="12" rx="1"/></svg>',
        "on" if level.bars > 1 else "",
        "on" if level.bars > 2 else "",
    )
    return markup(
        '<span class="risk tone-{}">{}<span>{} <span class="muted">{}</span></span></span>',
        level.tone,
        bars,
        score,
        level.label,
    )


def person(user: Any, me: Any = None) -> SafeString:
    """Initials and first name of a member of staff; "You" for ``me``; None gives the dash."""
    if user is None:
        return NOTHING
    mine = me is not None and user == me
    return markup(
        '<span class="state soft" title="{}"><span class="avatar avatar-s{}" aria-hidden="true">{}</span>{}</span>',
        user.name,
        " is-me" if mine else "",
        initials_of(user.name),
        "You" if mine else user.name.split()[0],
    )


def two_lines(words: str, lead: SafeString | None = None) -> SafeString:
    """Words that may take two lines of a row; the tooltip has all of them. Nothing gives the dash."""
    if not words:
        return lead or NOTHING
    start = markup("{} · ", lead) if lead else ""
    return markup('<span class="two" title="{0}">{1}{0}</span>', words, start)


def ref(value: str, copy: bool = True, key: str = "") -> SafeString:
    """A reference in monospace with a copy button. Tables pass ``copy=False``; ``key`` copies the page's own."""
    if not copy:
        return markup('<span class="mono">{}</span>', value)
    return markup('<span class="ref mono">{}{}</span>', value, copies(value, key=key))


def copies(value: str, key: str = "") -> SafeString:
    """A button that copies a text; ``key`` presses it."""
    keyed = markup(' data-key="{0}" aria-keyshortcuts="{1}"', key, key.upper()) if key else ""
    return markup(
        '<button class="btn btn-quiet btn-s btn-icon no-print" type="button" data-copy="{0}" aria-label="Copy {0}"{1}>'
        "{2}</button>",
        value,
        keyed,
        icon("copy", size="s"),
    )


def copy_amount(amount: int, currency: str) -> SafeString:
    """A button that copies an amount as forms take it: ``2450.00``."""
    return copies(to_major_string(amount, currency))


def masked(value: str) -> SafeString:
    """A value that masking.py has shortened, with words for those who listen: "ends in 4417"."""
    match = _HIDDEN_START.match(value)
    spoken = f"{match['start']}ends in {match['end']}" if match else re.sub("•+", " hidden ", value)
    return markup('<span aria-hidden="true">{}</span><span class="sr">{}</span>', value, spoken)
