"""Replaying recorded payments: each event at its own time, once, with nothing left unaccounted for."""

import json
import os
import socket
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from backoffice.money import Money
from backoffice.platform import draining
from backoffice.platform.payments_file import read
from backoffice.platform.replay import DESTINATION, Replay
from fraud.activity import Deposit, Login, Play
from kyc import queries as kyc
from kyc.models import Player
from ledger.models import Entry
from ledger.queries import balance_of
from withdrawals.models import Withdrawal
from withdrawals.states import State

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
# Ann loads her card, deposits 200, takes out 50, then asks for more than she can have without winning.
# Ben deposits; a row of his is declined, two are malformed. Cid only ever loads his card.
RECORD = """\
ReqTimeUTC,TransactionType,TransactionAmount,Status,AccountIdentifier
2019-03-01T08:00:00+0000,LOYALTYCARDCREDITCL,200,APPROVED,customer1
2019-03-01T08:01:00+0000,LOYALTYCARDDEBIT,200,APPROVED,customer1
2019-03-01T09:00:00+0000,LOYALTYCARDDEBIT,30.25,APPROVED,customer2
2019-03-02T10:00:00+0000,LOYALTYCARDCREDIT,50,APPROVED,customer1
2019-03-09T10:00:00+0000,LOYALTYCARDCREDIT,400.5,APPROVED,customer1
2019-03-09T11:00:00+0000,LOYALTYCARDDEBIT,10,DECLINED,customer2
2019-03-09T11:00:01+0000,LOYALTYCARDDEBIT,-10,APPROVED,customer2
2019-03-09T11:00:02+0000,LOYALTYCARDDEBIT,ten,APPROVED,customer2
2019-03-09T12:00:00+0000,LOYALTYCARDCREDITACH,80,APPROVED,customer3
2019-03-09T13:00:00+0000,LOYALTYCARDCREDIT,0.5,APPROVED,customer2
"""
# A large file of recorded payments, for whoever has one.
REAL = os.environ.get("PAYMENTS_FILE", "")


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "payments.csv"
    path.write_text(RECORD)
    return path


def replay(path: Path, **options: Any) -> Replay:
    taken = Replay(**options)
    for _ in taken.run(read(path, now=NOW)):
        pass
    return taken


def booked() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Entry, Deposit, Play, Login, Withdrawal, Player))


def cash(customer: str) -> int:
    holder = str(Player.objects.get(external_id=f"replay:{customer}").pk)
    return balance_of("player_cash", holder, "USD")


@pytest.mark.django_db(transaction=True)
def test_every_row_is_accounted_for(record: Path) -> None:
    tally = replay(record).tally

    assert tally.rows == {"deposits": 2, "withdrawals": 2, "outside the betting account": 2, "refused": 4}
    assert tally.refused == {"declined at the source": 1, "negative amount": 1, "bad amount": 1, "below minimum": 1}
    assert [refusal.line for refusal in tally.examples["negative amount"]] == [8]
    assert Player.objects.filter(external_id="replay:customer3").count() == 0


@pytest.mark.django_db(transaction=True)
def test_events_happen_at_their_own_time(record: Path) -> None:
    replay(record)

    player = Player.objects.get(external_id="replay:customer1")
    assert player.name == "Customer 1"
    assert player.registered_at == datetime(2019, 3, 1, 8, 1, tzinfo=UTC)
    assert kyc.standing_of(player, on=NOW.date()).level == 2
    destination = player.destinations.get(external_id=DESTINATION)
    assert (destination.owned, destination.first_seen_at) == (True, player.registered_at)
    first, second = Withdrawal.objects.filter(player=player).order_by("requested_at")
    assert (first.money, first.requested_at) == (Money(5_000, "USD"), datetime(2019, 3, 2, 10, tzinfo=UTC))
    assert (first.state, first.due_at) == (State.REQUESTED, first.requested_at + settings.REVIEW_TIME)
    assert Deposit.objects.get(player_id=player.pk).at == datetime(2019, 3, 1, 8, 1, tzinfo=UTC)
    assert second.money == Money(40_050, "USD")


@pytest.mark.django_db(transaction=True)
def test_who_asks_for_more_than_they_had_has_won_it(record: Path) -> None:
    tally = replay(record).tally

    asked_at = datetime(2019, 3, 9, 10, tzinfo=UTC)
    plays = Play.objects.order_by("kind").values_list("kind", "amount", "at")
    assert list(plays) == [
        ("stake", 15_000, asked_at - timedelta(seconds=1)),
        ("win", 40_050, asked_at - timedelta(seconds=1)),
    ]
    assert (tally.wins, tally.staked, tally.won) == (1, 15_000, 40_050)
    assert (cash("customer1"), cash("customer2")) == (0, 3_025)


@pytest.mark.django_db(transaction=True)
def test_a_second_reading_books_nothing(record: Path) -> None:
    first = replay(record)
    before = booked()

    second = replay(record)

    assert booked() == before
    assert second.tally.rows == first.tally.rows
    assert (second.tally.known, second.tally.players, second.tally.wins) == (2, 0, 0)
    assert second.tally.withdrawals == first.tally.withdrawals


@pytest.mark.django_db(transaction=True)
def test_a_reading_that_was_cut_short_is_taken_up(record: Path, tmp_path: Path) -> None:
    beginning = tmp_path / "beginning.csv"
    beginning.write_text("".join(RECORD.splitlines(keepends=True)[:5]))
    replay(beginning)

    replay(record)

    assert (Withdrawal.objects.count(), cash("customer1")) == (2, 0)


@pytest.mark.django_db(transaction=True)
def test_only_the_first_customers(record: Path) -> None:
    tally = replay(record, customers=1).tally

    # A refused row is refused whoever it is about; its customer may be what is wrong with it.
    assert tally.rows == {
        "deposits": 1, "withdrawals": 2, "outside the betting account": 1, "refused": 3, "other customers": 3,
    }  # fmt: skip
    assert [player.name for player in Player.objects.all()] == ["Customer 1"]


@pytest.mark.django_db(transaction=True)
def test_another_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")

    with pytest.raises(CommandError, match="no column"):
        call_command("replay_payments", str(path))
    with pytest.raises(CommandError, match="no file"):
        call_command("replay_payments", str(tmp_path / "absent.csv"))


@pytest.fixture
def no_workers_and_no_provider(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    settings.SANDBOX_URL = url
    settings.PROVIDERS = {code: {**values, "base_url": url} for code, values in settings.PROVIDERS.items()}
    monkeypatch.setattr(draining, "SANDBOX_DATA", tmp_path / "sandbox")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_workers_and_no_provider")
def test_the_command_works_everything_off_by_itself(record: Path) -> None:
    out = StringIO()
    call_command("replay_payments", str(record), json=True, stdout=out)

    report = json.loads(out.getvalue())
    assert report["rows"] == sum(report["accounted"].values()) == 10
    assert report["refused"] == {
        "declined at the source": 1, "negative amount": 1, "bad amount": 1, "below minimum": 1,
    }  # fmt: skip
    assert report["inferred_play"] == {"count": 1, "amount": 40_050, "staked": 15_000}
    # The first went to a new destination a day after the first deposit; the second is unremarkable.
    assert report["withdrawals_by_state"] == {"under_review": 1, "completed": 1}
    assert set(report["review_reasons"]) >= {"destination.new"}
    assert (report["unfinished"], report["invariant_breaches"]) == ({}, 0)
    assert report["worked_off_by"] == "this command itself, as no worker is running"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_workers_and_no_provider")
def test_the_command_says_what_became_of_the_file(record: Path) -> None:
    out = StringIO()
    call_command("replay_payments", str(record), stdout=out)

    said = out.getvalue()
    assert "negative amount: line 8 ('-10')" in said
    assert "1 wins, $400.50, after stakes of $150.00" in said
    assert said.rstrip().endswith("All 10 rows accounted for, 0 invariant breaches.")


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(not REAL, reason="PAYMENTS_FILE names no file of recorded payments")
def test_real_payments_of_twenty_customers() -> None:
    taken = replay(Path(REAL), customers=20)

    assert taken.tally.rows.total() == 325_368
    assert taken.tally.players == 20
    assert taken.tally.rows["deposits"] > 100
    assert len(taken.tally.withdrawals) == Withdrawal.objects.count() == taken.tally.rows["withdrawals"]
