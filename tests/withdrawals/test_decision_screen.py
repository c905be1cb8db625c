"""Deciding through the pages, as people and as crafted requests: claims, answers, undo, conflicts, masking."""

import logging
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from backoffice.money import Money
from ledger import operations as ledger
from providers import routing
from providers.registry import BY_CODE
from tests.conftest import NOW
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import fund, make_destination, make_withdrawal
from withdrawals.models import Claim, Decision, Limit, Note, PayoutAttempt, Withdrawal
from withdrawals.operations import claims, decisions, notes
from withdrawals.states import Move, State

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]
QUEUE = "?view=needs-decision"


@pytest.fixture(autouse=True)
def _at_noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def waiting(**fields: Any) -> Withdrawal:
    """A withdrawal that was requested half an hour ago and waits for a person."""
    return make_withdrawal(State.UNDER_REVIEW, now=NOW - timedelta(minutes=30), **fields)


def page(client: Client, withdrawal: Withdrawal, view: str = "") -> str:
    response = client.get(f"/withdrawals/{withdrawal.ref}/{view}")
    assert response.status_code == 200, response.content[:500]
    return unescape(response.content.decode())


def buttons(html: str) -> list[str]:
    """The labels of the decision bar, in order."""
    bar = re.search(r"data-idle>(.*?)<span class=\"next\">", html, re.S)
    if bar is None:
        return []
    inside = re.findall(r'<(?:a|button)[^>]*class="btn[^>]*>(.*?)</(?:a|button)>', bar[1], re.S)
    return [re.sub(r"<svg.*?</svg>|<kbd.*?</kbd>|\s+$", "", label, flags=re.S).strip() for label in inside]


def send(client: Client, withdrawal: Withdrawal, move: str, view: str = "", **data: Any) -> Any:
    """Post a decision as the page would: with the version that it showed and a new key."""
    fields = {"version": withdrawal.version, "token": uuid.uuid4().hex} | data
    return client.post(f"/withdrawals/{withdrawal.ref}/{move}/{view}", fields)


def undo_time_is_over() -> None:
    decisions.apply_due_decisions(now=NOW + settings.UNDO_TIME)


def state_of(withdrawal: Withdrawal) -> State:
    return State(Withdrawal.objects.get(pk=withdrawal.pk).state)


# Claims -----------------------------------------------------------------------------------------------


def test_opening_from_the_queue_claims_and_a_look_up_never_does(operator: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    page(client, row)
    assert not Claim.objects.exists()
    assert "Yours for 15 min" in page(client, row, QUEUE)
    assert Claim.objects.get().owner == operator


def test_whoever_cannot_decide_claims_nothing(make_staff: Any, client_for: SignIn) -> None:
    row = waiting()
    for role in ("Support", "Finance", "Compliance", "Administrator"):
        page(client_for(make_staff(role)), row, QUEUE)
    assert not Claim.objects.exists()


def test_who_decides_is_shown_to_others_without_buttons(operator: User, senior: User, client_for: SignIn) -> None:
    row = waiting()
    claims.claim(row, user=operator, now=NOW)
    html = page(client_for(senior), row, QUEUE)
    assert "Dana Kovac is deciding this, since" in html and "Take over…" in html
    assert buttons(html) == ["Note"]
    assert Claim.objects.get().owner == operator


def test_taking_over_wants_the_right_and_a_reason(
    operator: User, senior: User, make_staff: Any, client_for: SignIn
) -> None:
    row, address = waiting(), "take-over/?view=needs-decision"
    claims.claim(row, user=operator, now=NOW)
    other = make_staff("Operator", "Jo Lund")
    assert client_for(other).post(f"/withdrawals/{row.ref}/{address}", {"reason": "I want it"}).status_code == 403
    client = client_for(senior)
    refused = client.post(f"/withdrawals/{row.ref}/{address}", {"reason": ""})
    assert refused.status_code == 422 and "Say why." in refused.content.decode()
    taken = client.post(f"/withdrawals/{row.ref}/{address}", {"reason": "Dana went home ill"})
    assert taken.status_code == 302
    assert Claim.objects.get().owner == senior
    assert AuditEntry.objects.get(action="take_over").reason == "Dana went home ill"


def test_opening_claims_only_what_one_can_decide_now(
    operator: User, senior: User, fraud_analyst: User, client_for: SignIn
) -> None:
    risky = waiting(risk=(71, "high"), is_flagged=True)
    own = make_withdrawal(State.SECOND_APPROVAL, by=senior)
    page(client_for(operator), risky, QUEUE)
    page(client_for(senior), own, QUEUE)
    assert not Claim.objects.exists()
    page(client_for(fraud_analyst), risky, QUEUE)
    assert Claim.objects.get().owner == fraud_analyst


def test_an_analyst_takes_over_from_one_who_cannot_decide(
    operator: User, fraud_analyst: User, make_staff: Any, client_for: SignIn
) -> None:
    risky, plain, address = waiting(risk=(71, "high")), waiting(), f"take-over/{QUEUE}"
    for row in (risky, plain):
        claims.claim(row, user=operator, now=NOW)
    client = client_for(fraud_analyst)
    assert "Take over…" in page(client, risky) and "Take over…" not in page(client, plain)
    assert client.post(f"/withdrawals/{plain.ref}/{address}", {"reason": "I want it"}).status_code == 403
    assert (
        client.post(f"/withdrawals/{risky.ref}/{address}", {"reason": "High risk, an analyst decides"}).status_code
        == 302
    )
    assert Claim.objects.get(withdrawal=risky).owner == fraud_analyst
    colleague = client_for(make_staff("Fraud", "Ravi Menon"))
    assert (
        colleague.post(f"/withdrawals/{risky.ref}/{address}", {"reason": "I would rather decide it"}).status_code == 403
    )


def test_an_expired_claim_is_free(operator: User, senior: User, client_for: SignIn) -> None:
    row = waiting()
    claims.claim(row, user=operator, now=NOW - timedelta(hours=1))
    assert "Yours for 15 min" in page(client_for(senior), row, QUEUE)


# Deciding -------------------------------------------------------------------------------------------------


def test_approve_next_undo(operator: User, client_for: SignIn) -> None:
    first, second = waiting(), waiting(amount=64_000)
    client = client_for(operator)
    page(client, first, QUEUE)
    answer = send(client, first, "approve", QUEUE, open_next="1")
    assert answer.headers["Location"] == "/withdrawals/next/?view=needs-decision"
    following = client.get(answer.headers["Location"], follow=True)
    html = unescape(following.content.decode())
    assert second.ref in html and f"Approved €180.00 for {first.player.name}" in html
    decision = Decision.objects.get()
    assert (decision.status, state_of(first)) == (Decision.Status.WAITING, State.UNDER_REVIEW)
    taken_back = client.post(f"/withdrawals/decisions/{decision.pk}/undo/")
    assert taken_back.status_code == 302
    undo_time_is_over()
    assert state_of(first) == State.UNDER_REVIEW


def test_after_its_undo_time_a_decision_takes_effect_and_cannot_be_undone(operator: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    answer = send(client, row, "approve", QUEUE)
    assert answer.headers["Location"] == f"/withdrawals/{row.ref}/{QUEUE}"
    assert "It takes effect when the undo time is over." in page(client, row)
    undo_time_is_over()
    assert state_of(row) == State.APPROVED
    late = client.post(f"/withdrawals/decisions/{Decision.objects.get().pk}/undo/")
    assert late.status_code == 409 and "too late to undo" in late.content.decode()
    assert "Undo" not in page(client, row)


def test_only_the_author_undoes(operator: User, senior: User, client_for: SignIn) -> None:
    row = waiting()
    send(client_for(operator), row, "approve")
    answer = client_for(senior).post(f"/withdrawals/decisions/{Decision.objects.get().pk}/undo/")
    assert answer.status_code == 403
    assert Decision.objects.get().status == Decision.Status.WAITING


def test_a_form_that_was_taken_back_decides_nothing_else(operator: User, client_for: SignIn) -> None:
    row, client, token = waiting(), client_for(operator), uuid.uuid4().hex
    assert send(client, row, "approve", token=token).status_code == 302
    client.post(f"/withdrawals/decisions/{Decision.objects.get().pk}/undo/")
    answer = send(client, row, "reject", token=token, reason="terms_not_met")
    assert answer.status_code == 409 and "This form was used already" in answer.text
    assert [decision.move for decision in Decision.objects.all()] == [Move.APPROVE]


def test_the_same_form_twice_is_one_decision(operator: User, client_for: SignIn) -> None:
    row, client, token = waiting(), client_for(operator), uuid.uuid4().hex
    answers = [send(client, row, "approve", QUEUE, token=token) for _ in range(2)]
    undo_time_is_over()
    answers.append(send(client, row, "approve", QUEUE, token=token))
    assert [answer.status_code for answer in answers] == [302, 302, 302]
    assert Decision.objects.count() == 1


def test_medium_risk_wants_a_reason_of_the_list_and_none_is_preselected(operator: User, client_for: SignIn) -> None:
    row, client = waiting(risk=(46, "medium")), client_for(operator)
    html = page(client, row, QUEUE)
    assert "Approve €180.00…" in buttons(html)
    assert "checked" not in "".join(re.findall(r'<input type="radio" name="reason"[^>]*>', html))
    for reason in ({}, {"reason": "nice_person"}):
        refused = send(client, row, "approve", note="kept text", **reason)
        assert refused.status_code == 422
        text = refused.content.decode()
        assert "<title>Error: Why is this fine?" in text and 'class="error-summary"' in text and "kept text" in text
    assert not Decision.objects.exists()
    assert send(client, row, "approve", reason="known_player", note="Called back").status_code == 302
    decision = Decision.objects.get()
    assert (decision.reason, decision.note) == ("known_player", "Called back")


def test_reject_shows_what_the_player_will_read(operator: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    html = page(client, row, QUEUE)
    assert "Please show that the new payout details are yours" in html
    alone = client.get(f"/withdrawals/{row.ref}/reject/{QUEUE}").content.decode()
    assert len(re.findall('type="radio" name="reason"', alone)) == 8 and "What the player will read" in alone
    assert send(client, row, "reject", reason="destination_needs_proof").status_code == 302
    undo_time_is_over()
    assert (state_of(row), Withdrawal.objects.get().reason) == (State.REJECTED, "destination_needs_proof")


def test_hold_waits_until_a_time_and_the_reason_says_for_whom(operator: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    assert send(client, row, "hold", reason="waiting_player").status_code == 422  # no time
    assert send(client, row, "hold", reason="waiting_player", wake="tomorrow").status_code == 302
    undo_time_is_over()
    held = Withdrawal.objects.get()
    expected = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    assert (held.state, held.hold_kind, held.wake_at) == (State.ON_HOLD, "player", expected)
    html = page(client, row)
    assert "Otherwise it is cancelled on 23 Nov 2026, 09:00." in html
    assert buttons(html) == ["Reject…", "Release…", "Note"]
    assert send(client, held, "release", reason="answer_received").status_code == 302
    undo_time_is_over()
    assert state_of(row) == State.UNDER_REVIEW


def test_a_legal_hold_is_compliance_alone_and_ends_by_two_people(
    operator: User, compliance: User, make_staff: Any, client_for: SignIn
) -> None:
    row = waiting()
    assert "Legal hold" not in page(client_for(operator), row)
    assert send(client_for(operator), row, "hold", reason="legal").status_code == 422
    assert send(client_for(compliance), row, "hold", reason="legal").status_code == 302
    undo_time_is_over()
    held = Withdrawal.objects.get()
    assert (held.hold_kind, held.wake_at) == ("legal", None)
    assert buttons(page(client_for(operator), row)) == ["Note"]
    assert send(client_for(operator), held, "release", reason="other").status_code == 409
    assert client_for(operator).get(f"/withdrawals/{row.ref}/release/").status_code == 409
    assert buttons(page(client_for(compliance), row)) == ["Release…", "Note"]
    asked = client_for(compliance).get(f"/withdrawals/{row.ref}/release/").text
    assert "The law no longer demands it" in asked and "The document is here" not in asked
    assert send(client_for(compliance), held, "release", reason="other").status_code == 422
    assert send(client_for(compliance), held, "release", reason="law_satisfied").status_code == 302  # a proposal
    html = page(client_for(compliance), row)
    assert "It needs a second compliance officer, and there is none: ask an administrator." in html
    assert "<b>Proposed.</b>" in html and "Already decided." not in html
    second = make_staff("Compliance", "Carl Roth")
    html = page(client_for(second), row)
    assert "It needs a second compliance officer.<" in html
    agree = f"/withdrawals/decisions/{Decision.objects.get(move='release').pk}/agree/"
    assert client_for(operator).post(agree).status_code == 404
    assert client_for(second).post(agree).status_code == 302
    undo_time_is_over()
    assert state_of(row) == State.UNDER_REVIEW


# Two people ----------------------------------------------------------------------------------------------


def test_two_approvals_are_two_people(operator: User, senior: User, client_for: SignIn) -> None:
    row = waiting(amount=1_200_000, approvals=2)
    assert buttons(page(client_for(operator), row, QUEUE))[0] == "Approve, then a second person confirms"
    assert send(client_for(operator), row, "endorse", note="Win verified with studio").status_code == 302
    undo_time_is_over()
    current = Withdrawal.objects.get()
    assert current.state == State.SECOND_APPROVAL
    html = page(client_for(senior), current)
    assert "Dana Kovac approved first" in html and "Win verified with studio" in html
    assert buttons(html) == ["Confirm €12,000.00", "Disagree…", "Reject…", "Hold…", "Cancel…", "Note"]
    assert send(client_for(senior), current, "confirm").status_code == 302
    undo_time_is_over()
    assert state_of(row) == State.APPROVED


def test_nobody_confirms_the_own_approval(senior: User, client_for: SignIn) -> None:
    row = make_withdrawal(State.SECOND_APPROVAL, by=senior)
    html = page(client_for(senior), row, QUEUE)
    assert "Confirm" not in " ".join(buttons(html)) and "You approved this." in html
    assert send(client_for(senior), row, "confirm").status_code == 403
    assert not Decision.objects.filter(move="confirm").exists()


def test_a_large_rejection_is_a_proposal_until_somebody_agrees(
    operator: User, senior: User, client_for: SignIn
) -> None:
    row = waiting(amount=1_200_000, approvals=2)
    client, second = client_for(operator), client_for(senior)
    assert "Propose: reject €12,000.00" in page(client, row, QUEUE)
    send(client, row, "reject", reason="linked_account")
    decision = Decision.objects.get()
    agree = f"/withdrawals/decisions/{decision.pk}/agree/"
    assert decision.status == Decision.Status.PROPOSED
    assert "Withdraw the proposal" in page(client, row) and agree not in page(client, row)
    assert client.post(agree).status_code == 403
    assert agree in page(second, row) and buttons(page(second, row)) == ["Note"]
    assert second.post(agree).status_code == 302
    undo_time_is_over()
    assert state_of(row) == State.REJECTED


def test_a_proposal_can_be_withdrawn_by_its_author(operator: User, client_for: SignIn) -> None:
    row, client = waiting(amount=1_200_000, approvals=2), client_for(operator)
    send(client, row, "reject", reason="linked_account")
    client.post(f"/withdrawals/decisions/{Decision.objects.get().pk}/undo/")
    assert Decision.objects.get().status == Decision.Status.UNDONE
    assert "Reject…" in buttons(page(client, row))


# What is refused, and how --------------------------------------------------------------------------------


@pytest.mark.parametrize("move", ["pay", "start-payout", "lose-track", "clear", "open"])
def test_what_is_no_decision_of_a_person_is_not_found(operator: User, client_for: SignIn, move: str) -> None:
    row, client = waiting(), client_for(operator)
    assert client.get(f"/withdrawals/{row.ref}/{move}/").status_code == 404
    assert send(client, row, move).status_code == 404


def test_moves_by_role(make_staff: Any, client_for: SignIn) -> None:
    row = waiting()
    allowed = {
        "Operator": {"approve", "reject", "hold"},
        "Senior": {"approve", "reject", "hold", "cancel"},
        "Fraud": {"reject", "hold"},
        "Support": set(),
        "Finance": set(),
        "Compliance": {"hold"},
        "Administrator": set(),
    }
    for role, moves in allowed.items():
        client = client_for(make_staff(role))
        for move in ("approve", "reject", "hold", "cancel"):
            expected = 200 if move in moves else 403
            assert client.get(f"/withdrawals/{row.ref}/{move}/").status_code == expected, (role, move)
            if expected == 403:
                assert send(client, row, move, reason="other").status_code == 403, (role, move)
    assert not Decision.objects.exists()


def test_an_unknown_withdrawal_is_not_found(operator: User, client_for: SignIn) -> None:
    client = client_for(operator)
    for address in (
        "/withdrawals/WD-0000-0001/",
        "/withdrawals/hello/",
        "/withdrawals/WD-0000-0001/approve/",
    ):
        assert client.get(address).status_code == 404


def test_who_comes_second_reads_who_was_first_and_keeps_the_text(
    operator: User, senior: User, client_for: SignIn
) -> None:
    row = waiting()
    send(client_for(senior), row, "reject", reason="linked_account")
    answer = send(client_for(operator), row, "reject", reason="other", note="My careful words")
    html = unescape(answer.content.decode())
    assert answer.status_code == 409
    assert "Marta Keller rejected it: Linked or duplicate account. Nothing of yours was done." in html
    assert "My careful words" in html and f"/withdrawals/{row.ref}/" in html
    assert "<b>€180.00</b>" in html and row.player.name in html and "Back to the list" in html
    assert "Sent to review" not in html
    own = unescape(send(client_for(senior), row, "reject", reason="other").content.decode())
    assert "You rejected it: Linked or duplicate account. Nothing more was done." in own
    undo_time_is_over()
    answer = send(client_for(operator), row, "reject", reason="other", note="My careful words")
    assert answer.status_code == 409 and "“Reject” is not possible any more." in unescape(answer.content.decode())
    assert Decision.objects.count() == 1


def test_a_page_that_is_out_of_date_decides_nothing(operator: User, senior: User, client_for: SignIn) -> None:
    seen = make_withdrawal(State.ON_HOLD, by=senior)
    Withdrawal.advance(seen.pk, Move.RELEASE, actor=senior, now=NOW, reason="other")
    answer = send(client_for(operator), seen, "reject", reason="other", note="My careful words")
    html = unescape(answer.content.decode())
    assert answer.status_code == 409 and "changed since you opened it" in html and "My careful words" in html
    assert "Marta Keller released it from hold" in html


def test_what_somebody_else_has_claimed_is_theirs(operator: User, senior: User, client_for: SignIn) -> None:
    row = waiting()
    claims.claim(row, user=operator, now=NOW)
    answer = send(client_for(senior), row, "approve")
    assert answer.status_code == 409 and "Dana Kovac is deciding this." in unescape(answer.content.decode())
    assert not Decision.objects.exists()


def test_an_identity_that_ran_out_blocks_approval_and_says_so(operator: User, client_for: SignIn) -> None:
    row, client = waiting(player=PlayerFactory(expired=True)), client_for(operator)
    html = page(client, row, QUEUE)
    assert buttons(html) == ["Reject…", "Hold…", "Note"]
    assert "Blocked." in html and "Expired on 21 Nov 2026" in html
    answer = send(client, row, "approve")
    assert answer.status_code == 409 and "identity is not in order" in unescape(answer.content.decode())


def test_the_policy_line_says_what_is_over_and_what_it_will_wait_for(
    operator: User, fraud_analyst: User, admin: User, client_for: SignIn
) -> None:
    Limit.objects.filter(scope="player", cap_amount__isnull=False).update(effect="review")
    cap = Limit.objects.get(scope="player", period="day", cap_amount__isnull=False).cap_amount
    assert cap
    row, client = waiting(amount=cap + 740_000), client_for(operator)
    assert "€7,400.00 over the limit for 24 hours: a person decides." in page(client, row, QUEUE)
    for code in row.routes:
        assert "It will wait until" not in page(client, row, QUEUE)
        routing.pause(code, actor=admin, reason="Settlement late", now=NOW)
    html = page(client, row, QUEUE)
    assert f"It will wait until {' or '.join(BY_CODE[code].label for code in row.routes)} is resumed." in html
    flagged = client_for(fraud_analyst).get(f"/flagged/{row.ref}/")
    assert "It will wait until" in flagged.text


def test_get_never_decides(operator: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    client.get(f"/withdrawals/{row.ref}/approve/", {"version": 1, "token": "x"})
    assert client.get("/withdrawals/decisions/1/undo/").status_code == 405
    assert not Decision.objects.exists()


# Facts ---------------------------------------------------------------------------------------------------------


def statement(html: str) -> list[tuple[str, str]]:
    """Label and amount of every line of "Where the money came from"."""
    inside = re.search(r'<dl class="statement">(.*?)</dl>', html, re.S)
    assert inside
    lines = re.findall(r"<dt[^>]*>(.*?)</dt><dd[^>]*>(.*?)</dd>", inside[1], re.S)
    return [tuple(re.sub("<[^>]+>", "", part).strip() for part in line) for line in lines]  # type: ignore[misc]


def test_the_money_ties_out_from_the_last_payout(operator: User, client_for: SignIn) -> None:
    player = PlayerFactory(verified=True)
    holder, euro = str(player.pk), "EUR"
    fund(player, 53_740, at=NOW - timedelta(days=9))
    make_withdrawal(
        State.COMPLETED, player=player, amount=50_000, now=NOW - timedelta(days=8), by=operator, funded=False
    )

    def facts(n: int) -> dict[str, Any]:
        return {"holder": holder, "key": f"play-{n}", "at": NOW - timedelta(hours=5), "by": "test"}

    ledger.post_batch([ledger.deposit_entry(money=Money(20_000, euro), **facts(1))])
    ledger.post_batch([ledger.deposit_entry(money=Money(20_000, euro), **facts(2))])
    ledger.post_batch([ledger.stake_entry(money=Money(30_000, euro), **facts(3))])
    ledger.post_batch([ledger.win_entry(money=Money(299_000, euro), **facts(4))])
    row = waiting(player=player, amount=245_000, funded=False)
    assert statement(page(client_for(operator), row, QUEUE)) == [
        ("Balance after last payout 14 Nov 2026", "€37.40"),
        ("Deposits 2 deposits", "+ €400.00"),
        ("Game result on €300.00 wagered", "+ €2,690.00"),
        ("Balance now", "€3,127.40"),
        ("This payout already reserved", "− €2,450.00"),
        ("Left after payout", "€677.40"),
    ]


def test_money_that_does_not_tie_out_is_told_and_logged(
    operator: User, client_for: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    row = waiting()
    with connection.cursor() as cursor:  # what no code can do: the database refuses it otherwise
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "UPDATE ledger_balance SET amount = amount + 1200 FROM ledger_account a"
            " WHERE a.id = account_id AND a.kind = 'player_cash' AND a.holder = %s",
            [row.holder],
        )
        cursor.execute("SET session_replication_role = origin")
    with caplog.at_level(logging.ERROR):
        html = page(client_for(operator), row, QUEUE)
    assert "+ €12.00</span> unexplained" in html
    assert f"The money of {row.ref} does not tie out: 1200 unexplained." in caplog.text


def test_a_note_is_kept_and_shown(operator: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    assert client.post(f"/withdrawals/{row.ref}/note/", {"text": ""}).status_code == 422
    client.post(f"/withdrawals/{row.ref}/note/{QUEUE}", {"text": "<b>Asked for a photo</b>", "audience": "signals"})
    assert Note.objects.get().text == "<b>Asked for a photo</b>"
    assert AuditEntry.objects.filter(action="note", subject_id=row.ref).count() == 1
    assert "<b>Asked for a photo</b>" not in client.get(f"/withdrawals/{row.ref}/").content.decode()


def test_who_reads_a_note_is_said_when_it_is_written(
    operator: User, support: User, make_staff: Any, client_for: SignIn
) -> None:
    row, writer = waiting(), client_for(operator)
    form = writer.get(f"/withdrawals/{row.ref}/note/").content.decode()
    assert re.search(r'value="signals"[^>]* checked', form)
    assert "Support too" in form
    for audience in ("signals", "everybody"):
        writer.post(f"/withdrawals/{row.ref}/note/", {"text": f"For {audience}", "audience": audience})
    html = page(client_for(support), row)
    assert "For everybody" in html and "For signals" not in html


def test_the_roles_of_an_author_open_no_note(support: User, make_staff: Any, client_for: SignIn) -> None:
    row = waiting()
    make_staff("Support", "Two Hats")
    both = make_staff("Fraud", "Two Hats")
    notes.add_note(row, author=both, text="A suspected mule", now=NOW)
    both.groups.remove(both.groups.get(name="Fraud"))
    assert "mule" not in page(client_for(support), row)


def test_support_writes_for_everybody(support: User, senior: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(support)
    assert "Support too" not in client.get(f"/withdrawals/{row.ref}/note/").content.decode()
    client.post(f"/withdrawals/{row.ref}/note/", {"text": "Called twice", "audience": "signals"})
    assert Note.objects.get().audience == "everybody"
    for reader in (support, senior):
        assert "Called twice" in page(client_for(reader), row)


def test_the_page_takes_a_fixed_number_of_queries(
    operator: User, client_for: SignIn, django_assert_max_num_queries: Any
) -> None:
    player = PlayerFactory(verified=True)
    for day in range(2, 9):
        make_withdrawal(State.COMPLETED, player=player, now=NOW - timedelta(days=day), by=operator)
    row, client = waiting(player=player), client_for(operator)
    page(client, row, QUEUE)
    with django_assert_max_num_queries(30):
        page(client, row, QUEUE)


# Records and masking --------------------------------------------------------------------------------------


def test_support_reads_what_to_say_and_nothing_that_could_warn(
    operator: User, fraud_analyst: User, support: User, senior: User, client_for: SignIn
) -> None:
    row = waiting(risk=(71, "high"), is_flagged=True, why=("IBAN shared with 1 player",))
    Note.objects.create(withdrawal=row, author=operator, text="Looks like a mule", at=NOW)
    own = make_note_of_support(row, support)
    send(client_for(fraud_analyst), row, "reject", reason="fraud_mule", note="Third account on this phone")
    undo_time_is_over()
    html = page(client_for(support), row)
    assert "We could not approve this withdrawal. The money is back in your balance." in html and own in html
    for secret in (
        "mule", "Money moved for somebody else", "Third account", "IBAN shared", "71", "Priya", "fraud", "High risk",
    ):  # fmt: skip
        assert secret not in without_chrome(html), secret
    told = page(client_for(senior), row)
    assert "Money moved for somebody else" in told and "Third account on this phone" in told


def make_note_of_support(row: Withdrawal, support: User) -> str:
    return notes.add_note(row, author=support, text="Player called twice", now=NOW).text


def without_chrome(html: str) -> str:
    """The page's own part, without references and addresses, in which any digits may stand."""
    main = html[html.index("<main") : html.index("</main>")]
    return re.sub(r"WD-[0-9A-Z-]+|P-[0-9]+|[0-9]{2}:[0-9]{2}(:[0-9]{2})?|<svg.*?</svg>|value=\"[^\"]*\"", "", main)


def test_finance_works_without_names_and_sees_the_bookings(finance: User, operator: User, client_for: SignIn) -> None:
    player = PlayerFactory(verified=True, name="Elena Marković", email="elena@example.org")
    row = make_withdrawal(
        State.COMPLETED,
        player=player,
        destination=make_destination(player, ending="7731"),
        by=operator,
    )
    html = page(client_for(finance), row)
    assert player.ref in html and "IBAN •••• 7731" in html
    assert "Marković" not in html and "el•••••" not in html and "known_player" not in html
    for entry in ("Reserve", "Hand to provider", "Pay"):
        assert entry in html, entry


def test_an_administrator_sees_states_only(admin: User, operator: User, client_for: SignIn) -> None:
    player = PlayerFactory(verified=True, name="Elena Marković")
    row = make_withdrawal(
        State.COMPLETED,
        player=player,
        destination=make_destination(player, ending="7731"),
        by=operator,
    )
    html = page(client_for(admin), row)
    assert "Completed" in html
    for secret in (
        "Marković",
        "7731",
        "known_player",
        "Known player",
        "Dana Kovac",
        "To transit",
        "Say to the player",
    ):
        assert secret not in html, secret


def test_contact_is_masked_for_those_who_decide(operator: User, client_for: SignIn) -> None:
    row = waiting(player=PlayerFactory(verified=True, email="elena@example.org", phone="+385911234567"))
    html = page(client_for(operator), row, QUEUE)
    assert "el•••••@example.org" in html and "•••• 4567" in html
    assert "elena@example.org" not in html and "385911234567" not in html and row.destination.account not in html


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (State.COMPLETED, "Paid on 22 November 2026"),
        (State.PROCESSING, "Being paid."),
        (State.FAILED, "Could not be paid."),
        (State.RETURNED, "Your bank or payment provider sent it back"),
        (State.APPROVED, "Approved; it is being sent."),
    ],
)
def test_every_record_has_an_outcome_and_a_sentence(
    support: User, operator: User, client_for: SignIn, state: State, sentence: str
) -> None:
    row = make_withdrawal(state, by=operator)
    html = page(client_for(support), row)
    assert f"<b>{state.label}.</b>" in html and sentence in html


def test_an_attempt_says_its_answer_once(finance: User, operator: User, client_for: SignIn) -> None:
    row = make_withdrawal(State.FAILED, by=operator)
    attempts = PayoutAttempt.objects.filter(withdrawal=row)
    attempts.update(answer="beneficiary refused", answer_code="beneficiary_refused")
    html = page(client_for(finance), row)
    assert "<dt>Answer</dt><dd>Beneficiary refused</dd>" in html and "beneficiary_refused" not in html
    attempts.update(answer="The account is closed", answer_code="AC04")
    assert "AC04" in page(client_for(finance), row)
