"""Why a withdrawal needs a person, down to the values that were counted; and what can be copied."""

import re

import pytest

from backoffice.accounts.models import User
from tests.conftest import NOW
from tests.factories.withdrawals import make_withdrawal
from tests.withdrawals.screen import QUEUE, SignIn, page, waiting
from withdrawals.models import CheckResult, PayoutAttempt, Withdrawal
from withdrawals.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]


def found(row: Withdrawal, code: str, **evidence: object) -> None:
    CheckResult.objects.create(
        withdrawal=row, code=code, outcome="review", title=f"Found {code}", sentence="So it is.", points=20,
        evidence=evidence, at=NOW,
    )  # fmt: skip


def test_every_concern_has_its_values_and_leads_to_what_was_counted(
    operator: User, support: User, client_for: SignIn
) -> None:
    row = waiting()
    found(row, "fraud.FR05", requests_24h=5, threshold_24h=3)
    found(row, "fraud.FR04", amount=18_000, threshold_minutes=60)
    found(row, "destination.shared", players=2)
    found(row, "identity", state="expired")
    html = page(client_for(operator), row, QUEUE)
    why = html[html.index('id="part-why"') : html.index('id="part-limits"')]
    assert why.count("<summary>Values</summary>") == 4
    for value in ("Threshold 24h", "€180.00", "Threshold minutes", "Players"):
        assert value in why, value
    last_four = row.destination.label[-4:]
    assert f'href="/withdrawals/?view=all&q={row.player.ref}">The player’s withdrawals<' in why
    assert f'href="/withdrawals/?view=all&q={last_four}">Withdrawals to these details<' in why
    assert 'href="#panel-where-the-money-came-from">' in why and 'id="panel-where-the-money-came-from"' in html
    assert "Threshold" not in page(client_for(support), row)


def test_a_record_names_no_panel_that_it_has_not(operator: User, client_for: SignIn) -> None:
    row = make_withdrawal(State.COMPLETED, by=operator)
    found(row, "fraud.FR04", amount=18_000)
    html = page(client_for(operator), row)
    assert "<summary>Values</summary>" in html and "#panel-where" not in html


def test_references_and_amounts_can_be_copied(operator: User, client_for: SignIn) -> None:
    row = make_withdrawal(State.COMPLETED, by=operator, amount=245_050)
    PayoutAttempt.objects.update(provider_reference="ng-77")
    Withdrawal.objects.filter(pk=row.pk).update(provider_reference="ng-88")
    html = page(client_for(operator), row)
    copied = re.findall('data-copy="([^"]+)"', html)
    assert {row.ref, "2450.50", "ng-77", "ng-88"} <= set(copied)
    keyed = re.findall('data-copy="([^"]+)" aria-label="[^"]+" data-key="y"', html)
    assert keyed == [row.ref] and html.count('data-key="y"') == 1
    lost = make_withdrawal(State.OUTCOME_UNKNOWN, by=operator)
    html = client_for(operator).get(f"/in-flight/unknown/{lost.ref}/").text
    assert html.count('data-key="y"') == 1 and f'data-copy="{lost.live_attempt.key}"' in html


def test_nothing_promises_what_a_name_in_a_note_would_do(operator: User, client_for: SignIn) -> None:
    assert "with @" not in page(client_for(operator), waiting(), QUEUE)
