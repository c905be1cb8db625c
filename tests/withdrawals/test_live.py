"""What an open page asks again and again, and the claim that lasts while it is open."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from backoffice.accounts.models import User
from tests.conftest import NOW
from tests.factories.kyc import VerificationFactory
from tests.factories.withdrawals import make_finding
from tests.withdrawals.screen import QUEUE, SignIn, page, send, undo_time_is_over, waiting
from withdrawals import pulse
from withdrawals.models import Claim, Decision, Limit, Visit, Withdrawal
from withdrawals.operations import claims
from withdrawals.pages.decision import PANEL_OF
from withdrawals.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]

PART = {"HTTP_HX_REQUEST": "true"}


def asked(html: str, what: str) -> str:
    """The address that an open page asks again."""
    found = re.search(rf'id="{what}-now" hx-get="([^"]+)"', html)
    assert found
    return found[1].replace("&amp;", "&")


def claim_act(client: Client, row: Withdrawal, act: str, **data: Any) -> Any:
    return client.post(f"/withdrawals/{row.ref}/presence/", {"do": act, **data})


def test_nothing_new_is_one_statement_besides_the_sign_in(
    operator: User, client_for: SignIn, django_assert_num_queries: Any
) -> None:
    row, client = waiting(), client_for(operator)
    html = page(client, row, QUEUE)
    for what in ("status", "facts"):
        address = asked(html, what)
        with django_assert_num_queries(2 + 1):  # session, person with their rights, and the question itself
            answer = client.get(address, **PART)
        assert (answer.status_code, answer.content) == (204, b""), what


def test_an_open_page_learns_who_decided(operator: User, senior: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    address = asked(page(client, row), "status")
    send(client_for(senior), row, "reject", reason="linked_account")
    answer = client.get(address, **PART).content.decode()
    assert "Marta Keller rejected it: Linked or duplicate account." in answer and "data-blocks" in answer
    assert "See how it stands" in answer


def test_who_is_taken_over_is_told_by_whom_and_why(operator: User, senior: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    address = asked(page(client, row, QUEUE), "status")
    claims.take_over(row, user=senior, now=NOW, reason="Dana went home ill")
    answer = client.get(address, **PART).content.decode()
    assert "Marta Keller took this over: Dana went home ill. What you typed is kept." in answer
    assert "data-blocks" in answer


def test_those_who_look_see_each_other_for_a_minute(operator: User, senior: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    page(client, row, QUEUE)
    claim_act(client_for(senior), row, "stay")
    assert "Also looking: Marta" in page(client, row, QUEUE)
    Visit.objects.update(seen_at=NOW - pulse.SEEN_WITHIN)
    assert "Also looking" not in page(client, row, QUEUE)


def test_support_learns_of_nobody(operator: User, support: User, client_for: SignIn) -> None:
    row = waiting()
    address = asked(page(client_for(support), row), "status")
    claims.claim(row, user=operator, now=NOW)
    assert "Dana" not in client_for(support).get(address, **PART).content.decode()


def test_support_learns_of_no_decision_either(
    operator: User, senior: User, compliance: User, support: User, client_for: SignIn
) -> None:
    row, client = waiting(), client_for(support)
    shown = asked(page(client, row), "status")
    crafted = f"/withdrawals/{row.ref}/fragments/status/?v=x&at={State.UNDER_REVIEW}&mine=1&due=1&waits="

    def nothing_is_told() -> None:
        assert client.get(shown, **PART).status_code == 204
        for decision in ("", "0", "7"):
            answer = client.get(crafted + decision, **PART).content.decode()
            assert 'role="alert"></div>' in answer and "notice tone" not in answer and 'class="badge' not in answer
        assert asked(page(client, row), "status") == shown

    claims.claim(row, user=operator, now=NOW)
    nothing_is_told()
    claims.take_over(row, user=senior, now=NOW, reason="She may know the player")
    nothing_is_told()
    send(client_for(compliance), row, "hold", reason="legal")
    nothing_is_told()
    undo_time_is_over()
    nothing_is_told()
    senior_sees = asked(page(client_for(senior), row), "status")
    assert senior_sees != shown and f"at={Withdrawal.objects.get().version}" in senior_sees


def test_an_open_page_keeps_its_claim_and_leaving_gives_it_back(operator: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    page(client, row, QUEUE)
    first, held_by = Claim.objects.get().until, Claim.objects.get().page
    Claim.objects.update(until=first - timedelta(minutes=10))
    assert claim_act(client, row, "stay").json()["until"]
    assert Claim.objects.get().until == first
    page(client, row, QUEUE)
    claim_act(client, row, "leave", page=held_by)
    assert Claim.objects.exists(), "a page that was opened later holds it"
    claim_act(client, row, "leave", page=Claim.objects.get().page)
    claim_act(client, row, "stay")
    assert not Claim.objects.exists(), "what was sent before leaving must not bring it back"
    assert claim_act(client, row, "leave").status_code == 204
    assert claim_act(client, row, "dance").status_code == 400


def test_a_claim_is_handed_over_to_who_asked(operator: User, senior: User, client_for: SignIn) -> None:
    row, mine, theirs = waiting(), client_for(operator), client_for(senior)
    address = asked(page(mine, row, QUEUE), "status")
    assert "Ask to hand over" in page(theirs, row)
    waits = asked(page(theirs, row), "status")
    assert claim_act(mine, row, "hand-over").status_code == 409, "nobody asked yet"
    assert claim_act(theirs, row, "ask").status_code == 302
    told = mine.get(address, **PART).content.decode()
    assert "Marta Keller asks you to hand this over." in told and "Hand over" in told
    to = re.search(r'name="to" value="(\d+)"', told)
    assert to
    assert claim_act(mine, row, "hand-over", to=to[1]).status_code == 302
    assert Claim.objects.get().owner == senior
    assert "It is yours now." in theirs.get(waits, **PART).content.decode()


def test_a_claim_goes_to_whom_the_page_names_and_who_can_decide(
    operator: User, senior: User, make_staff: Any, client_for: SignIn
) -> None:
    row, mine, another = waiting(), client_for(operator), make_staff("Operator", "Jo Lund")
    page(mine, row, QUEUE)
    claim_act(client_for(senior), row, "ask")
    claim_act(client_for(another), row, "ask")
    assert "By now Jo Lund asks for it." in claim_act(mine, row, "hand-over", to=senior.pk).content.decode()
    User.objects.filter(pk=another.pk).update(is_active=False)
    assert "Jo Lund can no longer decide it." in claim_act(mine, row, "hand-over", to=another.pk).content.decode()
    assert Claim.objects.get().owner == operator


def test_who_cannot_decide_cannot_ask(operator: User, finance: User, client_for: SignIn) -> None:
    row = waiting()
    claims.claim(row, user=operator, now=NOW)
    assert claim_act(client_for(finance), row, "ask").status_code == 403


def test_what_a_colleague_gives_back_is_offered(operator: User, senior: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    claims.claim(row, user=senior, now=NOW)
    address = asked(page(client, row, QUEUE), "status")
    assert "theirs=1" in address and "acts=1" not in address
    claims.let_go(row, user=senior)
    answer = client.get(address, **PART).content.decode()
    assert "It is free now: nobody is deciding it." in answer and "data-blocks" not in answer
    take = re.search(r'<form method="post" action="(/withdrawals/[^"]*/claim/[^"]*)"', answer)
    assert take and "Take it" in answer
    taken = client.post(take[1].replace("&amp;", "&"))
    assert taken.headers["Location"] == f"/withdrawals/{row.ref}/{QUEUE}" and Claim.objects.get().owner == operator
    assert "It is yours now." in client.get(address, **PART).content.decode()


def test_what_one_cannot_decide_is_offered_to_nobody(
    operator: User, fraud_analyst: User, compliance: User, client_for: SignIn
) -> None:
    row = waiting()
    claims.claim(row, user=operator, now=NOW)
    addresses = [(client_for(one), asked(page(client_for(one), row), "status")) for one in (fraud_analyst, compliance)]
    claims.let_go(row, user=operator)
    for client, address in addresses:
        answer = client.get(address, **PART).content.decode()
        assert "It is free now" in answer and "Take it" not in answer


def test_one_s_own_claim_that_ended_can_be_taken_again(operator: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    address = asked(page(client, row, QUEUE), "status")
    claims.let_go(row, user=operator)
    answer = client.get(address, **PART).content.decode()
    assert "Your claim ended." in answer and "Take it" in answer and "data-blocks" not in answer


def test_a_page_that_nobody_had_says_who_took_it(
    operator: User, senior: User, compliance: User, client_for: SignIn
) -> None:
    row, client = waiting(), client_for(operator)
    looking, stopping = asked(page(client, row), "status"), asked(page(client_for(compliance), row), "status")
    claims.claim(row, user=senior, now=NOW)
    answer = client.get(looking, **PART).content.decode()
    assert "Marta Keller is deciding this now. What you typed is kept." in answer and "data-blocks" in answer
    # Who is bound by no claim goes on.
    assert "data-blocks" not in client_for(compliance).get(stopping, **PART).content.decode()


def test_another_tab_says_that_what_was_begun_there_was_not_applied(
    operator: User, support: User, client_for: SignIn
) -> None:
    row, client = waiting(), client_for(operator)
    begun, read = asked(page(client, row, QUEUE), "status"), asked(page(client_for(support), row), "status")
    send(client, row, "reject", QUEUE, reason="linked_account")
    answer = client.get(begun, **PART).content.decode()
    assert "You rejected it: Linked or duplicate account. What you had begun here was not applied." in answer
    undo_time_is_over()
    assert "What you had begun here was not applied." in client.get(begun, **PART).content.decode()
    assert "begun here" not in client_for(support).get(read, **PART).content.decode()


# Facts -------------------------------------------------------------------------------------------------


def test_changed_facts_are_marked_and_the_bar_is_new(operator: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    address = asked(page(client, row, QUEUE), "facts")
    Limit.objects.create(scope="player", period="day", cap_amount=1, effect="review")
    answer = client.get(address, **PART).content.decode()
    assert re.search(r'class="panel fill is-changed" id="part-limits" hx-swap-oob="true"', answer)
    assert "changed just now" in answer and 'id="bar-box"' in answer and 'id="part-player"' not in answer


def test_every_fact_that_changes_is_shown(operator: User, client_for: SignIn) -> None:
    row = waiting()
    facts = pulse.facts_of(row.ref, now=NOW)
    assert facts.keys() == PANEL_OF.keys()
    for name, panel in PANEL_OF.items():
        seen = pulse.write({**facts, name: "before"})
        answer = client_for(operator).get(f"/withdrawals/{row.ref}/fragments/facts/?v={seen}", **PART)
        assert f'id="part-{panel}" hx-swap-oob="true"' in answer.content.decode(), name


def test_a_new_finding_is_shown_to_who_is_asked_to_look_again(senior: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(senior)
    seen = pulse.write(pulse.facts_of(row.ref, now=NOW))
    make_finding(row, "paid_after_release", words="Northgate says that it paid this.")
    data = {"version": row.version, "token": "t1", "facts": seen}
    refused = client.post(f"/withdrawals/{row.ref}/approve/", data, **PART)
    assert refused.status_code == 409
    assert "One thing changed while you looked: what a provider says." in refused.content.decode()
    assert "Northgate says that it paid this." in refused.content.decode()


def test_who_decides_nothing_gets_no_panel_by_a_made_up_question(
    support: User, finance: User, client_for: SignIn
) -> None:
    row = waiting(risk=(71, "high"), is_flagged=True)
    for person in (support, finance):
        answer = client_for(person).get(f"/withdrawals/{row.ref}/fragments/facts/?v=why-x.limits-y", **PART)
        assert (answer.status_code, answer.content) == (204, b"")


def test_what_changed_while_one_looked_must_be_decided_again(operator: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    seen = pulse.write(pulse.facts_of(row.ref, now=NOW))
    Limit.objects.create(scope="player", period="day", cap_amount=50_000_000, effect="review")
    VerificationFactory(player=row.player, kind="address", decided_at=NOW)
    words = "Two things changed while you looked: the player’s standing and the player’s limits."
    plain = send(client, row, "approve", facts=seen)
    assert plain.status_code == 409 and words in plain.content.decode()
    data = {"version": row.version, "token": "t1", "facts": seen}
    part = client.post(f"/withdrawals/{row.ref}/approve/", data, **PART)
    html = part.content.decode()
    assert part.status_code == 409 and words in html and "data-blocks" not in html
    assert part.headers["HX-Retarget"] == "#facts-now" and 'id="part-limits"' in html
    assert not Decision.objects.exists()
    fresh = re.search(r'id="facts-seen" value="([^"]+)"', html)
    assert fresh
    again = client.post(f"/withdrawals/{row.ref}/approve/", {**data, "facts": fresh[1]}, **PART)
    assert again.headers["HX-Redirect"] == f"/withdrawals/{row.ref}/"
    assert Decision.objects.get().move == "approve"


def test_a_player_who_plays_on_stops_nobody(operator: User, client_for: SignIn) -> None:
    assert "money" not in pulse.DECISIVE and "house" not in pulse.DECISIVE


# Parts ---------------------------------------------------------------------------------------------------


def test_a_sheet_that_is_sent_back_keeps_what_was_typed(operator: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    data = {"version": row.version, "token": "t", "note": "My careful words"}
    answer = client.post(f"/withdrawals/{row.ref}/reject/", data, **PART)
    html = answer.content.decode()
    assert answer.status_code == 422 and answer.headers["HX-Retarget"] == "#sheet-reject"
    assert "Choose a reason." in html and "My careful words" in html and "<html" not in html
    assert "disabled hidden" not in html


def test_who_is_too_late_is_told_in_the_bar(operator: User, senior: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    send(client_for(senior), row, "reject", reason="linked_account")
    data = {"version": row.version, "token": "t", "reason": "terms_not_met"}
    answer = client.post(f"/withdrawals/{row.ref}/reject/", data, **PART)
    assert answer.status_code == 409 and answer.headers["HX-Retarget"] == "#bar-notice"
    assert escape("Marta Keller rejected it: Linked or duplicate account.") in answer.content.decode()
