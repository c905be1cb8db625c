"""What the player reads of a rejection in a person's own words: bounded, plain, and never for what could warn them."""

from datetime import timedelta

import pytest

from backoffice.accounts.models import User
from tests.conftest import NOW
from tests.factories.withdrawals import make_withdrawal
from tests.withdrawals.screen import QUEUE, SignIn, page, send, undo_time_is_over, waiting
from withdrawals import player_words, reasons
from withdrawals.exceptions import IllegalMove
from withdrawals.models import Decision, Withdrawal
from withdrawals.operations import decisions
from withdrawals.states import Move, State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]
OWN = "Please send a bank statement of October, then ask again."


def told(row: Withdrawal) -> str:
    return player_words.sentence(player_words.situation_of(Withdrawal.objects.get(pk=row.pk), now=NOW))


def test_the_player_reads_it_instead_of_the_standard_sentence(
    operator: User, support: User, client_for: SignIn
) -> None:
    row, client = waiting(), client_for(operator)
    assert 'name="player_text"' in page(client, row, QUEUE)
    assert send(client, row, "reject", reason="destination_needs_proof", player_text=OWN).status_code == 302
    assert Decision.objects.get().facts == {"player_message": OWN}
    undo_time_is_over()
    assert told(row) == f"Declined. {OWN}"
    assert f"Declined. {OWN}" in page(client_for(support), row)


def test_left_empty_it_is_the_standard_sentence(operator: User, client_for: SignIn) -> None:
    row = waiting()
    send(client_for(operator), row, "reject", reason="destination_needs_proof")
    undo_time_is_over()
    assert "Please show that the new payout details are yours" in told(row)


@pytest.mark.parametrize("reason", [one.code for one in reasons.REJECT if one.player_text == reasons.NEUTRAL])
def test_a_neutral_reason_has_no_other_words(operator: User, client_for: SignIn, reason: str) -> None:
    row, client = waiting(), client_for(operator)
    refused = send(client, row, "reject", reason=reason, note="Why", player_text="We think it is fraud")
    assert refused.status_code == 422 and "What the player reads of this reason cannot be changed." in refused.text
    with pytest.raises(IllegalMove):
        decisions.decide(
            row, Move.REJECT, actor=operator, now=NOW, version=row.version, key="k", reason=reason, note="Why",
            facts={"player_message": "We think it is fraud"},
        )  # fmt: skip
    with pytest.raises(IllegalMove):
        Withdrawal.advance(row.pk, Move.REJECT, actor=operator, now=NOW, reason=reason, player_message="It is fraud")
    assert not Decision.objects.exists()
    Withdrawal.objects.filter(pk=row.pk).update(player_message="It is fraud")
    Withdrawal.advance(row.pk, Move.REJECT, actor=operator, now=NOW, reason=reason)
    assert told(row) == f"Declined. {reasons.NEUTRAL}"


def test_no_verdict_of_fraud_is_reworded(fraud_analyst: User, client_for: SignIn) -> None:
    row = waiting(risk=(71, "high"), is_flagged=True)
    assert "player_text" not in client_for(fraud_analyst).get(f"/flagged/{row.ref}/").text
    assert not any(reasons.may_be_reworded(one.code) for one in reasons.CONFIRM_FRAUD)


BAD = {
    "markup": "<b>No</b>",
    "too long": "x" * 201,
    "lines": "Two\nlines",
    "a line of its own": "Two\u2028lines",
    "terminal": "Red\x9b31m",
    "turned round": "Send it to \u202eelpmaxe",
    "isolated": "Send it \u2066there",
    "invisible": "\u200b",
    "a link": "Prove it at HTTPS://casino.example/",
    "a bare link": "Prove it at WWW.casino.example",
}


@pytest.mark.parametrize("words", BAD.values(), ids=BAD)
def test_it_is_plain_and_short(operator: User, client_for: SignIn, words: str) -> None:
    row = waiting()
    answer = send(client_for(operator), row, "reject", reason="terms_not_met", player_text=words)
    assert answer.status_code == 422
    with pytest.raises(IllegalMove, match="plain text without links, of at most 200"):
        Withdrawal.advance(row.pk, Move.REJECT, actor=operator, now=NOW, reason="terms_not_met", player_message=words)


@pytest.mark.parametrize("words", BAD.values(), ids=BAD)
def test_a_hold_asks_in_plain_words_as_well(operator: User, client_for: SignIn, words: str) -> None:
    row, hold = waiting(), {"reason": "waiting_document", "kind": "player", "wake_at": NOW + timedelta(days=1)}
    answer = send(
        client_for(operator), row, "hold", reason="waiting_document", wake="tomorrow", player_message=words
    )  # fmt: skip
    assert answer.status_code == 422
    with pytest.raises(IllegalMove, match="plain text without links, of at most 200"):
        Withdrawal.advance(row.pk, Move.HOLD, actor=operator, now=NOW, player_message=words, **hold)
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    "words", ["Proszę o wyciąg z banku, §3.", "يرجى إرسال كشف حساب.", "銀行の明細を送ってください。"]
)
def test_other_languages_are_plain_words(operator: User, client_for: SignIn, words: str) -> None:
    row = waiting()
    assert send(client_for(operator), row, "reject", reason="terms_not_met", player_text=words).status_code == 302


def test_what_a_hold_said_is_not_said_of_what_follows(operator: User, client_for: SignIn) -> None:
    row = make_withdrawal(State.ON_HOLD, by=operator, hold_kind="player")
    Withdrawal.objects.filter(pk=row.pk).update(player_message="The second page, please.")
    Withdrawal.advance(row.pk, Move.REJECT, actor=operator, now=NOW, reason="funds_not_shown")
    assert "second page" not in told(row) and Withdrawal.objects.get().player_message == ""
