"""Screening: what each check says, who must look then, and what the queue shows of it."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from kyc.models import Player
from tests.conftest import NOW
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import fund, make_clean_player, make_destination, open_withdrawal
from withdrawals import checks
from withdrawals.checks.outcome import Outcome, Severity, decline, note, passed, review
from withdrawals.models import Finding, Limit, Withdrawal
from withdrawals.operations import screening
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
        withdrawal=before, provider="northgate", kind="paid_after_release", words="", at=NOW, key="incident"
    )
    assert said(screened(open_withdrawal(player=clean)))["incident.overpaid"] == "review"
    Finding.objects.filter(pk=incident.pk).update(resolved_at=NOW)
    assert "incident.overpaid" not in said(screened(open_withdrawal(player=clean)))


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


@pytest.mark.django_db(transaction=True)
def test_of_two_requests_at_once_the_later_one_sees_the_earlier() -> None:
    Limit.objects.all().delete()
    Limit.objects.create(scope="player", period="day", cap_count=1, effect="review")
    player = make_clean_player()
    pair = [open_withdrawal(player=player) for _number in range(2)]
    barrier = threading.Barrier(2)

    def screen(pk: int) -> None:
        barrier.wait(30)
        screening.screen(pk, now=NOW)
        connection.close()

    threads = [threading.Thread(target=screen, args=(withdrawal.pk,)) for withdrawal in reversed(pair)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [said(withdrawal)["limits"] for withdrawal in pair] == ["pass", "review"]
