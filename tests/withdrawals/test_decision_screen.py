"""The facts of a decision page, and its notes."""

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from backoffice.money import Money
from ledger import operations as ledger
from tests.conftest import NOW
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import fund, make_withdrawal
from tests.withdrawals.screen import QUEUE, SignIn, buttons, page, send, waiting
from withdrawals.models import Note, Withdrawal
from withdrawals.operations import notes
from withdrawals.pages import people
from withdrawals.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]


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
    operator: User, senior: User, client_for: SignIn, caplog: pytest.LogCaptureFixture
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
        html = page(client_for(operator), row)
    assert "+ €12.00</span> unexplained" in html
    assert f"The money of {row.ref} does not tie out: 1200 unexplained." in caplog.text
    assert "Only a senior may approve this." in html and buttons(html)[0] == "Reject…"
    refused = send(client_for(operator), row, "approve")
    assert refused.status_code == 409 and "part of the money is unexplained" in refused.content.decode()
    assert buttons(page(client_for(senior), row))[0] == "Approve €180.00"
    assert send(client_for(senior), row, "approve").status_code == 302


@pytest.mark.django_db(transaction=True)
def test_a_panel_that_cannot_be_loaded_blocks_the_approval_and_leaves_the_others(
    operator: User, client_for: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    row, client = waiting(), client_for(operator)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE kyc_verification RENAME COLUMN level TO level_gone")
    try:
        html = page(client, row)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE kyc_verification RENAME COLUMN level_gone TO level")
    assert "Could not load KYC" in html and "Cannot approve while KYC is unknown." in html
    told = re.search(r"Could not load KYC.*?Reference <span class=\"mono\">(\w+)", html)
    assert told and f"Could not load KYC of {row.ref}; reference {told[1]}." in caplog.text
    assert buttons(html)[0] == "Reject…" and "Where the money came from" in html


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
    operator: User, client_for: SignIn, django_assert_num_queries: Any
) -> None:
    player = PlayerFactory(verified=True)
    for day in range(2, 9):
        make_withdrawal(State.COMPLETED, player=player, now=NOW - timedelta(days=day), by=operator)
    row, client = waiting(player=player), client_for(operator)
    notes.add_note(row, author=operator, text="Called back", now=NOW)
    page(client, row, QUEUE)
    with django_assert_num_queries(20):
        page(client, row, QUEUE)


def test_how_payouts_like_this_one_ended_is_told_once_enough_are_known(
    operator: User, client_for: SignIn, support: User, monkeypatch: Any
) -> None:
    monkeypatch.setattr(people, "FEWEST_ALIKE", 3)
    row = waiting(amount=20_000)
    long_ago = NOW - timedelta(days=3)
    for amount in (10_000, 40_000):
        make_withdrawal(State.COMPLETED, now=long_ago, by=operator, amount=amount)
    for amount in (9_900, 41_000):
        make_withdrawal(State.COMPLETED, now=long_ago, by=operator, amount=amount)
    make_withdrawal(State.COMPLETED, now=long_ago, by=operator, amount=20_000, player=row.player)
    assert "like this one" not in page(client_for(operator), row)
    make_withdrawal(State.REJECTED, now=long_ago, by=operator, amount=20_000)
    told = "3 like this one lately, by the same method and of half to twice the amount: 2 completed, 1 rejected."
    assert told in page(client_for(operator), row)
    assert "like this one" not in page(client_for(support), row)


def test_what_a_provider_pays_at_most_stands_among_the_limits(operator: User, client_for: SignIn) -> None:
    row = waiting(amount=4_500_000)
    Withdrawal.objects.filter(pk=row.pk).update(routes=["volta"])
    text = page(client_for(operator), row)
    assert re.search(r"Volta, one payout <span[^>]*>of €50,000.00<", text) and "€5,000.00 left" in text
    Withdrawal.objects.filter(pk=row.pk).update(routes=["northgate"])
    assert "one payout" not in page(client_for(operator), row)
