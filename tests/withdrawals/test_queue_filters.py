"""Filters, searches, columns and periods of the queue."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from backoffice.accounts.models import User
from backoffice.ui.models import SavedView
from tests.conftest import NOW
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import make_destination
from tests.withdrawals.queue_page import SignIn, get, refs, waiting
from withdrawals.models import Withdrawal
from withdrawals.operations import claims

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]


def test_filters_narrow_the_view(operator: User, client_for: SignIn) -> None:
    small = waiting(20, amount=5_000, risk=(10, "low"))
    large = waiting(150, amount=900_000, risk=(70, "high"))
    foreign = waiting(40, amount=70_000, currency="SEK", risk=(40, "medium"))
    client = client_for(operator)
    for query, rows in {
        "amount_min=1.000,00": [large],
        "amount_max=50.00": [small],
        "currency=SEK": [foreign],
        "risk=high&risk=medium": [large, foreign],
        "due=late": [large],
        "owner=nobody": [large, foreign, small],
        "owner=me": [],
        "provider=northgate": [large, foreign, small],
        "country=hr": [large, foreign, small],
        "country=de": [],
        "state=under_review": [large, foreign, small],
        "method=card": [],
        "requested_from=2026-11-23": [],
    }.items():
        html = get(client, f"/withdrawals/?view=needs-decision&{query}")
        assert refs(html) == [row.ref for row in rows], query
        assert 'class="chip"' in html, query
    assert "No row matches" in get(client, "/withdrawals/?method=card")


def test_nonsense_in_the_address_is_left_out_with_a_notice(operator: User, client_for: SignIn) -> None:
    row = waiting()
    html = get(client_for(operator), "/withdrawals/?view=nope&amount_min=abc&foo=1&sort=secret&after=x")
    assert refs(html) == [row.ref]
    assert "Left out of the address" in html


def test_amounts_are_ordered_by_what_they_are_worth(operator: User, client_for: SignIn, settings: Any) -> None:
    euro, crowns = waiting(amount=1_890_000), waiting(amount=2_000_000, currency="SEK")
    huge = waiting(amount=2_100_000)
    settings.REFERENCE_RATES = {code: rate for code, rate in settings.REFERENCE_RATES.items() if code != "NOK"}
    unknown = waiting(amount=5_000, currency="NOK")
    client = client_for(operator)
    down = [unknown, huge, euro, crowns]
    assert refs(get(client, "/withdrawals/?sort=-amount")) == [row.ref for row in down]
    assert refs(get(client, "/withdrawals/?sort=amount")) == [row.ref for row in reversed(down)]
    assert refs(get(client, "/withdrawals/?view=high-value")) == [unknown.ref, huge.ref, euro.ref]


def test_search_by_what_people_have_at_hand(operator: User, finance: User, client_for: SignIn) -> None:
    player = PlayerFactory(verified=True, name="Elena Marković", email="elena@example.org")
    wanted = waiting(player=player, destination=make_destination(player, ending="7731"))
    waiting()
    client = client_for(operator)
    terms = [
        wanted.ref,
        wanted.ref.lower().replace("-", ""),
        "elena@example.org",
        "markovic el",
        "7731",
        player.ref,
    ]
    for term in terms:
        assert refs(get(client, f"/withdrawals/?q={term}")) == [wanted.ref], term
    # Whoever works without names cannot find out by searching either.
    for term, found in {"elena@example.org": [], "markovic": [], player.ref: [wanted.ref]}.items():
        assert refs(get(client_for(finance), f"/withdrawals/?q={term}")) == found, term


def test_columns_that_are_off_can_be_asked_for(operator: User, client_for: SignIn) -> None:
    row = waiting()
    html = get(client_for(operator), "/withdrawals/?cols=reference,requested,provider,age,wagered,deposits")
    headings = re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([^<]+)', html.split("<dialog")[0])
    assert headings == [
        "Player", "Amount", "Reference", "Requested", "Provider", "Age of account", "Wagered",
        "Deposits since last payout",
    ]  # fmt: skip
    assert f'<span class="mono">{row.ref}</span>' in html


@pytest.mark.parametrize(("role", "offered"), [("Operator", True), ("Support", False), ("Finance", False)])
def test_a_column_is_offered_to_who_may_see_it(make_staff: Any, client_for: SignIn, role: str, offered: bool) -> None:
    waiting(risk=(71, "high"))
    html = get(client_for(make_staff(role)), "/withdrawals/?cols=player,risk,why,wagered,deposits,owner,age")
    for label in ("Wagered", "Why it needs a person", "Owner", "Risk", "Age of account"):
        assert (f"> {label}</label>" in html) == offered, label
    assert ('class="risk' in html) == offered


def test_a_shared_view_shows_its_reader_no_more_than_they_may_see(
    support: User, senior: User, client_for: SignIn
) -> None:
    high, low = waiting(risk=(71, "high")), waiting(risk=(8, "low"))
    view = SavedView.objects.create(
        owner=senior, list="withdrawals:queue", slug="worst", label="Worst",
        query="cols=player%2Crisk%2Cwhy&risk=high&sort=-risk&view=high-value",
        shared_with=support.groups.get(),
    )  # fmt: skip
    client = client_for(support)
    assert "Worst" in get(client)
    html = get(client, f"/withdrawals/{view.address}")
    assert set(refs(html)) == {high.ref, low.ref} and 'class="risk' not in html
    assert "Left out of the address: view, risk, sort." in html


def test_further_filters(operator: User, senior: User, client_for: SignIn) -> None:
    player = PlayerFactory(verified=True)
    first = waiting(150, player=player, risk=(71, "high"))
    again = waiting(20, player=player, risk=(8, "low"))
    unverified = waiting(10, player=PlayerFactory(), risk=(30, "medium"))
    fresh = waiting(5, destination=None, risk=(12, "low"))
    Withdrawal.objects.filter(pk=fresh.pk).update(has_new_details=True)
    claims.claim(again, user=senior, now=NOW)
    client = client_for(operator)
    for query, rows in {
        "score_min=30": [first, unverified],
        "score_min=10&score_max=40": [unverified, fresh],
        "first=true": [first, unverified, fresh],
        "first=false": [again],
        "new_details=true": [fresh],
        "owner=others": [again],
        "standing=none": [unverified],
        "level=2": [first, again, fresh],
        "due_on_from=2026-11-22": [first, again, unverified, fresh],
        "due_on_from=2026-11-23": [],
        "reason=identity": [],
    }.items():
        html = get(client, f"/withdrawals/?view=needs-decision&{query}")
        assert refs(html) == [row.ref for row in rows], query


def test_a_named_owner_and_who_may_be_one(operator: User, senior: User, support: User, client_for: SignIn) -> None:
    free, taken = waiting(30), waiting(20)
    claims.claim(taken, user=senior, now=NOW)
    client = client_for(operator)
    html = get(client, f"/withdrawals/?view=needs-decision&owner={senior.pk}")
    assert refs(html) == [taken.ref] and "<b>Marta Keller</b>" in html
    assert f"owner={support.pk}" not in html and f"owner={operator.pk}" not in html
    html = get(client, f"/withdrawals/?view=needs-decision&owner={support.pk}")
    assert refs(html) == [free.ref, taken.ref] and "Left out of the address: owner." in html
    for nobody in ("9" * 5000, "9" * 30, "-1"):
        assert "Left out of the address: owner." in get(client, f"/withdrawals/?owner={nobody}")


def test_a_period_that_a_saved_view_keeps_moves_with_the_days(operator: User, client_for: SignIn) -> None:
    old, new = waiting(3 * 24 * 60), waiting(30)
    client = client_for(operator)
    for period, rows in {"today": [new], "yesterday": [], "7d": [old, new], "30d": [old, new]}.items():
        assert refs(get(client, f"/withdrawals/?view=needs-decision&within={period}")) == [row.ref for row in rows]
    answer = client.post("/withdrawals/?view=needs-decision&within=7d", {"act": "save-as", "label": "This week"})
    with time_machine.travel(NOW + timedelta(days=5), tick=False):
        assert refs(get(client_for(operator), answer["Location"])) == [new.ref]


def test_the_heading_of_the_statuses_leads_to_what_they_mean(operator: User, client_for: SignIn) -> None:
    waiting()
    html = get(client_for(operator), "/withdrawals/?view=all")
    assert '<a class="explained" href="/help/statuses/" hx-boost="false" aria-label="What each status means">' in html


def test_only_currencies_that_occur_are_offered(operator: User, client_for: SignIn) -> None:
    waiting(), waiting(currency="SEK")
    for view in ("needs-decision", "all"):
        html = get(client_for(operator), f"/withdrawals/?view={view}")
        assert set(re.findall(r"currency=([A-Z]{3})", html)) == {"EUR", "SEK"}, view
