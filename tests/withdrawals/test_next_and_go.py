"""The next withdrawal to decide, and going to one by what people have at hand."""

from typing import Any

import pytest

from backoffice.accounts.models import User
from tests.conftest import NOW
from tests.factories.kyc import PlayerFactory
from tests.withdrawals.queue_page import SignIn, get, waiting
from withdrawals.models import Claim, Withdrawal
from withdrawals.operations import claims, decisions
from withdrawals.states import Move

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]


def test_go_opens_a_reference_and_searches_for_the_rest(operator: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    assert client.get(f"/go/?q= {row.ref.lower()} ").headers["Location"] == f"/withdrawals/{row.ref}/"
    assert client.get("/go/?q=elena m").headers["Location"] == "/withdrawals/?view=all&q=elena+m"
    assert client.get("/go/").headers["Location"] == "/withdrawals/"
    assert not Claim.objects.exists()


def test_next_skips_what_is_not_for_this_person(operator: User, senior: User, client_for: SignIn) -> None:
    taken, decided, own, free, later = (waiting(100 - n) for n in range(5))
    claims.claim(taken, user=senior, now=NOW)
    decisions.decide(decided, Move.REJECT, actor=senior, now=NOW, version=decided.version, key="k",
                     reason="terms_not_met")  # fmt: skip
    Withdrawal.objects.filter(pk=own.pk).update(required_approvals=2)
    Withdrawal.advance(own.pk, Move.ENDORSE, actor=operator, now=NOW)
    client = client_for(operator)
    response = client.get("/withdrawals/next/?view=needs-decision")
    assert (response.status_code, response.headers["Location"]) == (
        303,
        f"/withdrawals/{free.ref}/?view=needs-decision",
    )
    assert Claim.objects.get(withdrawal=free).owner == operator
    # Moving on without deciding gives it back.
    response = client.get(f"/withdrawals/next/?view=needs-decision&after={free.ref}")
    assert response.headers["Location"] == f"/withdrawals/{later.ref}/?view=needs-decision"
    assert not Claim.objects.filter(withdrawal=free).exists()
    # Behind the last one it begins again, after a decision with what can be decided, else with the next row at all.
    response = client.get(f"/withdrawals/next/?view=needs-decision&decided={later.ref}")
    assert response.headers["Location"] == f"/withdrawals/{free.ref}/?view=needs-decision"
    response = client.get(f"/withdrawals/next/?view=needs-decision&after={later.ref}")
    assert response.headers["Location"] == f"/withdrawals/{own.ref}/?view=needs-decision"


def test_the_end_of_the_queue_says_so(operator: User, senior: User, client_for: SignIn) -> None:
    claims.claim(waiting(), user=senior, now=NOW)
    html = get(client_for(operator), "/withdrawals/next/?view=needs-decision")
    assert "Queue is clear" in html and "1 waits" in html
    assert "Queue is clear" in get(client_for(operator), "/withdrawals/next/?view=high-value")


def test_nobody_else_may_take_the_next_one(make_staff: Any, client_for: SignIn) -> None:
    waiting()
    for role in ("Support", "Finance", "Administrator"):
        assert client_for(make_staff(role)).get("/withdrawals/next/").status_code == 403, role
    assert not Claim.objects.exists()


def test_support_is_led_to_the_one_player_that_a_name_names(support: User, operator: User, client_for: SignIn) -> None:
    elena = PlayerFactory(verified=True, name="Elena Marković")
    client = client_for(support)
    assert client.get("/go/?q=elena m").headers["Location"] == f"/players/?q={elena.ref}"
    assert client_for(operator).get("/go/?q=elena m").headers["Location"].startswith("/withdrawals/")
    PlayerFactory(name="Elena Marini")
    assert client.get("/go/?q=elena m").headers["Location"] == "/withdrawals/?view=all&q=elena+m"
