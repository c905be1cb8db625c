"""The queue as each role gets it: what is in a view, in which order, how it is counted, what is never sent."""

import re
from base64 import urlsafe_b64decode
from datetime import timedelta
from typing import Any

import pytest

from backoffice.accounts.models import User
from backoffice.roles import ROLES
from providers import routing
from providers.models import ProviderCall
from tests.conftest import NOW
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import make_destination, make_withdrawal
from tests.withdrawals.queue_page import SignIn, ago, get, refs, waiting
from withdrawals.models import PayoutAttempt, Withdrawal
from withdrawals.operations import claims, decisions
from withdrawals.states import Move, State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]


def test_the_most_urgent_stand_first_in_groups_with_their_sums(operator: User, client_for: SignIn) -> None:
    later, soon, late = waiting(10), waiting(70), waiting(171, amount=890_000)
    html = get(client_for(operator))
    assert refs(html) == [late.ref, soon.ref, later.ref]
    groups = re.findall(r'scope="rowgroup"><b>([^<]+)</b> · ([^<]+)<', html)
    assert groups == [("Late", "1 · €8,900.00"), ("Due within 1 hour", "1"), ("Later", "1")]
    assert "<b>3</b> waiting" in html and "oldest <b>2 h 51 min</b>" in html and "1 late" in html


def test_the_player_heads_the_row_and_a_group_heads_its_rows(operator: User, client_for: SignIn) -> None:
    late, soon = waiting(171), waiting(70)
    html = get(client_for(operator))
    assert re.findall(r'<th scope="row"[^>]*><a class="cell" href="/withdrawals/([^/]+)/', html) == [late.ref, soon.ref]
    bodies = re.findall(r"<tbody>(.*?)</tbody>", html.partition('<table class="data')[2], re.S)
    assert [(body.count('scope="rowgroup"'), body.count("<tr data-row")) for body in bodies[:2]] == [(1, 1), (1, 1)]


def test_a_card_holds_name_and_amount_then_due_and_risk_then_the_reason(operator: User, client_for: SignIn) -> None:
    waiting()
    html = get(client_for(operator))
    assert re.search(r'<td[^>]*data-at="meta"[^>]*>.*? left<', html, re.S)
    assert re.findall(r'data-at="(\w+)"', html) == ["meta", "title", "amount", "side", "note"]


def test_sums_never_mix_currencies(operator: User, client_for: SignIn) -> None:
    waiting(amount=100_00)
    waiting(amount=50_00)
    waiting(amount=700_00, currency="BRL")
    html = get(client_for(operator))
    summary = re.search(r'<div class="page-head">.*?<p id="summary">(.*?)</p>', html, re.S)
    assert summary and "€150.00" in summary[1] and "700.00" in summary[1] and "850.00" not in summary[1]


@pytest.mark.parametrize("rows", [1, 3])
def test_a_page_takes_the_same_few_queries_for_any_number_of_rows(
    operator: User, client_for: SignIn, rows: int, django_assert_max_num_queries: Any
) -> None:
    for _ in range(rows):
        waiting()
    client = client_for(operator)
    get(client)
    with django_assert_max_num_queries(12):
        get(client)


def test_each_view_holds_its_own(operator: User, senior: User, client_for: SignIn) -> None:
    plain = waiting(50)
    mine = waiting(40)
    claims.claim(mine, user=operator, now=NOW)
    large = waiting(30, amount=1_200_000)
    player = PlayerFactory(verified=True)
    fresh = waiting(20, player=player, destination=make_destination(player, at=ago(hours=2)))
    second = make_withdrawal(State.SECOND_APPROVAL, now=ago(minutes=10), by=operator)
    held = make_withdrawal(State.ON_HOLD, now=ago(minutes=5), by=operator)
    done = make_withdrawal(State.COMPLETED, now=ago(days=3), by=operator)
    expected = {
        "needs-decision": [plain, mine, large, fresh, second],
        "mine": [mine],
        "on-hold": [held],
        "high-value": [large],
        "new-details": [fresh],
        "decided": [],
        "all": [held, second, fresh, large, mine, plain, done],
    }
    client = client_for(operator)
    assert refs(get(client, "/withdrawals/?view=second-approval")) == refs(get(client))  # not one of hers
    client = client_for(senior)
    for view, rows in expected.items():
        if view != "mine":
            assert refs(get(client, f"/withdrawals/?view={view}")) == [row.ref for row in rows], view
    assert refs(get(client_for(operator), "/withdrawals/?view=mine")) == [mine.ref]


def test_what_was_decided_a_moment_ago_is_under_decided(operator: User, client_for: SignIn) -> None:
    decided, other = waiting(30), waiting(20)
    decisions.decide(decided, Move.APPROVE, actor=operator, now=NOW, version=decided.version, key="k")
    client = client_for(operator)
    assert refs(get(client)) == [other.ref]
    assert refs(get(client, "/withdrawals/?view=decided")) == [decided.ref]


def test_decided_today_says_when_and_by_whom(
    operator: User, senior: User, compliance: User, finance: User, client_for: SignIn
) -> None:
    first, last, frozen = waiting(20), waiting(30), waiting(40)
    for row, actor, minutes in ((first, operator, 9), (last, senior, 2)):
        decisions.decide(
            row, Move.APPROVE, actor=actor, now=ago(minutes=minutes), version=row.version, key=f"k{minutes}"
        )
    decisions.decide(
        frozen, Move.HOLD, actor=compliance, now=NOW, version=frozen.version, key="k", reason="legal",
        facts={"kind": "legal"},
    )  # fmt: skip
    html = get(client_for(operator), "/withdrawals/?view=decided")
    assert refs(html) == [last.ref, first.ref]
    rows = re.findall(r"<tr data-row[^>]*>.*?</tr>", html, re.S)
    assert "</span>Marta<" in rows[0] and ">11:58<" in rows[0]
    assert "</span>You<" in rows[1] and ">11:51<" in rows[1]
    assert "Marta" not in get(client_for(finance), "/withdrawals/?view=decided")
    assert refs(get(client_for(compliance), "/withdrawals/?view=decided")) == [frozen.ref, last.ref, first.ref]
    assert "Left out of the address" in get(client_for(operator), "/withdrawals/?sort=decided")


def test_each_role_gets_its_columns_and_nothing_else(make_staff: Any, client_for: SignIn) -> None:
    player = PlayerFactory(verified=True, name="Elena Marković")
    row = waiting(
        player=player,
        destination=make_destination(player, ending="7731"),
        risk=(71, "high"),
        why=("IBAN shared with 1 player",),
    )
    claims.claim(row, user=make_staff("Fraud", "Priya Nair"), now=NOW)
    texts = {
        "name": "Elena Marković",
        "payout details": "IBAN •••• 7731",
        "reasons": "IBAN shared with 1 player",
        "score": 'class="risk',
        "owner": "Priya",
        "KYC": "Verified, level 2",
    }
    everything = set(texts)
    expected = {
        "Operator": everything,
        "Senior": everything,
        "Fraud": everything,
        "Compliance": everything,
        "Support": {"name", "payout details", "KYC"},
        "Finance": {"payout details"},
        "Administrator": set(),
    }
    for role, fields in expected.items():
        html = get(client_for(make_staff(role, f"{role} Reader")))
        assert {field for field, text in texts.items() if text in html} == fields, role
        assert refs(html) == [row.ref], role
        sorted_by_risk = get(client_for(make_staff(role, f"{role} Reader")), "/withdrawals/?sort=-risk&risk=high")
        assert ("Left out of the address" in sorted_by_risk) == ("score" not in fields), role


def test_a_second_page_follows_after_25_rows(operator: User, client_for: SignIn) -> None:
    rows = [waiting(100 - n) for n in range(27)]
    client = client_for(operator)
    html = get(client)
    assert refs(html) == [row.ref for row in rows[:25]] and "1–25 of 27" in html
    following = re.search(r'href="(\?[^"]*after=[^"]+)"', html)
    assert following
    assert refs(get(client, "/withdrawals/" + following[1].replace("&amp;", "&"))) == [row.ref for row in rows[25:]]


@pytest.mark.parametrize("role", ROLES)
def test_every_view_opens_for_every_role(make_staff: Any, client_for: SignIn, operator: User, role: str) -> None:
    make_withdrawal(State.ON_HOLD, by=operator)
    client = client_for(make_staff(role, "Some Body"))
    bar = client.get("/withdrawals/").context["views"]
    for tab in [*bar.tabs, *bar.more]:
        assert client.get(f"/withdrawals/{tab['url']}").status_code == 200


@pytest.mark.parametrize("role", ["Finance", "Administrator"])
def test_the_address_of_the_next_page_holds_no_name(make_staff: Any, client_for: SignIn, role: str) -> None:
    for n in range(27):
        waiting(player=PlayerFactory(name=f"Secret Name{n:02d}", verified=True))
    page = client_for(make_staff(role)).get("/withdrawals/?sort=player").context["page"]
    cursor = re.search(r"after=([\w%=:-]+)", page.next_url)
    assert cursor
    readable = [cursor[1], *(urlsafe_b64decode(part + "==").decode("latin-1") for part in cursor[1].split(":"))]
    assert not [text for text in readable if "Secret" in text]


def test_a_paused_provider_is_told_only_where_it_matters(operator: User, admin: User, client_for: SignIn) -> None:
    client = client_for(operator)
    routing.pause("volta", actor=admin, reason="Settlement late", now=NOW)
    assert "Volta is paused" not in get(client)
    elsewhere = waiting()
    assert set(elsewhere.routes) > {"volta"} and "Volta is paused" not in get(client)
    alone = waiting(currency="SEK")
    Withdrawal.objects.filter(pk=alone.pk).update(routes=["volta"])
    html = get(client)
    assert "Volta is paused: Settlement late." in html and "1 here would wait" in html
    html = get(client, re.search(r'href="(\?[^"]*held=volta)"', html)[1].replace("?", "/withdrawals/?"))  # type: ignore[index]
    assert refs(html) == [alone.ref] and "Volta is paused: Settlement late." not in html
    assert "Volta is paused" not in get(client, "/withdrawals/?view=all")


def test_only_what_waits_is_marked_as_paused(operator: User, senior: User, admin: User, client_for: SignIn) -> None:
    make_withdrawal(State.COMPLETED, by=operator)
    stays = make_withdrawal(State.APPROVED, by=operator)
    for code in ("northgate", "volta"):
        routing.pause(code, actor=admin, reason="Settlement late", now=NOW)
    client = client_for(senior)

    def marks() -> int:  # the menu says it too
        _menu, _, rows = get(client, "/withdrawals/?view=all").partition("<main")
        return rows.count("<span>paused</span>")

    assert marks() == 0
    Withdrawal.objects.filter(pk=stays.pk).update(wait_reason="paused")
    assert marks() == 1


def test_a_slow_provider_is_told_with_what_it_means_and_marks_what_would_go_there(
    operator: User, support: User, client_for: SignIn
) -> None:
    client, first, elsewhere = client_for(operator), waiting(), waiting()
    Withdrawal.objects.filter(pk=elsewhere.pk).update(routes=["volta", "northgate"])
    for seconds in (240, 240, 240):  # usually
        paid = make_withdrawal(State.COMPLETED, now=ago(hours=5), by=operator)
        PayoutAttempt.objects.filter(withdrawal=paid).update(sent_at=paid.closed_at - timedelta(seconds=seconds))
    sent = make_withdrawal(State.PROCESSING, now=ago(minutes=38), by=operator)
    PayoutAttempt.objects.filter(withdrawal=sent).update(sent_at=ago(minutes=38))
    assert "Northgate Pay is slow" not in get(client)
    for _ in range(3):
        ProviderCall.objects.create(
            provider="northgate", verb="create", outcome="answered", latency_ms=5000, at=ago(minutes=1)
        )
    html = get(client)
    assert "Northgate Pay is slow. Payouts take about 38 min, usually 4 min." in html and "1 here would wait" in html
    _menu, _, rows = html.partition("<main")
    assert rows.count("<span>slow</span>") == 1
    assert refs(get(client, "/withdrawals/?held=northgate")) == [first.ref]
    assert "<span>slow</span>" not in get(client_for(support), "/withdrawals/?view=all").partition("<main")[2]


def test_late_is_what_still_waits_for_a_person(operator: User, support: User, client_for: SignIn) -> None:
    late = waiting(171)
    make_withdrawal(State.COMPLETED, now=NOW - timedelta(hours=9), by=operator)
    assert refs(get(client_for(operator), "/withdrawals/?view=all&due=late")) == [late.ref]
    assert "due=late" in get(client_for(operator), "/withdrawals/?view=all")
    assert "due=late" not in get(client_for(support), "/withdrawals/")


# What an open queue is told ---------------------------------------------------------------------------------------


# A row at a glance, and claiming it ---------------------------------------------------------------------------------


# Columns, filters, and an empty list ---------------------------------------------------------------------


def test_an_empty_queue_says_what_was_done_and_where_to_go_on(
    fraud_analyst: User, operator: User, client_for: SignIn
) -> None:
    decided = waiting()
    decisions.decide(decided, Move.APPROVE, actor=operator, now=NOW, version=decided.version, key="k")
    make_withdrawal(State.ON_HOLD, by=operator)
    html = get(client_for(fraud_analyst))
    assert "Nothing waits for a decision." in html and "1 decided today." in html
    assert '<a href="?view=on-hold">On hold 1</a>' in html
