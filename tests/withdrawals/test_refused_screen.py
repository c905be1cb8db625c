"""What a decision page refuses, and how it says so."""

from html import unescape
from typing import Any

import pytest

from backoffice.accounts.models import User
from providers import routing
from providers.registry import BY_CODE
from tests.conftest import NOW
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import make_withdrawal
from tests.withdrawals.screen import QUEUE, SignIn, buttons, page, send, undo_time_is_over, waiting
from withdrawals.models import Decision, Limit, Withdrawal
from withdrawals.operations import claims
from withdrawals.states import Move, State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]


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
    own = unescape(send(client_for(senior), row, "reject", reason="linked_account").content.decode())
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
    assert buttons(html) == ["Reject…", "Hold…", "Escalate…", "Note"]
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
