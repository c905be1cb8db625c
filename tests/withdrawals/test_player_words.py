"""What players may read: a sentence for every state, and never a word about suspicion or law."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from withdrawals import reasons
from withdrawals.player_words import Situation, sentence, status_of
from withdrawals.states import HoldKind, State

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
FORBIDDEN = re.compile(
    r"fraud|suspic|suspect|law|legal|hold|freez|frozen|linked|takeover|mule|collusion|stolen|abuse|risk|check|score"
    r"|compliance|second|provider[^.]*paused|laundering|approval",
    re.IGNORECASE,
)
NEUTRAL = "Declined. We could not approve this withdrawal. The money is back in your balance."
LOOKING = "We are looking at your request; you hear from us by 22 November 2026, 14:00 UTC."
LATE = "We are looking at your request. It takes longer than usual; you need not do anything."
ALL_REASONS = sorted({reason.code for found in reasons.BY_MOVE.values() for reason in found} | {"", "fraud.FR01", "x"})


def situation(state: str, **fields: object) -> Situation:
    fields = {"due_at": AT + timedelta(hours=2), **fields}
    return Situation(state=state, at=AT, destination="Visa •••• 4417", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "fields", "expected"),
    [
        (State.REQUESTED, {}, "We have your request."),
        (State.UNDER_REVIEW, {}, LOOKING),
        (State.SECOND_APPROVAL, {}, LOOKING),
        (State.UNDER_REVIEW, {"is_late": True}, LATE),
        (State.ON_HOLD, {"hold_kind": "legal", "reason": "legal", "is_late": True}, LATE),
        (State.ON_HOLD, {"hold_kind": "internal", "reason": "waiting_colleague"}, LOOKING),
        (State.ON_HOLD, {"hold_kind": "provider", "reason": "waiting_provider"}, LOOKING),
        (State.ON_HOLD, {"hold_kind": "legal", "reason": "legal"}, LOOKING),
        (State.ON_HOLD, {"hold_kind": "player", "reason": "waiting_document"}, "We need a document from you."),
        (
            State.ON_HOLD,
            {"hold_kind": "player", "reason": "waiting_player", "wake_at": datetime(2026, 11, 25, tzinfo=UTC)},
            "We need an answer from you. Please reply by 25 November 2026.",
        ),
        (State.APPROVED, {}, "Approved; it is being sent."),
        (State.PROCESSING, {}, "Being paid."),
        (State.OUTCOME_UNKNOWN, {}, "Being paid, taking longer than usual."),
        (State.COMPLETED, {}, "Paid on 22 November 2026 to Visa •••• 4417."),
        (
            State.REJECTED,
            {"reason": "destination_not_owned"},
            "Declined. The account is not in your name. Please use your own.",
        ),
        (State.REJECTED, {"reason": "suspected_takeover"}, NEUTRAL),
        (State.REJECTED, {"reason": "linked_account"}, NEUTRAL),
        (State.REJECTED, {"reason": "other"}, NEUTRAL),
        (State.REJECTED, {"reason": "fraud_mule"}, NEUTRAL),
        (State.REJECTED, {"reason": "limits.blocked"}, NEUTRAL),
        (
            State.CANCELLED,
            {"reason": "player_asked"},
            "Cancelled as you asked. The money is back in your balance.",
        ),
        (
            State.CANCELLED,
            {"reason": "expired"},
            "Expired. We did not get the answer that we asked for in time. The money is back in your balance.",
        ),
        (State.FAILED, {"reason": "account_closed"}, "Could not be paid. The money is back in your balance."),
        (State.RETURNED, {}, "Your bank or payment provider sent it back; we will tell you what happens next."),
    ],
)
def test_each_state_has_its_sentence(state: str, fields: dict[str, object], expected: str) -> None:
    assert sentence(situation(state, **fields)) == expected


@pytest.mark.parametrize("state", State.values)
@pytest.mark.parametrize("reason", ALL_REASONS)
def test_no_sentence_says_more_than_it_may(state: str, reason: str) -> None:
    for kind in HoldKind.values if state == State.ON_HOLD else [""]:
        for late in (False, True):
            words = sentence(situation(state, reason=reason, hold_kind=kind, is_late=late))
            assert words.endswith(".")
            assert not FORBIDDEN.search(words), words


@pytest.mark.parametrize("state", State.values)
def test_the_status_hides_the_kind_of_hold(state: str) -> None:
    for kind in HoldKind.values:
        told = status_of(state, kind)
        hidden = state == State.ON_HOLD and kind != HoldKind.PLAYER
        assert told == ("under_review" if hidden else state)
