"""Records, and what each role reads of them."""

import re
from datetime import timedelta

import pytest

from backoffice.accounts.models import User
from ledger.models import Entry
from tests.conftest import NOW
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import make_destination, make_withdrawal
from tests.withdrawals.screen import QUEUE, SignIn, page, send, undo_time_is_over, waiting
from withdrawals.models import Note, PayoutAttempt, Withdrawal
from withdrawals.operations import notes
from withdrawals.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]


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
        "mule", "Money moved for somebody else", "Third account", "IBAN shared", "Priya", "fraud", "High risk",
    ):  # fmt: skip
        assert secret not in without_chrome(html), secret
    assert not re.search(r"\b71\b", without_chrome(html))  # the score; an account may end in 2971
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


def test_the_outcome_says_who_has_the_money_once(operator: User, support: User, client_for: SignIn) -> None:
    sent, lost = make_withdrawal(State.PROCESSING, by=operator), make_withdrawal(State.OUTCOME_UNKNOWN, by=operator)
    for row in (sent, lost):
        Withdrawal.objects.filter(pk=row.pk).update(provider="northgate")
    expected = "Northgate Pay has it, or is about to. It takes minutes by card or wallet, up to 3 working days by bank."
    assert expected in page(client_for(operator), sent)
    told = page(client_for(operator), lost)
    assert "Northgate Pay gave no clear answer; it is asked, never paid again." in told and "has it" not in told
    assert expected in page(client_for(support), lost)


def test_what_was_paid_at_once_counts_no_seconds(operator: User, client_for: SignIn) -> None:
    row, client = make_withdrawal(State.COMPLETED, by=operator), client_for(operator)
    for length, words in ((0, "within a minute of the request."), (59, "within a minute of the request."),
                          (60, "1 min after the request.")):  # fmt: skip
        closed = row.requested_at + timedelta(seconds=length)
        Withdrawal.objects.filter(pk=row.pk).update(closed_at=closed)
        assert words in page(client, row), length


def test_an_attempt_says_its_answer_once(finance: User, operator: User, client_for: SignIn) -> None:
    row = make_withdrawal(State.FAILED, by=operator)
    attempts = PayoutAttempt.objects.filter(withdrawal=row)
    attempts.update(answer="beneficiary refused", answer_code="beneficiary_refused")
    html = page(client_for(finance), row)
    assert "<dt>Answer</dt><dd>Beneficiary refused</dd>" in html and "beneficiary_refused" not in html
    attempts.update(answer="The account is closed", answer_code="AC04")
    assert "AC04" in page(client_for(finance), row)


def test_the_journal_leads_to_its_entries_at_their_seconds(finance: User, operator: User, client_for: SignIn) -> None:
    row, client = make_withdrawal(State.COMPLETED, by=operator), client_for(finance)
    entries = Entry.objects.filter(reference=row.ref)
    html = page(client, row)
    assert re.findall(r'href="/ledger/entries/(\d+)/">', html) == [str(entry.pk) for entry in entries.order_by("pk")]
    journal = html[html.index("Entries of this withdrawal") :].partition("</table>")[0]
    assert len(re.findall(r">\d+ Nov 2026, \d\d:\d\d:\d\d</time>", journal)) == len(entries)


def test_an_attempt_says_when_the_provider_is_asked_again(
    operator: User, support: User, finance: User, client_for: SignIn
) -> None:
    row = make_withdrawal(State.PROCESSING, by=operator)
    Withdrawal.objects.filter(pk=row.pk).update(next_step_at=NOW)
    html = page(client_for(operator), row)
    assert "<dt>Next step</dt><dd>The provider is asked again on 22 Nov 2026, " in html
    assert "Next step" not in page(client_for(support), row)
    Withdrawal.objects.filter(pk=row.pk).update(next_step_at=None)
    assert "None: a person decides" in page(client_for(finance), row)
    paid = make_withdrawal(State.COMPLETED, by=operator)
    assert "Next step" not in page(client_for(operator), paid)


def test_why_and_players_like_this_are_folded_on_a_record(operator: User, support: User, client_for: SignIn) -> None:
    row = make_withdrawal(State.COMPLETED, by=operator)
    html = page(client_for(operator), row)
    for title in ("Why it was looked at", "Players like this"):
        assert re.search(rf">{title}</h2>.{{0,80}}<details><summary>", html, re.S), title
    assert "Players like this" not in page(client_for(support), row)


def test_the_sheet_that_settles_shows_what_it_books(operator: User, senior: User, client_for: SignIn) -> None:
    row, client = make_withdrawal(State.OUTCOME_UNKNOWN, by=operator, now=NOW - timedelta(days=1)), client_for(senior)
    html = page(client, row)
    sheet = html[html.index('id="sheet-complete"') : html.index('id="sheet-fail"')]
    assert "What it books" in sheet and "− €180.00" in sheet and "Pay" in sheet
    assert "What it books" in client.get(f"/withdrawals/{row.ref}/complete/").text
    assert Withdrawal.objects.get().state == State.OUTCOME_UNKNOWN
