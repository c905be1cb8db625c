"""What screens and sweepers ask about providers."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Aggregate, BooleanField, Count, DateTimeField, F, FloatField, Func, Q, QuerySet, Value
from django.db.models.functions import Extract, Floor

from backoffice.prepared import Prepared, Slot
from providers.models import CallOutcome, ProviderBalance, ProviderCall, ProviderControl, Verb, WebhookDelivery
from providers.registry import BY_CODE, PROVIDERS
from providers.routing import paused
from providers.states import FEWEST_CREATES, SLOW_FROM_MS, WELL_FROM, ProviderState

SHORT, LONG = timedelta(minutes=15), timedelta(hours=24)
# Nothing was asked of the provider: neither its success nor its failure.
NOT_ITS_DOING = (CallOutcome.NOT_SENT,)
# Of what was said about one payout, as much as a page shows.
MOST_SAID = 30
SUCCESS = (CallOutcome.ANSWERED, CallOutcome.DUPLICATE)


@dataclass(frozen=True, slots=True)
class Share:
    """`good` of `total` creates that reached the provider were taken on."""

    good: int
    total: int

    @property
    def percent(self) -> int | None:
        return round(100 * self.good / self.total) if self.total else None

    @property
    def is_failing(self) -> bool:
        """Whether too few were taken on, of enough to tell."""
        return self.total >= FEWEST_CREATES and 100 * self.good < WELL_FROM * self.total


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderStatus:
    """One line of the provider board. Latencies are of creates in the last 24 hours, milliseconds."""

    code: str
    label: str
    success_15m: Share
    success_24h: Share
    median_ms: int | None
    p95_ms: int | None
    median_15m_ms: int | None
    last_webhook_at: datetime | None
    control: ProviderControl | None  # the provider's own pause, if it is paused

    @property
    def is_paused(self) -> bool:
        return self.control is not None


class Percentile(Aggregate):
    """``Percentile("latency_ms", share=0.5)``: the value that this share of the rows does not exceed."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


def board(now: datetime) -> list[ProviderStatus]:
    """Return every provider's figures up to `now`, in routing order. The global stop is `global_stop()`."""
    calls = {row["provider"]: row for row in _call_figures(now)}
    controls = paused()
    lines = []
    for registered in PROVIDERS:
        call = calls.get(registered.code, {})
        lines.append(
            ProviderStatus(
                code=registered.code,
                label=registered.label,
                success_15m=Share(call.get("good_short", 0), call.get("total_short", 0)),
                success_24h=Share(call.get("good", 0), call.get("total", 0)),
                median_ms=_rounded(call.get("median")),
                p95_ms=_rounded(call.get("p95")),
                median_15m_ms=_rounded(call.get("median_short")),
                last_webhook_at=_last_webhook_at(registered.code),
                control=controls.get(registered.code),
            )
        )
    return lines


def state_of(status: ProviderStatus) -> ProviderState:
    """Return how a provider is doing, from what it did: no calls is no data, not working."""
    if status.is_paused:
        return ProviderState.PAUSED
    if status.success_15m.is_failing:
        return ProviderState.FAILING
    if status.median_15m_ms is not None and status.median_15m_ms >= SLOW_FROM_MS:
        return ProviderState.SLOW
    return ProviderState.WORKING if status.success_24h.total else ProviderState.NO_DATA


class _Holds(Func):
    """Whether the bytes of a column hold some text."""

    template = "position(convert_to(%(expressions)s, 'UTF8') in body) > 0"
    output_field = BooleanField()


def deliveries_about(code: str, names: Collection[str], *, since: datetime) -> list[WebhookDelivery]:
    """Return the latest genuine webhooks of a provider that name one of these keys or references, newest first."""
    named = Q(pk__in=[])
    for name in names:
        named |= Q(_Holds(Value(name)))
    arrived = WebhookDelivery.objects.filter(provider=code, verified=True, received_at__gte=since)
    return list(arrived.filter(named).order_by("-received_at", "-pk")[:MOST_SAID])


def calls_about(keys: Collection[str]) -> list[ProviderCall]:
    """Return the latest calls under these keys, newest first."""
    return list(ProviderCall.objects.filter(key__in=keys).order_by("-at", "-pk")[:MOST_SAID])


def balances() -> dict[str, list[ProviderBalance]]:
    """Return what each provider said last of our float, however long ago, in order of currency."""
    found: dict[str, list[ProviderBalance]] = {}
    for row in ProviderBalance.objects.order_by("provider", "currency"):
        found.setdefault(row.provider, []).append(row)
    return found


def global_stop() -> ProviderControl | None:
    """Return the switch that stops all payouts, if it is on."""
    return paused().get(ProviderControl.EVERYTHING)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A provider that is not working as it should: ``word`` for a mark, ``sentence`` for a notice; ``since`` when, of a
    pause (of the others ill_since() says it)."""

    word: str
    sentence: str
    since: datetime | None = None

    @property
    def is_pause(self) -> bool:
        return self.word == _PAUSED

    @property
    def is_failing(self) -> bool:
        return self.word == _FAILING

    @property
    def is_slow(self) -> bool:
        return self.word == _SLOW


# The worst first.
WORDS = _FAILING, _PAUSED, _SLOW = "failing", "paused", "slow"


def troubles(now: datetime) -> dict[str, Trouble]:
    """Return the providers that are paused, often fail to answer or answer slowly, by code. One statement."""
    pauses, shares, medians, found = {}, {}, {}, {}
    for code, reason, good, total, median, at in _TROUBLES.rows(now=now, since=now - SHORT):
        if total:
            shares[code], medians[code] = Share(good, total), median
        else:
            pauses[code] = (reason, at)
    for registered in PROVIDERS:
        code, label = registered.code, registered.label
        pause = pauses.get(code, pauses.get(ProviderControl.EVERYTHING))
        if pause is not None:
            sentence = f"{label} is paused: {pause[0].rstrip('.')}."
            found[code] = Trouble(_PAUSED, sentence, since=pause[1])
        elif (share := shares.get(code)) and share.is_failing:
            words = f"{share.good} of {share.total} payouts were taken on in the last 15 minutes"
            found[code] = Trouble(_FAILING, f"{label} has trouble: {words}.")
        elif (median := medians.get(code)) is not None and median >= SLOW_FROM_MS:
            words = f"half of its answers in the last 15 minutes took {median / 1000:.0f} s or more"
            found[code] = Trouble(_SLOW, f"{label} is slow: {words}.")
    return found


def _troubles() -> QuerySet[Any, Any]:
    """The switches that are off, with their reasons, and what each provider took on lately: of how many, if of any,
    and how fast."""
    columns = ("words", "good", "total", "median", "since")
    nothing = {"good": Value(0), "total": Value(0), "median": Value(None, FloatField())}
    off = switched_off().annotate(words=F("reason"), since=F("paused_at"), **nothing).values_list("code", *columns)
    creates = _recent_creates(Slot("now", DateTimeField()), since=Slot("since", DateTimeField()))
    median = Percentile("latency_ms", share=0.5)
    lately = creates.annotate(words=Value(""), since=Value(None, DateTimeField()), median=median)
    return off.union(lately.order_by().values_list("provider", *columns), all=True)


_TROUBLES = Prepared(_troubles)


def next_trouble(routes: Sequence[str], found: Mapping[str, Trouble]) -> Trouble | None:
    """Return the trouble of whoever would pay something with these routes: the first of them that is not paused."""
    open_ = [code for code in routes if code not in found or not found[code].is_pause]
    return found.get(next(iter(open_ or routes), ""))


def ill_since(now: datetime) -> dict[str, datetime]:
    """Return since which quarter of an hour of the clock each provider has not worked well without a break, by code;
    one that works now is left out. One statement."""
    end = datetime.fromtimestamp(-(-now.timestamp() // SHORT.total_seconds()) * SHORT.total_seconds(), UTC)
    found = {}
    for code, quarters in last_quarters(end).items():
        run = 0
        # The present quarter has only begun: that nothing was sent in it says nothing.
        states = [quarter.state for quarter in reversed(quarters)]
        silent = states[:1] == [ProviderState.NO_DATA]
        for state in states[silent:]:
            if state in (ProviderState.WORKING, ProviderState.NO_DATA):
                break
            run += 1
        if run:
            found[code] = end - SHORT * (run + silent)
    return found


def failing_creates(now: datetime | Slot, *, since: datetime | Slot) -> QuerySet[Any, Any]:
    """Return ``provider``, ``total`` and ``good`` of that time where Share.is_failing."""
    few = Q(total__gte=FEWEST_CREATES, good__lt=F("total") * WELL_FROM / 100.0)
    return _recent_creates(now, since=since).filter(few)


def largest_payout(code: str, method: str, currency: str) -> int | None:
    """Return the most that a provider pays at once, in minor units; None where it says nothing of it."""
    pays = BY_CODE[code].capabilities.pays if code in BY_CODE else {}
    limits = pays.get(method, {}).get(currency)
    return limits.maximum if limits else None


def poor_creates(now: datetime | Slot, *, since: datetime | Slot) -> QuerySet[ProviderCall]:
    """Return the creates since then that no provider took on or that took long, for counting them with other things.

    While there was none in the last 15 minutes (SHORT), nobody is failing or slow.
    """
    refused, slow = ~Q(outcome__in=SUCCESS), Q(latency_ms__gte=SLOW_FROM_MS)
    creates = Q(provider__in=list(BY_CODE), verb=Verb.CREATE) & ~Q(outcome__in=NOT_ITS_DOING) & (refused | slow)
    return ProviderCall.objects.filter(creates, at__gt=since, at__lte=now)


def switched_off() -> QuerySet[ProviderControl]:
    """Return the switches that are off, for counting them with other things."""
    return ProviderControl.objects.filter(paused=True)


@dataclass(frozen=True, slots=True)
class Quarter:
    """What a provider did in a quarter of an hour."""

    share: Share
    median_ms: float | None

    @property
    def state(self) -> ProviderState:
        """By the rules for the present 15 minutes, without anybody's switch."""
        if self.share.is_failing:
            return ProviderState.FAILING
        if self.median_ms is not None and self.median_ms >= SLOW_FROM_MS:
            return ProviderState.SLOW
        return ProviderState.WORKING if self.share.total else ProviderState.NO_DATA


QUARTERS = int(LONG / SHORT)


def last_quarters(now: datetime) -> dict[str, list[Quarter]]:
    """Return the last 96 quarters of an hour of every provider, the oldest first. One statement."""
    start = now - LONG
    place = Floor(Extract(F("at") - Value(start), "epoch") / SHORT.total_seconds())
    rows = (
        ProviderCall.objects.filter(verb=Verb.CREATE, at__gte=start, at__lt=now)
        .exclude(outcome__in=NOT_ITS_DOING)
        .values("provider", place=place)
        .annotate(
            total=Count("pk"),
            good=Count("pk", filter=Q(outcome__in=SUCCESS)),
            median=Percentile("latency_ms", share=0.5),
        )
        .order_by("provider", "place")
    )
    found = {registered.code: [Quarter(Share(0, 0), None)] * QUARTERS for registered in PROVIDERS}
    for row in rows:
        if row["provider"] in found:
            found[row["provider"]][int(row["place"])] = Quarter(Share(row["good"], row["total"]), row["median"])
    return found


def control_page(code: str) -> str:
    """Return the page on which the faults of a provider that only pretends to pay are switched; empty: it pays."""
    return str(settings.PROVIDERS.get(code, {}).get("control_page", ""))


def _recent_creates(now: datetime | Slot, *, since: datetime | Slot) -> QuerySet[ProviderCall, Any]:
    creates = Q(verb=Verb.CREATE) & ~Q(outcome__in=NOT_ITS_DOING)
    return (
        ProviderCall.objects.filter(creates, at__gt=since, at__lte=now)
        .values("provider")
        .annotate(total=Count("pk"), good=Count("pk", filter=Q(outcome__in=SUCCESS)))
        .order_by("provider")
    )


def _call_figures(now: datetime) -> Iterable[Mapping[str, Any]]:
    creates = Q(verb=Verb.CREATE) & ~Q(outcome__in=NOT_ITS_DOING)
    good = creates & Q(outcome__in=SUCCESS)
    short = Q(at__gt=now - SHORT)
    return (
        ProviderCall.objects.filter(at__gt=now - LONG, at__lte=now)
        .values("provider")
        .annotate(
            total=Count("pk", filter=creates),
            good=Count("pk", filter=good),
            total_short=Count("pk", filter=creates & short),
            good_short=Count("pk", filter=good & short),
            median=Percentile("latency_ms", share=0.5, filter=creates),
            p95=Percentile("latency_ms", share=0.95, filter=creates),
            median_short=Percentile("latency_ms", share=0.5, filter=creates & short),
        )
        .order_by("provider")
    )


def _last_webhook_at(code: str) -> datetime | None:
    """By the index, because the newest may be old."""
    verified = WebhookDelivery.objects.filter(provider=code, verified=True).order_by("-received_at")
    return verified.values_list("received_at", flat=True).first()


def _rounded(value: float | None) -> int | None:
    return None if value is None else round(value)
