"""Who may decide now, through the pages: claims, take-overs, and who is left out."""

from datetime import timedelta
from typing import Any

import pytest

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from tests.conftest import NOW
from tests.factories.withdrawals import make_withdrawal
from tests.withdrawals.screen import QUEUE, SignIn, buttons, page, waiting
from withdrawals.models import Claim, Withdrawal
from withdrawals.operations import claims
from withdrawals.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]


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
    risky, plain, address = waiting(), waiting(), f"take-over/{QUEUE}"
    for row in (risky, plain):
        claims.claim(row, user=operator, now=NOW)
    Withdrawal.objects.filter(pk=risky.pk).update(risk_score=71, risk_level="high")  # the checks were run again
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
