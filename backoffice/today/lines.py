"""The lines that each kind of work begins with, and what waits for one person. Whoever has several roles begins with
the first of them; what waits is by right, not by role."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from backoffice.audit.models import AuditEntry
from backoffice.today.parts import Asked, Line, Number, Said, counted, list_url
from backoffice.ui import inline
from fraud.rules import INDICATORS
from kyc import queries as kyc
from kyc.states import StandingState
from providers import queries as providers
from providers.registry import BY_CODE, PROVIDERS
from withdrawals import figures, filters, queries, tables, totals
from withdrawals.models import Notification, Withdrawal
from withdrawals.operations import questions
from withdrawals.states import State
from withdrawals.views.flagged import Flagged
from withdrawals.views.second_approval import SecondApproval
from withdrawals.views.standings import Standings
from withdrawals.views.summary import TOO_MANY
from withdrawals.views.tabs import tabs_for

QUEUE = "withdrawals:queue"
# A document that ends within this time needs a new one now: our own choice.
ENDS_SOON = timedelta(days=7)
# Machines take a due step within seconds; this much later something is wrong.
OVERDUE = timedelta(minutes=1)
LAST_LOOK_UPS = 5
# An answer that nobody has read by then is on the record still: our own choice.
QUESTIONS_STAND = timedelta(days=7)


def first_lines(request: HttpRequest, now: datetime) -> list[Line]:
    """Return the lines that this person's work begins with."""
    user: Any = request.user
    role = next((name for name in user.role_names if name in _FIRST), "")
    return _FIRST[role](request, now) if role else []


def needs_you(request: HttpRequest, now: datetime) -> Line:
    """Return what waits for this person, each number a link; only what is not zero."""
    user: Any = request.user
    tabs = {tab.slug: tab for tab in tabs_for(user)}
    asked = []

    def ask(permission: str, view: str, one: str, many: str, tone: str = "", **more: Any) -> None:
        if user.has_perm(permission) and view in tabs:
            rows = tabs[view].narrow(queries.withdrawals(), request)
            if more.get("due") == "late":
                rows = rows.filter(due_at__lt=now)
            asked.append(Asked("-".join((view, *more)), one, many, list_url(QUEUE, view=view, **more), rows, tone))

    ask("withdrawals.decide_withdrawal", "needs-decision", "late", "late", "danger", due="late")
    ask("withdrawals.decide_withdrawal", "mine", "claimed by you", "claimed by you")
    if user.has_perm("withdrawals.confirm_withdrawal"):
        rows = SecondApproval.tabs[0].narrow(queries.second_approvals(), request)
        page = list_url("withdrawals:second-approval")
        asked.append(Asked("second-approval", "second approval", "second approvals", page, rows, "second"))
    ask("withdrawals.view_withdrawal", "proposals", "proposal to answer", "proposals to answer")
    if user.has_perm("withdrawals.decide_flagged"):
        rows = Flagged.tabs[0].narrow(queries.flagged(), request)
        asked.append(Asked("flagged", "flagged", "flagged", list_url("withdrawals:flagged"), rows))
    if user.has_perm("withdrawals.settle_withdrawal"):
        rows = queries.withdrawals().filter(state=State.OUTCOME_UNKNOWN)
        page = list_url("withdrawals:in-flight", view="unknown")
        asked.append(Asked("unknown", "unknown outcome", "unknown outcomes", page, rows, "attn"))
    if user.has_perm("withdrawals.close_finding"):
        rows = queries.findings().filter(resolved_at=None)
        asked.append(Asked("findings", "open finding", "open findings", list_url("withdrawals:findings"), rows))
    return Line("Needs you", counted(asked) or (Said("Nothing waits for you."),))


def provider_line(request: HttpRequest, now: datetime) -> Line:
    """Return which providers have trouble and what waits because of it, and how many work."""
    troubles = providers.troubles(now)
    since = providers.ill_since(now) if any(not trouble.is_pause for trouble in troubles.values()) else {}
    waiting = queries.withdrawals().filter(queries.NEEDS_DECISION)
    asked = [
        Asked(
            f"held-{code}", "would wait", "would wait", list_url(QUEUE, view="needs-decision", held=code),
            filters.held_up(waiting, code, troubles),
        )
        for code in troubles
    ]  # fmt: skip
    held = {number.slug: number for number in counted(asked)}
    parts: list[Number | Said] = []
    for code, trouble in troubles.items():
        words, at = f"{BY_CODE[code].label} {trouble.word}", trouble.since or since.get(code)
        said = format_html("{} since {}", words, inline.time(at, "short", now)) if at else words
        parts.append(Said(said, "danger" if trouble.is_failing else "attn"))
        if number := held.get(f"held-{code}"):
            parts.append(number)
    others = len(PROVIDERS) - len(troubles)
    if not troubles:
        parts.append(Said("None has trouble."))
    elif others:
        parts.append(Said(f"{others} other{'' if others == 1 else 's'} without trouble"))
    return Line("Providers", tuple(parts), list_url("withdrawals:providers"), "Board")


def _decisions(_request: HttpRequest, now: datetime) -> list[Line]:
    """Operators and seniors: is the queue on time."""
    found = figures.on_time(now=now)
    everything = list_url(QUEUE, view="needs-decision")
    if not found.waiting:
        any_yet = Withdrawal.objects.exists()
        words = "Nothing waits for a decision." if any_yet else "No withdrawals yet. The queue fills as players ask."
        return [Line("", (Said(words),), everything, "Withdrawals")]
    wait = Number("waiting", found.waiting, "withdrawals are on time.", everything, before="of")
    if not found.late or found.first_due_at is None:
        words = "waits for a decision, on time." if found.waiting == 1 else "wait for a decision, all on time."
        good = (Said("Good:"), Number("waiting", found.waiting, words, everything))
        return [Line("", good, everything, "Start", "s")]
    late = list_url(QUEUE, view="needs-decision", due="late")
    on_time = Number("in-time", found.in_time, "", list_url(QUEUE, view="needs-decision", due="in_time"))
    by = format_html("oldest by <b>{}</b>.", inline.duration(now - found.first_due_at))
    words = "is late," if found.late == 1 else "are late,"
    are_late = Number("late", found.late, words, late, tone="danger", more=by)
    return [Line("", (on_time, wait, are_late), late, "Start with the late ones", "s")]


def _flagged(request: HttpRequest, now: datetime) -> list[Line]:
    """Fraud analysts: what is at stake, and which indicators speak more often than usual."""
    address = list_url("withdrawals:flagged")
    waiting = totals.waiting_summary(Flagged.tabs[0].narrow(queries.flagged(), request), now=now)
    if not waiting.count:
        first = Line("", (Said("Nothing is flagged."),), address, "Flagged")
    else:
        sums = format_html_join(", ", "<b>{}</b>", ((one,) for one in tables.money_words(waiting.totals))) or TOO_MANY
        since = inline.duration(now - waiting.oldest_at) if waiting.oldest_at else ""
        words = "withdrawal is flagged" if waiting.count == 1 else "withdrawals are flagged"
        more = format_html("with {}, oldest <b>{}</b>.", sums, since)
        first = Line("", (Number("open", waiting.count, words, address, more=more),), address, "Start", "s")
    names = {f"fraud.{one.code}": one.name.capitalize() for one in INDICATORS}
    unusual = [volume for volume in figures.indicator_volumes(now=now) if volume.is_unusual and volume.code in names]
    said = [
        format_html(
            '<a href="{}">{}</a> {} today, usually {} a day',
            list_url("withdrawals:flagged", signal=one.code), names[one.code], one.today, f"{one.usual:.0f}",
        )
        for one in unusual
    ]  # fmt: skip
    quiet = "No signal speaks half as often again as usual."
    return [first, Line("Signals", tuple(Said(text, "attn") for text in said) or (Said(quiet),))]


def _finance(_request: HttpRequest, now: datetime) -> list[Line]:
    """Finance: what is not settled, and what was paid."""
    unknown = queries.withdrawals().filter(state=State.OUTCOME_UNKNOWN)
    total = totals.waiting_summary(unknown, now=now)
    address = list_url("withdrawals:in-flight", view="unknown")
    if not total.count:
        return [Line("", (Said("Good: no payout has an unknown outcome."),), list_url("ledger:journal"), "Journal")]
    sums = format_html_join(", ", "<b>{}</b>", ((one,) for one in tables.money_words(total.totals))) or TOO_MANY
    words = "payout has an unknown outcome:" if total.count == 1 else "payouts have an unknown outcome:"
    number = Number("unknown", total.count, words, address, tone="attn", more=format_html("{}.", sums))
    return [Line("", (number,), address, "Settle", "s")]


def _standings(_request: HttpRequest, now: datetime) -> list[Line]:
    """Compliance: whose verification has run out or will within days."""
    today = timezone.localdate(now)
    soon, page = today + ENDS_SOON, "withdrawals:standings"
    states = (StandingState.EXPIRED, StandingState.PENDING, StandingState.REJECTED)
    unsettled: QuerySet[Any] = kyc.standings(on=today).filter(pk__in=kyc.unsettled(until=soon))
    slugs = {tab.slug for tab in Standings.tabs}
    asked = [
        Asked(f"kyc-{state}", state.label.lower(), state.label.lower(), list_url(page, view=state.value),
              unsettled.filter(standing_state=state))
        for state in states
        if state.value in slugs
    ]  # fmt: skip
    ending = list_url(page, view="expiring", expires_to=soon.isoformat())
    rows = unsettled.filter(standing_state=StandingState.EXPIRES_SOON, standing_expires_on__lte=soon)
    words = f"end within {ENDS_SOON.days} d"
    asked.append(Asked("kyc-ending", words.replace("end", "ends", 1), words, ending, rows, "attn"))
    good = Said("Good: none has run out or waits for an answer.")
    return [Line("Verifications", counted(asked) or (good,), list_url(page), "KYC")]


def _look_ups(request: HttpRequest, now: datetime) -> list[Line]:
    """Support: the players that were looked up last; the field stands above them."""
    user: Any = request.user
    mine = AuditEntry.objects.filter(actor_user=user, action="look_up", subject_type="player")
    refs = list(dict.fromkeys(mine.order_by("-at", "-pk").values_list("subject_id", flat=True)[:50]))[:LAST_LOOK_UPS]
    people = kyc.by_refs(refs)
    links = [
        format_html('<a href="{}">{} {}</a>', tables.player_address(one), one.name, one.ref)
        for one in (people[ref] for ref in refs if ref in people)
    ]
    said = tuple(Said(link) for link in links)
    return [*_questions(user, now), Line("Looked up last", said or (Said("Nobody yet."),))]


def _questions(user: Any, now: datetime) -> list[Line]:
    """What this person asked the payments team lately, and which of it was answered."""
    said = [
        Said(
            format_html(
                '<a href="{}">{}</a> {} {} ago{}',
                reverse("withdrawals:record", args=[asked.withdrawal.ref]),
                asked.withdrawal.ref,
                "answered" if asked.resolved_at else "asked",
                inline.duration(now - (asked.resolved_at or asked.at)),
                "" if asked.resolved_at else ", no answer yet",
            ),
            "" if asked.resolved_at else "attn",
        )
        for asked in questions.asked_by(user, most=LAST_LOOK_UPS)
        if asked.withdrawal is not None and now - (asked.resolved_at or asked.at) < QUESTIONS_STAND
    ]
    return [Line("You asked", tuple(said))] if said else []


def _health(_request: HttpRequest, now: datetime) -> list[Line]:
    """Administrators: does everything that works by itself work."""
    stuck = Withdrawal.objects.filter(next_step_at__lt=now - OVERDUE).order_by("next_step_at").first()
    untold = Notification.objects.filter(next_try_at__isnull=False, created_at__lt=now - OVERDUE).order_by("created_at")
    said = []
    if stuck is not None and stuck.next_step_at:
        said.append(Said(f"Workers are behind by {inline.duration(now - stuck.next_step_at)}.", "danger"))
    if first := untold.first():
        said.append(Said(f"The platform has not heard from us for {inline.duration(now - first.created_at)}.", "attn"))
    return [Line("", tuple(said) or (Said("Good: workers and notifications are up to date."),))]


_FIRST: dict[str, Callable[[HttpRequest, datetime], list[Line]]] = {
    "Operator": _decisions,
    "Senior": _decisions,
    "Fraud": _flagged,
    "Support": _look_ups,
    "Finance": _finance,
    "Compliance": _standings,
    "Administrator": _health,
}
