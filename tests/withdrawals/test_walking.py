"""From one withdrawal to the next in the very list that somebody came from: its filters, its order, its rows."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from backoffice.accounts.models import User
from backoffice.ui import saved
from tests.conftest import NOW
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import make_withdrawal
from tests.withdrawals.queue_page import refs
from tests.withdrawals.screen import SignIn, page, send, undo_time_is_over, waiting
from withdrawals.models import Claim, Withdrawal
from withdrawals.operations import claims
from withdrawals.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]

NEXT = "/withdrawals/next/"


def held(operator: User, *, reason: str = "waiting_document", days: int = 1, **fields: Any) -> Withdrawal:
    """A withdrawal on hold until so many days from now."""
    row = make_withdrawal(State.ON_HOLD, by=operator, now=NOW - timedelta(hours=3), **fields)
    Withdrawal.objects.filter(pk=row.pk).update(wake_at=NOW + timedelta(days=days), reason=reason)
    return Withdrawal.objects.get(pk=row.pk)


def keys(html: str) -> dict[str, str]:
    """Where J and K of a page lead."""
    found = re.findall(r'<a href="([^"]*)"[^>]*data-key="([jk])"', html)
    return {key: address for address, key in found}


def walk(client: Client, row: Withdrawal, view: str, key: str = "j") -> str:
    """Where one key leads from a page of a view."""
    answer = client.get(keys(page(client, row, view))[key])
    assert answer.status_code == 303
    return answer.headers["Location"]


def sorted_rows() -> tuple[Withdrawal, Withdrawal, Withdrawal]:
    """Three that wait, in the order of their amounts, which is not that of their urgency."""
    large, middle, small = waiting(amount=900_000), waiting(amount=600_000), waiting(amount=18_000)
    for row, hours in ((large, 3), (middle, 1), (small, 2)):
        Withdrawal.objects.filter(pk=row.pk).update(due_at=NOW + timedelta(hours=hours))
    return large, middle, small


def test_the_rows_of_a_list_lead_to_pages_that_know_all_of_it(operator: User, client_for: SignIn) -> None:
    large, *_others = sorted_rows()
    client = client_for(operator)
    html = client.get("/withdrawals/?sort=-amount&amount_min=100&due=in_time&q=&after=nonsense&zzz=1").text
    view = "amount_min=100&amp;due=in_time&amp;sort=-amount&amp;view=needs-decision"
    assert f'href="/withdrawals/{large.ref}/?{view}"' in html
    assert f'href="{NEXT}?{view}"' in html  # start deciding


def test_next_previous_and_place_follow_the_order_of_the_list(operator: User, client_for: SignIn) -> None:
    large, middle, small = sorted_rows()
    client, view = client_for(operator), "?sort=-amount&view=needs-decision"
    assert "2 of 3" in page(client, middle, view)
    assert walk(client, middle, view) == f"/withdrawals/{small.ref}/{view}"
    assert walk(client, middle, view, "k") == f"/withdrawals/{large.ref}/{view}"
    assert walk(client, small, view) == f"/withdrawals/{large.ref}/{view}"  # behind the last one the first
    assert walk(client, large, view, "k") == f"/withdrawals/{small.ref}/{view}"
    assert "3 of 3" in page(client, large, "?view=needs-decision")
    assert walk(client, middle, "?view=needs-decision") == f"/withdrawals/{small.ref}/?view=needs-decision"


def test_a_filter_keeps_those_out_that_it_keeps_out_of_the_list(operator: User, client_for: SignIn) -> None:
    large, middle, small = sorted_rows()
    client, view = client_for(operator), "?amount_min=1000&view=needs-decision"
    html = page(client, middle, view)
    assert "1 of 2" in html and f'Next: <b class="num">€9,000.00</b> · <b>{large.player.name}</b>' in html
    assert walk(client, middle, view) == f"/withdrawals/{large.ref}/{view}"
    assert walk(client, large, view) == f"/withdrawals/{middle.ref}/{view}"
    sent = send(client, large, "approve", view, open_next="1")
    assert sent.headers["Location"] == f"{NEXT}{view}&decided={large.ref}"
    assert client.get(sent.headers["Location"]).headers["Location"] == f"/withdrawals/{middle.ref}/{view}"
    sent = send(client, middle, "approve", view, open_next="1")
    assert "Queue is clear" in client.get(sent.headers["Location"]).text
    assert not Claim.objects.filter(withdrawal=small).exists()


def test_a_saved_view_is_named_and_led_back_to(operator: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    view = saved.save_as(
        user=operator,
        list_name="withdrawals:queue",
        label="Late ones",
        query="cols=player%2Camount&view=needs-decision",
    )
    html = client.get(f"/withdrawals/{view.address}").text
    address = re.search(rf'href="(/withdrawals/{row.ref}/\?[^"]*)"', html)
    assert address
    html = client.get(address[1].replace("&amp;", "&")).text
    back = re.search(r'<div class="crumb"><a href="([^"]*)">.*?</svg>([^<]*)</a>', html)
    assert back and back[2] == "Late ones"
    there = client.get(back[1].replace("&amp;", "&"))
    assert there.context["views"].open == view and not there.context["views"].edited and refs(there.text) == [row.ref]


def test_a_decision_keeps_the_list_wherever_it_leads(operator: User, senior: User, client_for: SignIn) -> None:
    row, other = waiting(amount=600_000), waiting(amount=900_000)
    client, view = client_for(operator), "?amount_min=1000&sort=-amount&view=needs-decision"
    escaped = view.replace("&", "&amp;")
    html = client.get(f"/withdrawals/{row.ref}/{view}").text
    for act in ("approve", "reject", "note"):
        assert f"/withdrawals/{row.ref}/{act}/{escaped}" in html, act
    part = client.get(f"/withdrawals/{row.ref}/fragments/status/{view}&v=x&at={row.version}&waits=0").text
    assert f"&amp;{escaped.removeprefix('?')}" in part
    claims.take_over(row, user=senior, now=NOW, reason="It cannot wait any longer")
    refused = send(client, row, "reject", view, reason="terms_not_met")
    assert refused.status_code == 409
    back = re.search(r'href="/withdrawals/\?([^"]*)"[^>]*>Back to the list', refused.text)
    assert back and sorted(back[1].split("&amp;")) == sorted(view.removeprefix("?").split("&"))
    assert f'href="{NEXT}{escaped}&amp;decided={row.ref}"' in refused.text
    asked = client.get(f"/withdrawals/{other.ref}/reject/{view}").text
    assert f'href="/withdrawals/{other.ref}/{escaped}"' in asked


def test_what_makes_no_sense_is_left_out(operator: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    for view in (
        "?view=needs-decision&amount_min=abc&sort=-&saved=no&cols=zzz&density=9",
        "?view=needs-decision&sort=decided&owner=99999999999999999999&requested_from=31-31-31&country=abc",
        "?view=needs-decision&view=needs-decision&due=&state=nonsense&level=7&q=elena",
    ):
        html = client.get(f"/withdrawals/{row.ref}/{view}")
        assert html.status_code == 200
        assert keys(html.text)["j"].startswith(f"{NEXT}?view=needs-decision&amp;after="), view
        for step in ("after", "before", "decided"):
            for ref in (row.ref, "WD-0000-0000", ""):
                assert client.get(f"{NEXT}{view}&{step}={ref}").status_code in (200, 303)
    assert keys(page(client, row, "?view=zzz")) == {}


def test_what_was_typed_to_search_stays_behind(operator: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    html = client.get(f"/withdrawals/?view=needs-decision&q={row.ref}").text
    assert f'href="/withdrawals/{row.ref}/?view=needs-decision"' in html
    assert "q=" not in "".join(keys(page(client, row, f"?view=needs-decision&q={row.ref}")).values())


@pytest.mark.parametrize(("sort", "places"), [("wake", [1, 2, 3]), ("-wake", [2, 1, 3]), ("player", [3, 1, 2])])
def test_rows_without_a_value_have_their_place_too(
    sort: str, places: list[int], operator: User, client_for: SignIn
) -> None:
    rows = [
        held(operator, days=days, player=PlayerFactory(verified=True, name=name))
        for days, name in ((1, "Zora"), (2, "Ada"), (3, "Mia"))
    ]
    Withdrawal.objects.filter(pk=rows[2].pk).update(wake_at=None)
    client, view = client_for(operator), f"?sort={sort}&view=on-hold"
    order = [row for _place, row in sorted(zip(places, rows, strict=True), key=lambda one: one[0])]
    assert refs(client.get(f"/withdrawals/{view}").text) == [row.ref for row in order]
    for at, row in enumerate(order):
        assert f"{at + 1} of 3" in page(client, row, view)
        assert walk(client, row, view).startswith(f"/withdrawals/{order[(at + 1) % 3].ref}/")
        assert walk(client, row, view, "k").startswith(f"/withdrawals/{order[at - 1].ref}/")


def test_a_list_ordered_by_what_was_looked_up_is_walked_too(operator: User, client_for: SignIn) -> None:
    first, second = waiting(), waiting()
    client = client_for(operator)
    send(client, first, "reject", reason="linked_account")
    send(client, second, "reject", reason="linked_account")
    undo_time_is_over()
    view = "?view=decided"
    shown = refs(client.get(f"/withdrawals/{view}").text)
    rows = {row.ref: row for row in (first, second)}
    assert "1 of 2" in page(client, rows[shown[0]], view)
    assert walk(client, rows[shown[0]], view) == f"/withdrawals/{shown[1]}/{view}"


# Who goes on, and where ------------------------------------------------------------------------------------------


def test_after_releasing_one_hold_comes_the_next(operator: User, client_for: SignIn) -> None:
    first, second, third = (held(operator, days=days) for days in (1, 2, 3))
    client, view = client_for(operator), "?view=on-hold"
    html = page(client, second, view)
    assert "2 of 3" in html and f"<b>{third.player.name}</b>" in html and "Open next" in html
    assert walk(client, second, view) == f"/withdrawals/{third.ref}/{view}"
    assert f'Next: <b class="num">€180.00</b> · <b>{first.player.name}</b>' in page(client, third, view)
    sent = send(client, second, "release", view, reason="answer_received", open_next="1")
    assert client.get(sent.headers["Location"]).headers["Location"] == f"/withdrawals/{third.ref}/{view}"
    sent = send(client, third, "release", view, reason="answer_received", open_next="1")
    assert client.get(sent.headers["Location"]).headers["Location"] == f"/withdrawals/{first.ref}/{view}"
    sent = send(client, first, "release", view, reason="answer_received", open_next="1")
    assert "Queue is clear" in client.get(sent.headers["Location"]).text
    assert not Claim.objects.exists()


def test_compliance_answers_one_after_the_other(operator: User, compliance: User, client_for: SignIn) -> None:
    first, second = (held(operator, reason="ask_compliance", days=days) for days in (1, 2))
    held(operator, days=3)
    client, view = client_for(compliance), "?view=asked"
    assert "1 of 2" in page(client, first, view) and "Open next" in page(client, first, view)
    sent = send(client, first, "release", view, reason="answered", note="They may be paid.", open_next="1")
    assert client.get(sent.headers["Location"]).headers["Location"] == f"/withdrawals/{second.ref}/{view}"


def test_nobody_is_led_to_a_hold_that_is_not_theirs_to_end(
    operator: User, compliance: User, client_for: SignIn
) -> None:
    frozen = held(compliance, reason="legal", hold_kind="legal")
    assert "Queue is clear" in client_for(operator).get(f"{NEXT}?view=on-hold").text
    assert (
        client_for(compliance).get(f"{NEXT}?view=on-hold").headers["Location"].startswith(f"/withdrawals/{frozen.ref}/")
    )


def test_from_what_a_colleague_has_one_moves_on_as_well(operator: User, senior: User, client_for: SignIn) -> None:
    taken, also, free = (waiting() for _ in range(3))
    for row in (taken, also):
        claims.claim(row, user=senior, now=NOW)
    client, view = client_for(operator), "?view=needs-decision"
    assert "1 of 3" in page(client, taken, view)
    assert walk(client, taken, view) == f"/withdrawals/{free.ref}/{view}"
    claims.claim(free, user=senior, now=NOW)
    stays = client.get(f"{NEXT}{view}&after={taken.ref}", follow=True)
    assert stays.redirect_chain[-1][0] == f"/withdrawals/{taken.ref}/{view}"
    assert "There is no other row for you in this list now." in stays.text


def test_who_only_reads_walks_through_every_row(operator: User, support: User, client_for: SignIn) -> None:
    older, newer = waiting(), make_withdrawal(State.COMPLETED, by=operator, now=NOW - timedelta(minutes=5))
    claims.claim(older, user=operator, now=NOW)
    client = client_for(support)
    assert walk(client, newer, "?view=all") == f"/withdrawals/{older.ref}/?view=all"
    assert walk(client, older, "?view=all") == f"/withdrawals/{newer.ref}/?view=all"
    assert client.get(f"{NEXT}?view=all").status_code == 403


@pytest.mark.parametrize("asked", ["", "view=needs-decision&", "view=on-hold&", "view=all&state=on_hold&"])
def test_who_may_not_know_what_waits_is_not_led_along_it(
    operator: User, support: User, client_for: SignIn, asked: str
) -> None:
    """To support a hold reads as a review: a walk along what waits would tell which of them is one."""
    hold, first, second = held(operator), waiting(), waiting()
    client, rows = client_for(support), {hold.ref, first.ref, second.ref}
    for way in ("after", "before"):
        led_to = {client.get(f"{NEXT}?{asked}{way}={ref}").headers["Location"].split("/")[2] for ref in rows}
        assert led_to == rows, asked  # each from another one, or none from anywhere


def test_the_list_of_second_approvals_is_kept_with_its_order(operator: User, senior: User, client_for: SignIn) -> None:
    small, large = (make_withdrawal(State.SECOND_APPROVAL, by=operator, amount=n) for n in (1_200_000, 1_900_000))
    client = client_for(senior)
    html = client.get("/withdrawals/second-approval/?sort=-amount").text
    view = "?sort=-amount&view=second-approval"
    assert f'href="/withdrawals/{large.ref}/{view.replace("&", "&amp;")}"' in html
    html = page(client, large, view)
    assert "1 of 2" in html and 'href="/withdrawals/second-approval/?sort=-amount"' in html
    assert walk(client, large, view) == f"/withdrawals/{small.ref}/{view}"


def test_the_page_says_that_it_is_the_next_one_and_where_it_stands(operator: User, client_for: SignIn) -> None:
    first, second = waiting(), waiting(amount=64_000)
    client, view = client_for(operator), "?view=needs-decision"
    words = f"Next: €640.00, {second.player.name}, 2 of 2"
    plain = page(client, second, view)
    assert "Next: €640" not in plain and "data-next" not in plain
    for referer in (f"http://testserver/withdrawals/{first.ref}/{view}", f"/withdrawals/{first.ref}/approve/"):
        html = client.get(f"/withdrawals/{second.ref}/{view}", headers={"Referer": referer}).text
        assert f"<title>{words} · {second.ref}" in html and f'data-next="{words}"' in html
    for referer in (f"/withdrawals/{second.ref}/", "/withdrawals/?view=needs-decision", "https://[bad"):
        answer = client.get(f"/withdrawals/{second.ref}/{view}", headers={"Referer": referer})
        assert "data-next" not in answer.text, referer


def test_a_filtered_list_costs_the_page_nothing_and_a_saved_view_one_statement(
    operator: User, client_for: SignIn, django_assert_num_queries: Any
) -> None:
    row, _other, client = waiting(amount=600_000), waiting(amount=900_000), client_for(operator)
    view = "?amount_min=1000&sort=-amount&view=needs-decision"
    kept = saved.save_as(user=operator, list_name="withdrawals:queue", label="Mine", query=view.removeprefix("?"))
    page(client, row, view)
    with django_assert_num_queries(20):
        page(client, row, view)
    with django_assert_num_queries(21):
        page(client, row, f"{view}&saved={kept.slug}")


def flying(minutes: int, state: State, by: User, **facts: Any) -> Withdrawal:
    return make_withdrawal(state, now=NOW - timedelta(minutes=minutes), by=by, **facts)


def test_what_is_in_flight_is_walked_along_from_page_to_page(operator: User, finance: User, client_for: SignIn) -> None:
    lost, late = flying(30, State.OUTCOME_UNKNOWN, operator), flying(20, State.PROCESSING, operator)
    last = flying(10, State.OUTCOME_UNKNOWN, operator, amount=900_000)
    view, client = "?view=in-flight.with-providers", client_for(finance)
    html = client.get("/in-flight/").text
    assert f'href="/in-flight/unknown/{lost.ref}/{view}"' in html
    assert f'href="/withdrawals/{late.ref}/{view}"' in html
    html = client.get(f"/in-flight/unknown/{lost.ref}/{view}").text
    assert "1 of 3" in html and 'href="/in-flight/?view=with-providers"' in html
    assert client.get(unescape(keys(html)["j"])).headers["Location"] == f"/withdrawals/{late.ref}/{view}"
    html = client.get(f"/withdrawals/{late.ref}/{view}").text
    assert "2 of 3" in html and 'href="/in-flight/?view=with-providers"' in html
    assert client.get(unescape(keys(html)["j"])).headers["Location"] == f"/in-flight/unknown/{last.ref}/{view}"
    assert client.get(unescape(keys(html)["k"])).headers["Location"] == f"/in-flight/unknown/{lost.ref}/{view}"
    html = client.get(f"/in-flight/unknown/{last.ref}/?amount_min=1000&view=in-flight.unknown").text
    assert "1 of 1" in html and 'href="/in-flight/?view=unknown&amp;amount_min=1000"' in html
    assert keys(client.get(f"/in-flight/unknown/{lost.ref}/").text) == {}
    asked = client.post(f"/in-flight/unknown/{lost.ref}/{view}")
    assert asked.headers["Location"] == f"/in-flight/unknown/{lost.ref}/{view}"


def test_whoever_settles_one_in_flight_comes_back_to_it(operator: User, senior: User, client_for: SignIn) -> None:
    """Nobody works through that list, so there is no next one to open."""
    row, client, view = flying(30, State.OUTCOME_UNKNOWN, operator), client_for(senior), "?view=in-flight.unknown"
    html = client.get(f"/withdrawals/{row.ref}/{view}").text
    assert f"/withdrawals/{row.ref}/complete/{view}" in html and 'name="open_next"' not in html
    form = client.get(f"/withdrawals/{row.ref}/complete/{view}").text
    assert 'name="open_next" id' in form and f'href="/in-flight/unknown/{row.ref}/{view}"' in form


@pytest.mark.parametrize("view", ["in-flight.unknown", "flagged.open", "flagged"])
def test_a_list_that_somebody_may_not_open_is_not_walked(view: str, support: User, client_for: SignIn) -> None:
    row, client = waiting(is_flagged=True), client_for(support)
    assert keys(page(client, row, f"?view={view}")) == {}
