"""What a provider says, against every state: the matrix of events, repeats, every order, strangers."""

import dataclasses
import itertools
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from backoffice.accounts.models import User
from backoffice.audit.actors import PAYOUTS, SCREENING
from backoffice.audit.models import AuditEntry
from ledger import queries as ledger
from ledger.models import Entry
from providers import gateway
from providers.contract import PayoutReceipt, PayoutStatus
from providers.models import WebhookDelivery
from providers.registry import BY_CODE
from sandbox.dialects import native
from tests.conftest import NOW
from tests.factories.withdrawals import PLATFORM, make_withdrawal, open_withdrawal
from withdrawals import verification
from withdrawals.exceptions import IllegalMove
from withdrawals.models import Finding, PayoutAttempt, Withdrawal
from withdrawals.operations import holds, inbox, receipts
from withdrawals.states import Move, State

pytestmark = pytest.mark.django_db

S = State
LATER = NOW + timedelta(minutes=1)
STATUS = {
    "accepted": PayoutStatus.PENDING,
    "paid": PayoutStatus.PAID,
    "failed": PayoutStatus.FAILED,
    "returned": PayoutStatus.RETURNED,
    "unmapped": PayoutStatus.UNKNOWN,
}
KINDS = ("accepted", "paid", "failed", "returned")


@dataclass(frozen=True)
class Row:
    """One cell of the matrix: what an event does to a withdrawal in a state."""

    state: str
    kind: str
    after: State
    finding: str = ""
    books: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        other = "-".join(str(value) for value in self.facts.values())
        return "-".join(filter(None, [self.state, self.kind, other]))


RELEASED = ("failed", "cancelled", "rejected")
ENDED_AS = {"failed": "failed", "cancelled": "not_sent", "rejected": "not_sent", "approved": "not_sent"}

MATRIX: tuple[Row, ...] = (
    Row("approved", "accepted", S.UNDER_REVIEW, "accepted_after_not_sent"),
    Row("approved", "paid", S.UNDER_REVIEW, "paid_after_not_sent", ("paid_after_release",)),
    Row("approved", "failed", S.APPROVED),
    Row("approved", "returned", S.APPROVED, "returned_after_not_sent"),
    Row("processing", "accepted", S.PROCESSING),
    Row("processing", "paid", S.COMPLETED, "", ("settle",)),
    Row("processing", "failed", S.FAILED, "", ("back_from_transit", "unreserve")),
    Row("processing", "returned", S.PROCESSING, "return_before_paid"),
    Row("processing", "unmapped", S.OUTCOME_UNKNOWN, "unmapped_status"),
    Row("outcome_unknown", "accepted", S.PROCESSING),
    Row("outcome_unknown", "paid", S.COMPLETED, "", ("settle",)),
    Row("outcome_unknown", "failed", S.FAILED, "", ("back_from_transit", "unreserve")),
    Row("outcome_unknown", "returned", S.OUTCOME_UNKNOWN, "return_before_paid"),
    Row("outcome_unknown", "unmapped", S.OUTCOME_UNKNOWN, "unmapped_status"),
    Row("completed", "accepted", S.COMPLETED),
    Row("completed", "paid", S.COMPLETED),
    Row("completed", "failed", S.COMPLETED, "failed_after_paid"),
    Row("completed", "returned", S.RETURNED, "", ("returned",)),
    Row("completed", "unmapped", S.COMPLETED, "unmapped_status"),
    *(Row(state, "accepted", S(state), f"accepted_after_{ENDED_AS[state]}") for state in RELEASED),
    *(Row(state, "paid", S(state), "paid_after_release", ("paid_after_release",)) for state in RELEASED),
    *(Row(state, "failed", S(state)) for state in RELEASED),
    *(Row(state, "returned", S(state), f"returned_after_{ENDED_AS[state]}") for state in RELEASED),
    Row("returned", "accepted", S.RETURNED),
    Row("returned", "paid", S.RETURNED, "paid_after_return"),
    Row("returned", "paid", S.RETURNED, facts={"occurred_at": NOW - timedelta(seconds=1)}),
    Row("returned", "failed", S.RETURNED),
    Row("returned", "returned", S.RETURNED),
    # Another amount, currency, withdrawal or payout than was asked for: never a move, always a finding.
    *(
        Row(state, kind, S(state), finding, facts=facts)
        for state in ("approved", "processing", "outcome_unknown", "completed", *RELEASED, "returned")
        for kind in ("paid", "failed", "returned")
        for finding, facts in (
            ("amount_differs", {"amount": 18_001}),
            ("amount_differs", {"currency": "USD"}),
            ("reference_differs", {"reference": "WD-0000-0000"}),
            ("key_differs", {"key": "0190b5f0-1111-5222-8333-444455556666"}),
        )
    ),
    Row("completed", "paid", S.COMPLETED, "second_payout", facts={"provider_reference": "ng-other"}),
)


def test_the_table_is_complete() -> None:
    states = {"approved", "processing", "outcome_unknown", "completed", *RELEASED, "returned"}
    assert {(row.state, row.kind) for row in MATRIX if not row.facts} >= set(itertools.product(states, KINDS))


@pytest.fixture
def with_attempt(operator: User) -> Callable[[str], PayoutAttempt]:
    """Bring a withdrawal to a state with an attempt behind it, live or ended; return the attempt."""

    def make(state: str) -> PayoutAttempt:
        if state in ("approved", "cancelled", "rejected"):
            withdrawal = make_withdrawal(S.PROCESSING, by=operator)
            move(withdrawal, Move.REROUTE, PAYOUTS, outcome="not_sent")
            if state == "cancelled":
                move(withdrawal, Move.CANCEL, PLATFORM, reason="player_asked")
            elif state == "rejected":
                move(withdrawal, Move.RECALL, PAYOUTS, reason="new_fact")
                move(withdrawal, Move.REJECT, operator, reason="terms_not_met")
        else:
            withdrawal = make_withdrawal(S(state), by=operator)
        attempt = withdrawal.attempts.get()
        PayoutAttempt.objects.filter(pk=attempt.pk).update(last_receipt_at=NOW)
        return PayoutAttempt.objects.select_related("withdrawal").get(pk=attempt.pk)

    return make


def move(withdrawal: Withdrawal, name: Move, actor: Any, **facts: Any) -> None:
    Withdrawal.advance(withdrawal.pk, name, actor=actor, now=NOW, **facts)


def receipt(attempt: PayoutAttempt, kind: str, **facts: Any) -> PayoutReceipt:
    told: dict[str, Any] = {
        "status": STATUS[kind],
        "provider_reference": attempt.provider_reference or "ng-1",
        "reference": attempt.withdrawal.ref,
        "key": str(attempt.key),
        "amount": attempt.amount,
        "currency": attempt.currency,
        "occurred_at": LATER,
        "raw_status": kind,
    }
    return PayoutReceipt(**{**told, **facts})


def tell(attempt: PayoutAttempt, kind: str, *, source: str = "webhook", **facts: Any) -> None:
    receipts.apply(attempt, receipt(attempt, kind, **facts), now=LATER, source=source)


def state_of(attempt: PayoutAttempt) -> str:
    return Withdrawal.objects.values_list("state", flat=True).get(pk=attempt.withdrawal_id)


def findings_of(attempt: PayoutAttempt) -> list[str]:
    return sorted(Finding.objects.filter(withdrawal_id=attempt.withdrawal_id).values_list("kind", flat=True))


def counts() -> tuple[int, ...]:
    return (Entry.objects.count(), Finding.objects.count(), AuditEntry.objects.filter(step__isnull=False).count())


def nothing_is_in_breach() -> None:
    connection.check_constraints()
    assert [breach for breach in verification.check() if breach.count] == []


@pytest.mark.parametrize("row", MATRIX, ids=str)
def test_the_matrix_of_events(row: Row, with_attempt: Callable[[str], PayoutAttempt]) -> None:
    attempt = with_attempt(row.state)
    known = set(Entry.objects.values_list("pk", flat=True))
    tell(attempt, row.kind, **row.facts)
    booked = Entry.objects.exclude(pk__in=known).order_by("pk").values_list("kind", flat=True)
    assert (state_of(attempt), findings_of(attempt), tuple(booked)) == (
        row.after,
        [row.finding] if row.finding else [],
        row.books,
    )
    nothing_is_in_breach()

    before = counts()
    tell(attempt, row.kind, **row.facts)
    assert counts() == before
    assert state_of(attempt) == row.after
    nothing_is_in_breach()


# What the provider lived through, in its own order, and where we must be once we have been told all of it.
STORIES = (
    (("accepted", "paid"), S.COMPLETED),
    (("accepted", "failed"), S.FAILED),
    (("accepted", "paid", "returned"), S.RETURNED),
)
ORDERS = [
    pytest.param(order, after, id="-".join(kind for _at, kind in order))
    for story, after in STORIES
    for order in itertools.permutations(list(enumerate(story)))
]


@pytest.mark.parametrize(("order", "after"), ORDERS)
@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize("state", ["processing", "outcome_unknown"])
def test_every_order_ends_in_the_same_state(
    state: str, copies: int, order: Any, after: State, with_attempt: Callable[[str], PayoutAttempt]
) -> None:
    attempt = with_attempt(state)
    for happened, kind in order:
        for _copy in range(copies):
            tell(attempt, kind, occurred_at=LATER + timedelta(seconds=happened))
            nothing_is_in_breach()
    # An event that came out of turn made us ask; this is the answer.
    if Withdrawal.objects.filter(pk=attempt.withdrawal_id, next_step_at__lte=LATER).exists():
        tell(attempt, "returned", source="poll", occurred_at=LATER + timedelta(seconds=9))
    assert state_of(attempt) == after
    assert not Finding.objects.filter(resolved_at=None, kind="return_before_paid").exists()
    nothing_is_in_breach()


def test_a_return_told_first_asks_and_believes_the_answer(with_attempt: Callable[[str], PayoutAttempt]) -> None:
    attempt = with_attempt("processing")
    tell(attempt, "returned")
    assert Withdrawal.objects.get(pk=attempt.withdrawal_id).next_step_at == LATER
    tell(attempt, "returned", source="poll")
    assert state_of(attempt) == S.RETURNED
    assert set(Entry.objects.values_list("kind", flat=True)) >= {"settle", "returned"}
    nothing_is_in_breach()


def test_failed_after_paid_asks_once_and_never_goes_back(with_attempt: Callable[[str], PayoutAttempt]) -> None:
    attempt = with_attempt("completed")
    tell(attempt, "failed")
    assert Withdrawal.objects.get(pk=attempt.withdrawal_id).next_step_at == LATER
    Withdrawal.objects.filter(pk=attempt.withdrawal_id).update(next_step_at=None)
    tell(attempt, "failed", source="poll")
    assert (state_of(attempt), findings_of(attempt)) == (S.COMPLETED, ["failed_after_paid"])
    assert Withdrawal.objects.get(pk=attempt.withdrawal_id).next_step_at is None


def test_paid_after_release_is_an_incident_until_the_money_comes_back(
    with_attempt: Callable[[str], PayoutAttempt],
) -> None:
    attempt = with_attempt("failed")
    holder = str(attempt.withdrawal.player_id)
    tell(attempt, "paid")
    tell(attempt, "paid")
    assert ledger.balance_of(kind="overpaid_receivable", holder=holder, currency="EUR") == -18_000
    assert ledger.balance_of(kind="player_cash", holder=holder, currency="EUR") == 18_000
    assert Finding.objects.get(kind="paid_after_release").resolved_at is None
    tell(attempt, "returned")
    assert Finding.objects.get(kind="paid_after_release").resolved_at == LATER
    tell(attempt, "returned")
    assert findings_of(attempt) == ["paid_after_release", "returned_after_failed"]
    nothing_is_in_breach()


def test_paid_by_an_ended_attempt_stops_the_second_one(with_attempt: Callable[[str], PayoutAttempt]) -> None:
    attempt = with_attempt("approved")
    tell(attempt, "paid")
    withdrawal = Withdrawal.objects.get(pk=attempt.withdrawal_id)
    assert (withdrawal.state, withdrawal.reason) == (S.UNDER_REVIEW, "money_may_be_out")
    assert withdrawal.approver_ids() == set()
    assert withdrawal.why[0] == "Recalled: The money may be out already"
    nothing_is_in_breach()


@pytest.mark.parametrize(
    ("name", "reason"),
    [(Move.APPROVE, ""), (Move.REJECT, "terms_not_met"), (Move.CANCEL, "player_asked")],
)
def test_nothing_moves_money_that_may_be_out(
    name: Move, reason: str, with_attempt: Callable[[str], PayoutAttempt], operator: User
) -> None:
    attempt = with_attempt("approved")
    tell(attempt, "paid")
    actor = PLATFORM if name == Move.CANCEL else operator
    with pytest.raises(IllegalMove, match="this money went out"):
        move(attempt.withdrawal, name, actor, reason=reason)
    Finding.objects.update(resolved_at=LATER)
    move(attempt.withdrawal, name, actor, reason=reason)
    nothing_is_in_breach()


def test_an_accepted_attempt_that_had_ended_stops_the_payout_too(
    with_attempt: Callable[[str], PayoutAttempt], operator: User
) -> None:
    attempt = with_attempt("approved")
    tell(attempt, "accepted")
    with pytest.raises(IllegalMove, match="this money went out"):
        move(attempt.withdrawal, Move.APPROVE, operator)


def test_the_database_stops_it_as_well(with_attempt: Callable[[str], PayoutAttempt], operator: User) -> None:
    attempt = with_attempt("approved")
    tell(attempt, "paid")
    with pytest.raises(IntegrityError, match="may be out already"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE withdrawals_withdrawal SET state = 'cancelled', reason = 'x', closed_at = now() WHERE id = %s",
            [attempt.withdrawal_id],
        )


def test_a_hold_does_not_expire_into_a_cancellation_of_money_that_may_be_out(
    with_attempt: Callable[[str], PayoutAttempt], operator: User
) -> None:
    attempt = with_attempt("approved")
    tell(attempt, "paid")
    move(attempt.withdrawal, Move.HOLD, operator, reason="waiting_player", kind="player", wake_at=LATER)
    with pytest.raises(IllegalMove):
        holds.wake(attempt.withdrawal_id, now=LATER)
    assert state_of(attempt) == S.ON_HOLD


def test_the_second_attempt_fails_and_the_first_may_have_paid(
    with_attempt: Callable[[str], PayoutAttempt],
) -> None:
    first = with_attempt("approved")
    move(first.withdrawal, Move.START_PAYOUT, PAYOUTS, provider="volta", trace=[])
    tell(first, "paid")
    second = first.withdrawal.attempts.get(number=2)
    for lost in (False, True):
        if lost:
            move(first.withdrawal, Move.LOSE_TRACK, PAYOUTS)
        with transaction.atomic():
            tell(second, "failed")
            assert state_of(first) == S.UNDER_REVIEW, "the money is not given back"
            nothing_is_in_breach()
            transaction.set_rollback(True)


def test_entry_d_is_taken_back_when_the_money_comes_back(with_attempt: Callable[[str], PayoutAttempt]) -> None:
    attempt = with_attempt("failed")
    holder = str(attempt.withdrawal.player_id)
    tell(attempt, "paid")
    tell(attempt, "returned")
    assert ledger.balance_of(kind="overpaid_receivable", holder=holder, currency="EUR") == 0
    nothing_is_in_breach()


def test_a_return_books_what_was_sent_without_the_fee(operator: User) -> None:
    withdrawal = open_withdrawal()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE withdrawals_withdrawal SET fee = 500 WHERE id = %s", [withdrawal.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
    move(withdrawal, Move.REFER, SCREENING)
    move(withdrawal, Move.APPROVE, operator)
    move(withdrawal, Move.START_PAYOUT, PAYOUTS, provider="northgate", trace=[])
    move(withdrawal, Move.COMPLETE, PAYOUTS, provider_reference="ng-1")
    move(withdrawal, Move.TAKE_BACK, PAYOUTS)
    assert ledger.balance_of(kind="returns_held", holder="northgate", currency="EUR") == 17_500
    nothing_is_in_breach()


def test_paid_by_an_ended_attempt_while_another_one_is_out_changes_nothing(
    with_attempt: Callable[[str], PayoutAttempt],
) -> None:
    first = with_attempt("approved")
    move(first.withdrawal, Move.START_PAYOUT, PAYOUTS, provider="volta", trace=[])
    tell(first, "paid")
    assert (state_of(first), findings_of(first)) == (S.PROCESSING, ["paid_after_not_sent"])
    nothing_is_in_breach()


def test_failed_is_no_proof_where_the_provider_does_not_say_so(
    with_attempt: Callable[[str], PayoutAttempt], monkeypatch: pytest.MonkeyPatch
) -> None:
    northgate = BY_CODE["northgate"]
    loose = dataclasses.replace(northgate.capabilities, failed_is_final=False)
    monkeypatch.setitem(BY_CODE, "northgate", dataclasses.replace(northgate, capabilities=loose))
    attempt = with_attempt("outcome_unknown")
    tell(attempt, "failed")
    assert (state_of(attempt), findings_of(attempt)) == (S.OUTCOME_UNKNOWN, ["failed_while_unknown"])
    nothing_is_in_breach()


def test_an_accepted_payout_is_followed_by_the_plan(with_attempt: Callable[[str], PayoutAttempt]) -> None:
    attempt = with_attempt("processing")
    tell(attempt, "accepted")
    withdrawal = Withdrawal.objects.get(pk=attempt.withdrawal_id)
    assert withdrawal.next_step_at == LATER + timedelta(minutes=5)
    assert PayoutAttempt.objects.get(pk=attempt.pk).state == "accepted"
    # Told again, the plan goes on where it was.
    Withdrawal.objects.filter(pk=withdrawal.pk).update(next_step_at=LATER + timedelta(hours=1))
    tell(attempt, "accepted")
    assert Withdrawal.objects.get(pk=withdrawal.pk).next_step_at == LATER + timedelta(hours=1)


# -- by way of the inbox ----------------------------------------------------------------------------


def store(provider: str, told: PayoutReceipt, *, event_id: str, now: datetime = NOW) -> WebhookDelivery:
    """Sign a webhook as the provider does and receive it."""
    payout = {
        "id": told.provider_reference, "account": provider, "key": told.key, "reference": told.reference,
        "amount": told.amount, "currency": told.currency, "method": "iban",
        "status": "in_orbit" if told.status == PayoutStatus.UNKNOWN else str(told.status),
        "reason": "", "sequence": 1, "created_at": now.timestamp(), "updated_at": now.timestamp(),
    }  # fmt: skip
    body = native.describe(payout, event_id, now.timestamp()).encode()
    headers = native.sign(settings.SANDBOX_WEBHOOK_SECRET, event_id, int(now.timestamp()), body)
    received = gateway.receive_webhook(provider, headers, body, now)
    assert received.delivery is not None
    return received.delivery


def deliver(provider: str, told: PayoutReceipt, *, event_id: str, now: datetime = NOW) -> WebhookDelivery:
    """Receive a webhook and apply it."""
    delivery = store(provider, told, event_id=event_id, now=now)
    inbox.apply_delivery(delivery.pk, now=now)
    delivery.refresh_from_db()
    return delivery


def test_a_webhook_is_applied_once_however_often_it_comes(with_attempt: Callable[[str], PayoutAttempt]) -> None:
    attempt = with_attempt("processing")
    told = receipt(attempt, "paid")
    first = deliver("northgate", told, event_id="evt_1")
    before = counts()
    again = deliver("northgate", told, event_id="evt_1")
    assert first == again
    assert (first.http_status, first.outcome, first.applied_at) == (202, "applied", NOW)
    assert counts() == before
    assert state_of(attempt) == S.COMPLETED
    nothing_is_in_breach()


@pytest.mark.parametrize(
    "strange",
    [{"key": str(uuid.uuid4())}, {"key": "their-own-key"}, {"key": str(uuid.uuid4()), "reference": "WD-0000-0000"}],
)
def test_a_stranger_is_looked_at_twice_and_found(strange: dict[str, str], operator: User) -> None:
    withdrawal = make_withdrawal(S.APPROVED, by=operator)
    told = PayoutReceipt(
        status=PayoutStatus.PAID, provider_reference="ng-9", amount=withdrawal.amount, currency="EUR",
        **{"reference": withdrawal.ref, **strange},
    )  # fmt: skip
    delivery = deliver("northgate", told, event_id="evt_strange")
    assert (delivery.applied_at, delivery.apply_after) == (None, NOW + timedelta(seconds=60))
    assert Finding.objects.count() == 0
    inbox.apply_delivery(delivery.pk, now=NOW + timedelta(seconds=60))
    delivery.refresh_from_db()
    assert (delivery.outcome, delivery.http_status) == ("not ours", 202)
    finding = Finding.objects.get()
    known = told.reference == withdrawal.ref
    assert finding.kind == ("event_without_attempt" if known else "unknown_reference")
    assert finding.withdrawal_id == (withdrawal.pk if known else None)
    assert Withdrawal.objects.get(pk=withdrawal.pk).state == S.APPROVED
    nothing_is_in_breach()


def test_an_event_that_races_our_own_commit_is_applied_at_the_second_look(operator: User) -> None:
    withdrawal = make_withdrawal(S.APPROVED, by=operator)
    attempt_key = uuid.uuid5(uuid.UUID(settings.INSTALLATION_ID), f"{withdrawal.ref}/1/northgate")
    told = PayoutReceipt(
        status=PayoutStatus.PAID, provider_reference="ng-1", reference=withdrawal.ref, key=str(attempt_key),
        amount=withdrawal.amount, currency="EUR",
    )  # fmt: skip
    delivery = deliver("northgate", told, event_id="evt_fast")
    move(withdrawal, Move.START_PAYOUT, PAYOUTS, provider="northgate", trace=[])
    inbox.apply_delivery(delivery.pk, now=NOW + timedelta(seconds=60))
    assert Withdrawal.objects.get(pk=withdrawal.pk).state == S.COMPLETED
    assert Finding.objects.count() == 0
    nothing_is_in_breach()


def test_a_webhook_that_cannot_be_applied_rests_longer_each_time_and_stops_nobody(
    with_attempt: Callable[[str], PayoutAttempt],
) -> None:
    attempt = with_attempt("processing")
    good = receipt(attempt, "paid")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE withdrawals_finding ADD CONSTRAINT nothing CHECK (kind <> 'unmapped_status')")
    other = with_attempt("processing")
    bad = store("northgate", receipt(other, "unmapped"), event_id="evt_bad")
    fine = store("northgate", good, event_id="evt_good")
    assert inbox.apply_due(clock=_ticking(NOW)) == 2
    assert state_of(attempt) == S.COMPLETED
    bad.refresh_from_db()
    assert bad.applied_at is None
    assert timedelta(seconds=29) < bad.apply_after - NOW < timedelta(seconds=32)
    fine.refresh_from_db()
    assert fine.applied_at is not None
    assert inbox.apply_due(clock=_ticking(NOW + timedelta(minutes=5))) == 1
    bad.refresh_from_db()
    assert bad.apply_after - NOW > timedelta(minutes=9)


def _ticking(start: datetime) -> Callable[[], datetime]:
    ticks = itertools.count()
    return lambda: start + timedelta(milliseconds=10 * next(ticks))
