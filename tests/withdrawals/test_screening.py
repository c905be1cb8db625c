"""Screening: what each check says, who must look then, and what the queue shows of it."""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from kyc.models import Player
from tests.conftest import NOW
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import PLATFORM, fund, make_clean_player, make_destination, open_withdrawal
from withdrawals import checks, reasons
from withdrawals.checks.outcome import Outcome, Severity, decline, note, passed, review
from withdrawals.models import Finding, Limit, Withdrawal
from withdrawals.operations import requests, screening, validity
from withdrawals.states import Move, State

pytestmark = pytest.mark.django_db

S = State


def screened(withdrawal: Withdrawal, *, now: datetime = NOW) -> Withdrawal:
    result = screening.screen(withdrawal.pk, now=now)
    assert result is not None
    return Withdrawal.objects.get(pk=withdrawal.pk)


def said(withdrawal: Withdrawal) -> dict[str, str]:
    """What the checks said of a withdrawal: outcome by code."""
    return dict(withdrawal.check_results.filter(is_current=True).values_list("code", "outcome"))


@pytest.fixture
def clean() -> Player:
    return make_clean_player()


# -- the automatic lane ---------------------------------------------------------------------------------


def test_what_every_check_passes_is_approved_by_nobody(clean: Player) -> None:
    withdrawal = screened(open_withdrawal(player=clean))
    assert (withdrawal.state, withdrawal.required_approvals, withdrawal.risk_level) == (S.APPROVED, 0, "low")
    assert said(withdrawal) == {"identity": "pass", "destination": "pass", "limits": "pass", "fraud": "pass"}
    # A shared destination is a fraud indicator of another check: this line must not deny it.
    assert withdrawal.check_results.get(code="fraud").title == "No signals in play and deposits"
    assert withdrawal.fingerprint == withdrawal.fingerprint_now()
    assert not withdrawal.is_flagged


def test_a_screening_that_comes_twice_does_nothing(clean: Player) -> None:
    withdrawal = screened(open_withdrawal(player=clean))
    assert screening.screen(withdrawal.pk, now=NOW) is None
    assert withdrawal.check_results.count() == 4


def test_the_lane_can_be_switched_off(clean: Player, settings: Any) -> None:
    settings.AUTOMATIC_LANE = False
    withdrawal = screened(open_withdrawal(player=clean))
    assert (withdrawal.state, withdrawal.required_approvals) == (S.UNDER_REVIEW, 1)


@pytest.mark.parametrize(
    ("amount", "state", "approvals"),
    [
        (100_000, S.APPROVED, 0),
        (100_001, S.UNDER_REVIEW, 1),
        (1_000_000, S.UNDER_REVIEW, 1),
        (1_000_001, S.UNDER_REVIEW, 2),
    ],
)
def test_the_amount_says_how_many_must_look(amount: int, state: State, approvals: int, clean: Player) -> None:
    Limit.objects.all().delete()
    fund(clean, 5_000_000)
    withdrawal = screened(open_withdrawal(player=clean, amount=amount))
    assert withdrawal.required_approvals == approvals
    if not any(outcome == "review" for outcome in said(withdrawal).values()):
        assert withdrawal.state == state


def test_an_amount_without_a_rate_always_takes_two(clean: Player, settings: Any) -> None:
    settings.REFERENCE_RATES = {"EUR": "1"}
    withdrawal = screened(open_withdrawal(player=clean, currency="USD"))
    assert (withdrawal.state, withdrawal.required_approvals) == (S.UNDER_REVIEW, 2)
    assert said(withdrawal)["limits.no_rate"] == "review"


# -- each check -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("standing", "outcome"),
    [
        ({"verified": True}, "pass"),
        ({"expiring": True}, "pass"),
        ({"expired": True}, "review"),
        ({"pending": True}, "review"),
        ({"rejected": True}, "review"),
        ({}, "review"),
        ({"verified": True, "excluded": True}, "note"),
        ({"verified": True, "is_suspended": True}, "note"),
    ],
)
def test_identity(standing: dict[str, bool], outcome: str) -> None:
    withdrawal = screened(open_withdrawal(player=PlayerFactory(**standing)))
    assert said(withdrawal)["identity"] == outcome


def test_an_exclusion_alone_stops_nothing(clean: Player) -> None:
    Player.objects.filter(pk=clean.pk).update(self_excluded=True)
    withdrawal = screened(open_withdrawal(player=clean))
    assert (withdrawal.state, said(withdrawal)["identity"]) == (S.APPROVED, "note")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "destination"),
        ({"owned": False}, "destination.not_owned"),
        ({"at": NOW - timedelta(hours=71)}, "destination.new"),
        ({"at": NOW - timedelta(hours=72)}, "destination"),
    ],
)
def test_destination(fields: dict[str, Any], code: str, clean: Player) -> None:
    destination = make_destination(clean, **fields)
    withdrawal = screened(open_withdrawal(player=clean, destination=destination))
    outcome = "pass" if code == "destination" else "review"
    assert said(withdrawal)[code] == outcome
    assert withdrawal.state == (S.APPROVED if outcome == "pass" else S.UNDER_REVIEW)


def test_a_shared_destination_is_flagged(clean: Player) -> None:
    destination = make_destination(clean)
    for _number in range(2):
        make_destination(PlayerFactory(), account=destination.account)
    withdrawal = screened(open_withdrawal(player=clean, destination=destination))
    assert said(withdrawal)["destination.shared"] == "review"
    assert withdrawal.is_flagged
    assert "Bank account shared with 2 other players" in withdrawal.why


def test_fraud_indicators_flag_and_score() -> None:
    """A player of whom nothing is known but that they want all of it out."""
    withdrawal = screened(open_withdrawal())
    assert withdrawal.state == S.UNDER_REVIEW
    assert withdrawal.is_flagged
    assert withdrawal.risk_score == sum(withdrawal.check_results.values_list("points", flat=True))
    assert {code for code, outcome in said(withdrawal).items() if outcome == "review"} >= {"fraud.FR00"}


@pytest.mark.parametrize(
    ("cap", "effect", "state", "code"),
    [
        ({"period": "request", "cap_amount": 18_000}, "review", S.APPROVED, "limits"),
        ({"period": "request", "cap_amount": 17_999}, "review", S.UNDER_REVIEW, "limits"),
        ({"period": "day", "cap_amount": 0}, "review", S.UNDER_REVIEW, "limits"),
        ({"period": "day", "cap_count": 0}, "review", S.UNDER_REVIEW, "limits"),
        ({"period": "day", "cap_count": 1}, "review", S.APPROVED, "limits"),
        ({"period": "week", "cap_amount": 17_999}, "block", S.REJECTED, "limits.blocked"),
        ({"period": "month", "cap_count": 0}, "block", S.REJECTED, "limits.blocked"),
    ],
)
def test_limits(cap: dict[str, Any], effect: str, state: State, code: str, clean: Player) -> None:
    Limit.objects.all().delete()
    Limit.objects.create(scope="player", effect=effect, **cap)
    withdrawal = screened(open_withdrawal(player=clean))
    assert withdrawal.state == state
    assert said(withdrawal)[code] == {S.APPROVED: "pass", S.UNDER_REVIEW: "review", S.REJECTED: "decline"}[state]


def test_limits_count_what_was_asked_for_and_not_what_was_refused(clean: Player) -> None:
    Limit.objects.all().delete()
    Limit.objects.create(scope="player", period="day", cap_count=2, effect="review")
    refused = open_withdrawal(player=clean)
    Withdrawal.advance(refused.pk, Move.DECLINE, actor=screening.SCREENING, now=NOW, reason="limits.blocked")
    outcomes = [said(screened(open_withdrawal(player=clean)))["limits"] for _number in range(3)]
    assert outcomes == ["pass", "pass", "review"]


def test_a_player_who_was_overpaid_waits_for_a_person_until_that_is_settled(clean: Player) -> None:
    before = open_withdrawal(player=clean)
    incident = Finding.objects.create(
        withdrawal=before,
        provider="northgate",
        kind="paid_after_release",
        stops_payouts=True,
        words="",
        at=NOW,
        key="incident",
    )
    assert said(screened(open_withdrawal(player=clean)))["incident.open"] == "review"
    Finding.objects.filter(pk=incident.pk).update(resolved_at=NOW)
    assert "incident.open" not in said(screened(open_withdrawal(player=clean)))


def test_an_account_in_another_name_is_for_a_person(clean: Player) -> None:
    other = make_destination(clean, holder="Completely Different")
    withdrawal = screened(open_withdrawal(player=clean, destination=other))
    assert (withdrawal.state, said(withdrawal)["destination.other_name"]) == (S.UNDER_REVIEW, "review")
    turned = make_destination(clean, holder=" ".join(reversed(clean.name.upper().split())))
    assert said(screened(open_withdrawal(player=clean, destination=turned)))["destination"] == "pass"


def test_a_shared_destination_is_for_a_fraud_analyst_whatever_the_score(clean: Player) -> None:
    destination = make_destination(clean)
    make_destination(PlayerFactory(), account=destination.account)
    withdrawal = screened(open_withdrawal(player=clean, destination=destination))
    assert (withdrawal.risk_score, withdrawal.risk_level) == (50, "high")
    assert withdrawal.needs_fraud_analyst


# -- asked again, before an approval and before a payout --------------------------------------------------


def test_what_the_stored_checks_know_is_no_objection(clean: Player) -> None:
    withdrawal = screened(open_withdrawal(player=clean, destination=make_destination(clean, owned=False)))
    assert validity.objection_to(withdrawal, now=NOW) is None


def test_what_came_up_since_is_news(clean: Player) -> None:
    destination = make_destination(clean)
    withdrawal = screened(open_withdrawal(player=clean, destination=destination, amount=150_000))
    make_destination(PlayerFactory(), account=destination.account)
    objection = validity.objection_to(withdrawal, now=NOW)
    assert objection is not None and objection.is_news
    assert "also used by 1 other player" in objection.sentence


@pytest.mark.parametrize("code", sorted(validity.BLOCKING))
def test_what_no_approval_outweighs(code: str, clean: Player) -> None:
    withdrawal, day = screened(open_withdrawal(player=clean, amount=150_000)), NOW
    if code == "identity":
        day = NOW + timedelta(days=1000)
    elif code == "limits.blocked":
        Limit.objects.create(scope="player", period="day", cap_amount=1, effect="block")
    else:
        other = open_withdrawal(player=clean)
        Finding.objects.create(withdrawal=other, provider="volta", kind="x", stops_payouts=True, at=NOW, key="k")
    objection = validity.objection_to(withdrawal, now=day)
    assert objection is not None and not objection.is_news
    assert objection.sentence.startswith("Cannot approve: ")
    assert reasons.label_of(objection.code) != objection.code


def test_screening_again_shows_what_is_true_now_and_moves_nothing(clean: Player) -> None:
    destination = make_destination(clean)
    withdrawal = screened(open_withdrawal(player=clean, destination=destination, amount=150_000))
    destination.owned = False
    destination.save()
    screening.screen_again(withdrawal.pk, now=NOW)
    now = Withdrawal.objects.get(pk=withdrawal.pk)
    assert (now.state, now.version, now.why) == (S.UNDER_REVIEW, withdrawal.version, ["Payout details not proved"])
    assert validity.objection_to(now, now=NOW) is None


# -- together -------------------------------------------------------------------------------------------


def answers(monkeypatch: pytest.MonkeyPatch, *outcomes: Outcome | Exception) -> None:
    """Let the checks say this instead."""

    def check(outcome: Outcome | Exception) -> Callable[..., Outcome]:
        def answer(_withdrawal: Withdrawal, *, now: datetime) -> Outcome:
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return answer

    monkeypatch.setattr(checks, "CHECKS", tuple(check(outcome) for outcome in outcomes))


PASS, NOTE = passed("a", "Fine"), note("b", "Note", "Worth knowing.")
REVIEW = review("c", "Look", "Somebody must look.", short="Look", points=40)
DECLINE = decline("limits.blocked", "Blocked", "Over the cap.")


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ((PASS, NOTE), S.APPROVED),
        ((PASS, REVIEW, NOTE), S.UNDER_REVIEW),
        ((REVIEW, DECLINE, PASS), S.REJECTED),
        ((PASS, decline("fraud.FR01", "No", "A suspicion.")), S.UNDER_REVIEW),
        ((PASS, RuntimeError("the check fell over")), S.UNDER_REVIEW),
        ((DECLINE, RuntimeError("the check fell over")), S.REJECTED),
    ],
    ids=["all pass", "one review", "hard refusal", "no hard refusal", "one fails", "one fails beside a refusal"],
)
def test_the_most_severe_wins(
    outcomes: tuple[Any, ...], state: State, monkeypatch: pytest.MonkeyPatch, clean: Player
) -> None:
    answers(monkeypatch, *outcomes)
    withdrawal = screened(open_withdrawal(player=clean))
    assert withdrawal.state == state
    assert withdrawal.check_results.count() == len(outcomes)


def test_a_failing_statement_in_one_check_spares_the_others(monkeypatch: pytest.MonkeyPatch, clean: Player) -> None:
    def broken(_withdrawal: Withdrawal, *, now: datetime) -> Outcome:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
        return PASS

    monkeypatch.setattr(checks, "CHECKS", (broken, *checks.CHECKS))
    withdrawal = screened(open_withdrawal(player=clean))
    codes = said(withdrawal)
    assert withdrawal.state == S.UNDER_REVIEW
    assert len(codes) == 5
    assert [code for code, outcome in codes.items() if outcome == "review"] == [c for c in codes if "error." in c]
    assert withdrawal.why == ["A check could not run"]


def test_points_add_up_to_a_level(monkeypatch: pytest.MonkeyPatch, clean: Player) -> None:
    answers(monkeypatch, REVIEW, review("d", "Too", "Also.", points=80))
    withdrawal = screened(open_withdrawal(player=clean))
    assert (withdrawal.risk_score, withdrawal.risk_level, withdrawal.needs_fraud_analyst) == (100, "high", True)
    assert [result.severity for result in checks.run_all(withdrawal, now=NOW)] == [Severity.REVIEW] * 2


def test_a_stale_approval_of_the_machine_is_refused_by_the_door(clean: Player) -> None:
    withdrawal = open_withdrawal(player=clean)
    with pytest.raises(Exception, match="not possible"):
        Withdrawal.advance(withdrawal.pk, Move.CLEAR, actor=screening.SCREENING, now=NOW)


@pytest.fixture
def one_a_day(transactional_db: None) -> Player:
    Limit.objects.all().delete()
    Limit.objects.create(scope="player", period="day", cap_count=1, effect="review")
    player = make_clean_player()
    fund(player, 100_000)
    return player


def ask(player: Player, key: str, now: datetime) -> Withdrawal:
    destination = player.destinations.get()
    withdrawal, _created = requests.request_withdrawal(
        player=player, destination_id=destination.external_id, amount="40.00", currency="EUR",
        key=key, source="test", actor=PLATFORM, now=now,
    )  # fmt: skip
    return withdrawal


def test_of_two_requests_at_once_one_sees_the_other(one_a_day: Player) -> None:
    """The first is asked for and not yet committed while the second, with the earlier clock, comes."""
    make_destination(one_a_day)
    asked, pair = threading.Event(), {}

    def slowly() -> None:
        with transaction.atomic():
            pair["slow"] = ask(one_a_day, "slow", NOW)
            asked.set()
            time.sleep(0.7)
        connection.close()

    def at_once() -> None:
        asked.wait(30)
        pair["quick"] = ask(one_a_day, "quick", NOW - timedelta(milliseconds=5))
        screening.screen(pair["quick"].pk, now=NOW)
        connection.close()

    threads = [threading.Thread(target=slowly), threading.Thread(target=at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    screening.screen(pair["slow"].pk, now=NOW)
    assert {name: said(withdrawal)["limits"] for name, withdrawal in pair.items()} == {
        "slow": "pass",
        "quick": "review",
    }


def test_the_order_of_requests_is_not_the_order_of_their_clocks(one_a_day: Player) -> None:
    make_destination(one_a_day)
    first, second = ask(one_a_day, "1", NOW), ask(one_a_day, "2", NOW - timedelta(seconds=1))
    assert said(screened(second))["limits"] == "review"
    assert said(screened(first))["limits"] == "pass"
