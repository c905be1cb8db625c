"""What support asks the payments team: a note, a finding that somebody answers, and the answer on the record."""

import pytest

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from tests.conftest import NOW
from tests.factories.withdrawals import make_withdrawal
from tests.withdrawals.screen import SignIn, buttons, page, waiting
from withdrawals.exceptions import NotAllowed
from withdrawals.models import Finding, Note, Withdrawal
from withdrawals.operations import questions
from withdrawals.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]


@pytest.fixture
def sent(operator: User) -> Withdrawal:
    return make_withdrawal(State.PROCESSING, by=operator)


def test_support_asks_finance_answers_support_reads_it(
    sent: Withdrawal, support: User, finance: User, senior: User, client_for: SignIn
) -> None:
    asker, payments = client_for(support), client_for(finance)
    assert buttons(page(asker, sent)) == ["Ask the payments team…", "Note"]
    answer = asker.post(f"/withdrawals/{sent.ref}/ask/", {"note": "The bank sees nothing. Where is it?"})
    assert answer["Location"] == f"/withdrawals/{sent.ref}/"
    finding = Finding.objects.get()
    assert (finding.kind, finding.stops_payouts, finding.provider) == ("question", False, sent.provider)
    assert Note.objects.get().text == "The bank sees nothing. Where is it?"
    acts = AuditEntry.objects.filter(subject_id=sent.ref, actor_user=support).values_list("action", flat=True)
    assert set(acts) == {"note", "ask"}
    assert "Not answered yet." in page(asker, sent)
    assert f">{sent.ref}</a> asked 0 s ago, no answer yet" in asker.get("/").text
    assert f"{support.name} asks: The bank sees nothing." in payments.get("/findings/").text
    assert "asked the payments team" in page(client_for(senior), sent)
    asked = payments.get(f"/findings/{finding.pk}/").text
    assert "Support reads it: say nothing of checks" in asked and "Answer and close" in asked
    answered = payments.post(f"/findings/{finding.pk}/", {"note": "Sent at noon, there tomorrow"}, follow=True)
    assert "Answered. Whoever asked reads it on the withdrawal." in answered.text
    assert f">{sent.ref}</a> answered " in asker.get("/").text and "You asked" not in payments.get("/").text
    told = page(asker, sent)
    assert "Sent at noon, there tomorrow" in told and finance.name in told and "Not answered yet." not in told


def test_one_question_at_a_time(sent: Withdrawal, support: User, client_for: SignIn) -> None:
    client, address = client_for(support), f"/withdrawals/{sent.ref}/ask/"
    assert client.post(address, {"note": ""}).status_code == 422
    assert client.post(address, {"note": "Where is it?"}).status_code == 302
    again = client.post(address, {"note": "And now?"})
    assert again.status_code == 409 and "was asked already" in again.text and "And now?" in again.text
    assert Finding.objects.count() == Note.objects.count() == 1


def test_what_is_still_looked_at_is_no_question_for_the_payments_team(
    support: User, senior: User, compliance: User, operator: User, sent: Withdrawal, client_for: SignIn
) -> None:
    frozen = make_withdrawal(State.ON_HOLD, by=compliance, hold_kind="legal")
    for row in (waiting(), frozen):
        assert buttons(page(client_for(support), row)) == ["Note"]
        assert client_for(support).post(f"/withdrawals/{row.ref}/ask/", {"note": "Why?"}).status_code == 403
        with pytest.raises(NotAllowed):
            questions.ask(row, author=support, question="Why?", now=NOW)
    for user in (senior, operator):
        assert "Ask the payments team" not in page(client_for(user), sent)
        assert client_for(user).post(f"/withdrawals/{sent.ref}/ask/", {"note": "Why?"}).status_code == 403
    assert not Finding.objects.exists()
