"""How amounts, times and names are written."""

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from backoffice.ui import inline, masking
from fraud.states import Level

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", "", html)).strip()


@pytest.mark.parametrize(
    ("amount", "currency", "sign", "text"),
    [
        (245000, "EUR", False, "€2,450.00"),
        (720000, "BRL", False, "BRL 7,200.00"),
        (1500, "JPY", False, "JPY 1,500"),
        (-500, "EUR", False, "−€5.00"),
        (-500, "BRL", False, "−BRL 5.00"),
        (40000, "EUR", True, "+ €400.00"),
        (-245000, "EUR", True, "− €2,450.00"),
        (None, "EUR", False, "—none"),
    ],
)
def test_money(amount: int | None, currency: str, sign: bool, text: str) -> None:
    assert words(inline.money(amount, currency, sign=sign)) == text


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(seconds=12), "12 s"),
        (timedelta(minutes=51), "51 min"),
        (timedelta(minutes=60), "1 h"),
        (timedelta(hours=2, minutes=51), "2 h 51 min"),
        (timedelta(days=3, hours=4, minutes=59), "3 d 4 h"),
        (timedelta(days=2), "2 d"),
        (timedelta(minutes=-18), "18 min"),
    ],
)
def test_duration(length: timedelta, text: str) -> None:
    assert inline.duration(length) == text


@pytest.mark.parametrize(
    ("left", "tone", "text"),
    [
        (timedelta(minutes=-51), "tone-danger", "51 min late"),
        (timedelta(minutes=38), "tone-attn", "38 min left"),
        (timedelta(minutes=45), "soft", "45 min left"),
        (timedelta(hours=1, minutes=4), "soft", "1 h 04 left"),
        (timedelta(hours=2), "soft", "2 h left"),
        (timedelta(days=1, hours=3), "soft", "1 d 3 h left"),
    ],
)
def test_due(left: timedelta, tone: str, text: str) -> None:
    mark = inline.due(NOW + left, NOW)
    assert words(mark) == text
    assert tone in mark and f'<time class="{"strong" if left < timedelta(0) else ""}" datetime="' in mark


@pytest.mark.parametrize(("left", "start"), [(-51, "late since"), (38, "by")])
def test_who_wants_exact_times_reads_no_time_left(left: int, start: str) -> None:
    at = NOW + timedelta(minutes=left)
    day = f"{at.day} {at:%b %Y, %H:%M:%S}"
    token = inline.reading.set(inline.Reading(exact_times=True))
    try:
        assert words(inline.due(at, NOW)) == f"{start} {day}"
        assert words(inline.time(at, "length", NOW)) == day
    finally:
        inline.reading.reset(token)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("short", "14:12"),
        ("time", "14:12"),
        ("date", "22 Nov 2026"),
        ("exact", "22 Nov 2026, 14:12:08"),
        ("utc", "2026-11-22 12:12:08.500"),
        ("relative", "in 12 min"),
        ("length", "12 min"),
    ],
)
def test_time_is_an_element_with_the_full_local_time(form: str, text: str) -> None:
    at = datetime(2026, 11, 22, 12, 12, 8, 500_000, tzinfo=UTC)
    with timezone.override("Africa/Harare"):
        element = inline.time(at, form, NOW)
    assert words(element) == text
    assert 'datetime="2026-11-22T12:12:08.500000+00:00" title="22 Nov 2026, 14:12:08 +0200"' in element


def test_short_time_of_another_day_is_its_date() -> None:
    assert words(inline.time(NOW - timedelta(days=40), "short", NOW)) == "13 Oct 2026"


@pytest.mark.parametrize("level", Level)
def test_risk_says_the_level_that_it_was_given(level: Level) -> None:
    html = inline.risk(12, level)
    assert words(html) == f"12 {level.label}"
    assert html.count('class="on"') == level.bars and f"tone-{level.tone}" in html
    assert inline.risk(None, level) == inline.risk(12, None) == inline.NOTHING


def test_person_is_you_for_whoever_looks() -> None:
    marta = SimpleNamespace(name="Marta Ana Keller")
    assert words(inline.person(marta)) == "MKMarta"
    assert words(inline.person(marta, marta)) == "MKYou"
    assert words(inline.person(None)) == "—none"


def test_values_are_escaped() -> None:
    hostile = '"><script>alert(1)</script>'
    look = SimpleNamespace(label=hostile, icon="eye", tone="info", help=hostile)
    for html in (
        inline.state(look),
        inline.badge(look),
        inline.ref(hostile),
        inline.masked(hostile),
        inline.mark("info", "eye", hostile),
        inline.person(SimpleNamespace(name=hostile)),
    ):
        assert "<script" not in html


@pytest.mark.parametrize(
    ("mask", "value", "text"),
    [
        (masking.mask_email, "elena@zgmail.hr", "el•••••@zgmail.hr"),
        (masking.mask_email, "a@b.hr", "•••••@b.hr"),
        (masking.mask_email, "no address", "••••"),
        (masking.mask_phone, "+385 91 555 0123", "•••• 0123"),
        (masking.mask_phone, "555", "••••"),
        (masking.last_four, "4000000000004417", "•••• 4417"),
        (masking.last_four, "4417", "••••"),
        (masking.initials_of, "Elena Ana Marković", "EM"),
        (masking.initials_of, "", ""),
    ],
)
def test_masking(mask: object, value: str, text: str) -> None:
    assert callable(mask)
    assert mask(value) == text


@pytest.mark.parametrize(
    ("value", "spoken"),
    [("Visa •••• 4417", "Visa ends in 4417"), ("el•••••@zgmail.hr", "el hidden @zgmail.hr")],
)
def test_masked_values_are_readable_aloud(value: str, spoken: str) -> None:
    assert f'<span class="sr">{spoken}</span>' in inline.masked(value)
