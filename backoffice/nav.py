"""The menu as data: section, label, address, permission, icon, go-to key, and what is counted beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.db.models import BigIntegerField, DateTimeField, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject, cached_property
from django.utils.text import slugify

from backoffice.jobs.operations import tell_ended
from backoffice.jobs.queries import running_of, untold_of
from backoffice.prepared import Slot
from backoffice.roles import LANDING
from backoffice.ui.fragments import version_of
from backoffice.ui.paging import Countable, capped_counts, capped_words
from backoffice.ui.periods import morning
from providers import queries as providers
from withdrawals import decided, figures, queries, visibility
from withdrawals.models import Withdrawal
from withdrawals.states import State

# What differs from one reader and moment to the next; everything that is counted is written once per process.
_ME = Slot("me", BigIntegerField())
_NOW, _MORNING, _LATELY = (Slot(name, DateTimeField()) for name in ("now", "morning", "lately"))


@cache
def _written(rows: Callable[[], QuerySet[Any]]) -> Countable:
    return Countable.of(rows())


def _waiting(user: Any) -> Countable | None:
    """What needs a decision; of no use beside the list of who may not read which those are."""
    return _written(queries.review_queue) if visibility.sees(user, visibility.Field.STATE) else None


def _second_approvals(_user: Any) -> Countable:
    return _written(_confirmable)


def _confirmable() -> QuerySet[Withdrawal]:
    """What this person may confirm: nothing that they approved first."""
    return queries.review_queue().filter(~decided.decided_by(_ME), state=State.SECOND_APPROVAL)


def _unknown(_user: Any) -> Countable:
    return _written(_outcome_unknown)


def _outcome_unknown() -> QuerySet[Withdrawal]:
    return Withdrawal.objects.filter(state=State.OUTCOME_UNKNOWN)


def _flagged(_user: Any) -> Countable:
    return _written(queries.flagged)


def _open_findings(_user: Any) -> Countable:
    return _written(_findings)


def _findings() -> QuerySet[Any]:
    return queries.findings().filter(resolved_at=None)


def _decided_today() -> QuerySet[Any]:
    return figures.decided_by(_ME, since=_MORNING)


def _poor_lately() -> QuerySet[Any]:
    return providers.poor_creates(_NOW, since=_LATELY)


def _running() -> QuerySet[Any]:
    return running_of(_ME)


def _untold() -> QuerySet[Any]:
    return untold_of(_ME)


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the menu. ``rows`` of a person are counted beside it, ``counts`` says what they are where that is
    not plain; ``go`` is the key that opens it after G; ``view`` is a view of the list that another line opens."""

    section: str
    label: str
    url_name: str
    permission: str
    icon: str
    rows: Callable[[Any], Countable | None] | None = None
    go: str = ""
    view: str = ""
    counts: str = ""

    @property
    def url(self) -> str:
        return reverse(self.url_name) + (f"?view={self.view}" if self.view else "")

    @property
    def slug(self) -> str:
        return slugify(self.label)

    @property
    def warns(self) -> bool:
        """Whether what stands beside it is trouble and no pile of work."""
        return bool(self.counts) or self.url_name == PROVIDERS


WITHDRAWALS, VIEW = "withdrawals:queue", "withdrawals.view_withdrawal"
PROVIDERS = "withdrawals:providers"
MENU: tuple[Item, ...] = (
    Item("", "Today", "today", VIEW, "sun"),
    Item("", "Withdrawals", WITHDRAWALS, VIEW, "out", _waiting, go="w"),
    Item(
        "", "Second approval", "withdrawals:second-approval", "withdrawals.confirm_withdrawal", "two",
        _second_approvals,
    ),
    Item(
        "", "In flight", "withdrawals:in-flight", "providers.view_provider", "send", _unknown, go="i",
        counts="unknown",
    ),
    Item("Risk", "Flagged", "withdrawals:flagged", "withdrawals.view_flagged", "flag", _flagged, go="f"),
    Item("Risk", "KYC", "withdrawals:standings", "kyc.view_standings", "id", go="k"),
    Item("Look up", "Players", "withdrawals:players", "kyc.look_up_player", "user", go="p"),
    Item("Look up", "Providers", PROVIDERS, "providers.view_provider", "pulse"),
    Item("Money", "Findings", "withdrawals:findings", "withdrawals.close_finding", "warn", _open_findings),
    Item("Money", "Transactions", "withdrawals:transactions", "withdrawals.view_transactions", "report", go="r"),
    Item("Money", "Journal", "ledger:journal", "ledger.view_entry", "book", go="l"),
    Item("Govern", "Staff", "staff", "accounts.view_user", "people"),
    Item("Govern", "Audit log", "audit:log", "audit.view_auditentry", "lock", go="a"),
)  # fmt: skip
# How often a page asks what changed; more often while something of one's own runs.
SECONDS, BUSY_SECONDS = 30, 5


def landing_url(user: Any) -> str:
    """Return the address of the first page for this person: by their first role, else Today."""
    for role in user.role_names:
        if role in LANDING:
            return reverse(LANDING[role])
    return reverse("today")


def items_for(user: Any) -> list[Item]:
    """Return the lines of the menu that this person may open."""
    return [item for item in MENU if user.has_perm(item.permission)]


class Menu:
    """The menu of one person on one page. Counting takes one statement, and only once somebody reads it."""

    def __init__(self, request: HttpRequest) -> None:
        user: Any = request.user
        self.user = user
        self._items = items_for(user)
        here = [item for item in self._items if _is_at(item, request)]
        # Of two lines for the same page the one that names the view.
        self._current = max(here, key=lambda item: (len(item.url), bool(item.view)), default=None)
        rows = {item.label: item.rows(user) for item in self._items if item.rows}
        counted = {label: found for label, found in rows.items() if found is not None}
        self._now = now = timezone.now()
        decided = [_written(_decided_today)] if self._decides else []
        others = [_written(rows) for rows in (providers.switched_off, _poor_lately, _running, _untold)]
        slots = {"me": user.pk, "now": now, "morning": morning(now), "lately": now - providers.SHORT}
        found = capped_counts([*counted.values(), *decided, *others], **slots)
        self._counts = dict(zip(counted, found, strict=False))
        self.decided: int | None = found[len(counted)] if decided else None
        self._switched_off, self._poor, self.running, untold = found[-len(others) :]
        self.ended = tell_ended(user, now=now) if untold else []

    @property
    def _decides(self) -> bool:
        return self.user.has_perm("withdrawals.decide_withdrawal") or self.user.has_perm("withdrawals.decide_flagged")

    @property
    def sections(self) -> list[dict[str, Any]]:
        sections: dict[str, list[dict[str, Any]]] = {}
        for item in self._items:
            count = self._counts.get(item.label)
            sections.setdefault(item.section, []).append(
                {"item": item, "current": item is self._current, "count": self._words(item, count)}
            )
        return [{"label": label, "entries": entries} for label, entries in sections.items()]

    def _words(self, item: Item, count: int | None) -> str:
        if item.url_name == PROVIDERS:
            return self._worst
        return f"{capped_words(count)} {item.counts}".strip() if count else ""

    @property
    def foot(self) -> str:
        """What stands under the name: what was decided, and how many jobs run."""
        running = f"{self.running} job{'s' if self.running > 1 else ''} running" if self.running else ""
        decided = f"Decided today {self.decided}" if self.decided is not None else ""
        return " · ".join(part for part in (decided, running) if part)

    @cached_property
    def live(self) -> dict[str, Any]:
        """What changes by itself, its version, and after how many seconds it is asked for again: every count, the
        worst of the providers in a word, and what ended."""
        entries = [(entry["item"], entry["count"]) for section in self.sections for entry in section["entries"]]
        counts = [(item.slug, words, item.warns) for item, words in entries if item.rows or item.warns]
        version = version_of(counts, self.foot, [one.job.pk for one in self.ended])
        seconds = BUSY_SECONDS if self.running else SECONDS
        return {"counts": counts, "foot": self.foot, "ended": self.ended, "version": version, "seconds": seconds}

    @cached_property
    def _worst(self) -> str:
        """The providers in a word; who fails or is slow is looked up only where one may be."""
        if not self._poor:
            return "paused" if self._switched_off else ""
        words = {trouble.word for trouble in providers.troubles(self._now).values()}
        return next((word for word in providers.WORDS if word in words), "")


def _is_at(item: Item, request: HttpRequest) -> bool:
    if item.url_name == "today":
        return request.path == item.url
    return request.path.startswith(reverse(item.url_name)) and item.view in ("", request.GET.get("view", ""))


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: product name and the menu of what this person may open."""
    context: dict[str, Any] = {"product_name": settings.PRODUCT_NAME, "nav": None}
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return context
    # A part of a page that htmx asks for shows no menu, so nothing is counted for it.
    context["nav"] = SimpleLazyObject(lambda: Menu(request))
    context["now"] = timezone.now()
    return context
