"""What a withdrawal is about. Its life is in lifecycle.py."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import datetime

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Now
from django.utils.functional import cached_property

from backoffice.audit.actors import Actor
from backoffice.audit.models import AuditEntry
from backoffice.money import LARGEST_AMOUNT, Money
from withdrawals import policy
from withdrawals.lifecycle import SUBJECT_TYPE, Lifecycle
from withdrawals.models.deciding import Approval, CheckResult, Decision
from withdrawals.models.destination import Destination, Method
from withdrawals.models.paying import Notification, PayoutAttempt
from withdrawals.reference import new_reference
from withdrawals.states import CLOSED, UNDECIDED, HoldKind, State


class Withdrawal(Lifecycle):
    ref = models.CharField(max_length=12, unique=True, default=new_reference)
    player = models.ForeignKey("kyc.Player", on_delete=models.PROTECT, related_name="withdrawals")
    destination = models.ForeignKey(Destination, on_delete=models.PROTECT, related_name="withdrawals")
    method = models.CharField(max_length=10, choices=Method.choices)
    amount = models.BigIntegerField()
    fee = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=5)
    # Value in the house currency, frozen at the request; empty without a rate, and then never automatic.
    reference_amount = models.BigIntegerField(null=True)
    # What lists are ordered by across currencies, a column so that an index can: without a rate the largest.
    house_value = models.GeneratedField(
        expression=Coalesce("reference_amount", Value(LARGEST_AMOUNT), output_field=models.BigIntegerField()),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )
    # Whether the destination was new to us (checks/destination.py) when this was asked for.
    has_new_details = models.BooleanField(default=False)
    requested_at = models.DateTimeField()
    due_at = models.DateTimeField()
    # Who asked, and the key under which they asked.
    source = models.CharField(max_length=60)
    intake_key = models.CharField(max_length=255)
    request_digest = models.CharField(max_length=64)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="children")
    # What the last screening said, for lists; the rows behind it are CheckResults.
    risk_score = models.PositiveSmallIntegerField(null=True)
    risk_level = models.CharField(max_length=6, default="")
    # What lists are ordered by: what has no score yet is below all that have.
    risk_order = models.GeneratedField(
        expression=Coalesce("risk_score", Value(-1), output_field=models.SmallIntegerField()),
        output_field=models.SmallIntegerField(),
        db_persist=True,
    )
    is_flagged = models.BooleanField(default=False)
    why = models.JSONField(default=list)
    routes = models.JSONField(default=list)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ("view",)
        permissions = [
            ("decide_withdrawal", "Can open withdrawals to decide them"),
            ("approve_withdrawal", "Can approve withdrawals"),
            ("confirm_withdrawal", "Can give the second approval"),
            ("reject_withdrawal", "Can reject withdrawals"),
            ("hold_withdrawal", "Can put withdrawals on hold"),
            ("release_withdrawal", "Can release withdrawals from hold"),
            ("freeze_withdrawal", "Can use legal holds"),
            ("recall_withdrawal", "Can recall approvals"),
            ("cancel_withdrawal", "Can cancel withdrawals for players"),
            ("settle_withdrawal", "Can settle unknown outcomes by hand"),
            ("take_over_claim", "Can take over what somebody else is deciding"),
            ("add_note", "Can add notes"),
            ("print_evidence", "Can print the evidence of a withdrawal"),
            ("view_signals", "Can see fraud indicators and scores"),
            ("view_flagged", "Can see the flagged queue"),
            ("decide_flagged", "Can clear or confirm fraud indicators"),
            ("view_transactions", "Can see the transactions report"),
            ("export_transactions", "Can export the transactions report"),
            ("export_withdrawals", "Can export lists of withdrawals"),
            ("exceed_export_limit", "Can export more rows than the export limit"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["source", "intake_key"], name="withdrawal_intake_key_unique"),
            models.CheckConstraint(name="withdrawal_state_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(name="withdrawal_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="withdrawal_fee_below_amount", condition=Q(fee__gte=0, fee__lt=F("amount"))),
            models.CheckConstraint(
                name="withdrawal_closed_at_iff_closed",
                condition=Q(state__in=CLOSED, closed_at__isnull=False)
                | (~Q(state__in=CLOSED) & Q(closed_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="withdrawal_completed_has_reference",
                condition=~Q(state__in=[State.COMPLETED, State.RETURNED]) | ~Q(provider_reference=""),
            ),
            models.CheckConstraint(
                name="withdrawal_refused_has_reason",
                condition=~Q(state__in=[State.REJECTED, State.CANCELLED]) | ~Q(reason=""),
            ),
            models.CheckConstraint(
                name="withdrawal_hold_kind_iff_on_hold",
                condition=(Q(state=State.ON_HOLD) & Q(hold_kind__in=HoldKind.values))
                | (~Q(state=State.ON_HOLD) & Q(hold_kind="")),
            ),
            models.CheckConstraint(
                name="withdrawal_approved_has_fingerprint",
                condition=~Q(state__in=[State.APPROVED, State.SECOND_APPROVAL]) | ~Q(fingerprint=""),
            ),
        ]
        indexes = [
            models.Index(fields=["state", "due_at", "id"], name="withdrawal_queue"),
            models.Index(fields=["player", "-requested_at"], name="withdrawal_by_player"),
            models.Index(fields=["-requested_at", "-id"], name="withdrawal_by_time"),
            models.Index(fields=["next_step_at"], name="withdrawal_next_step", condition=Q(next_step_at__isnull=False)),
            models.Index(fields=["provider", "state"], name="withdrawal_by_provider"),
            # How long a provider usually takes, by its last payouts.
            models.Index(
                fields=["provider", "-closed_at"], name="withdrawal_paid_by_provider", condition=Q(state="completed")
            ),
            # What the house's limits count (sql/rules.sql), without reading the rows.
            models.Index(
                fields=["approved_at"],
                include=["state", "reference_amount"],
                name="withdrawal_by_approval",
                condition=Q(approved_at__isnull=False),
            ),
            # What a day closed, and how long that took.
            models.Index(
                fields=["closed_at"],
                include=["state", "requested_at"],
                name="withdrawal_by_close",
                condition=Q(closed_at__isnull=False),
            ),
            # Which currencies there are, without reading the rows.
            models.Index(fields=["currency"], name="withdrawal_by_currency"),
            # One for each list that people work from, in its order; the first two hold what is added up of them.
            models.Index(
                fields=["due_at", "id"],
                include=["state", "currency", "amount", "requested_at"],
                name="withdrawal_waiting",
                condition=Q(state__in=UNDECIDED),
            ),
            models.Index(
                fields=["wake_at", "id"],
                include=["state", "due_at", "currency", "amount", "requested_at"],
                name="withdrawal_on_hold",
                condition=Q(state=State.ON_HOLD),
            ),
            models.Index(
                fields=["house_value", "id"], name="withdrawal_waiting_value", condition=Q(state__in=UNDECIDED)
            ),
            models.Index(
                fields=["due_at", "id"],
                name="withdrawal_waiting_details",
                condition=Q(state__in=UNDECIDED, has_new_details=True),
            ),
            models.Index(
                fields=["risk_order", "id"],
                name="withdrawal_flagged_now",
                condition=Q(state=State.UNDER_REVIEW, is_flagged=True),
            ),
            # What holds wait for: of many few wait for an answer of the reader's role.
            models.Index(fields=["reason"], name="withdrawal_hold_reason", condition=Q(state=State.ON_HOLD)),
            # And for all of them, in each order that a heading offers.
            models.Index(fields=["risk_order", "id"], name="withdrawal_by_risk"),
            models.Index(fields=["state", "id"], name="withdrawal_by_state"),
            models.Index(fields=["house_value", "id"], name="withdrawal_by_value"),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            # What was asked for never changes; only the life goes on.
            pgtrigger.ReadOnly(
                name="request_is_fixed",
                fields=[
                    "ref", "player", "destination", "method", "amount", "fee", "currency", "reference_amount",
                    "requested_at", "source", "intake_key", "request_digest", "parent",
                ],
            ),
            pgtrigger.FSM(
                name="legal_edges_only",
                field="state",
                transitions=Lifecycle.edges(),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.ref

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def holder(self) -> str:
        """The ledger's name for the player."""
        return str(self.player_id)

    @property
    def needs_fraud_analyst(self) -> bool:
        """High risk: the first approval must be a fraud analyst's."""
        return self.risk_level == "high"

    @property
    def live_attempt(self) -> PayoutAttempt:
        return self.attempts.get(state__in=PayoutAttempt.LIVE)

    @cached_property
    def last_checks(self) -> list[CheckResult]:
        """What the last screening said, the heaviest first."""
        return list(self.check_results.filter(is_current=True).order_by("-points", "pk"))

    @cached_property
    def approvals_needed(self) -> int:
        """Approvals that the stored checks ask for by today's policy, and never fewer than were asked for then."""
        outcomes = {result.outcome for result in self.last_checks}
        asked = policy.requirement(
            reference_amount=self.reference_amount,
            risk_level=self.risk_level,
            all_passed=bool(outcomes) and not outcomes.intersection(CheckResult.CONCERNS) and not self.is_flagged,
        )
        return max(self.required_approvals, asked.approvals)

    def approver_ids(self) -> set[int]:
        """Staff whose approval counts in the present round."""
        return set(self.approvals.filter(voided_at=None).values_list("approver_id", flat=True))

    def decider_ids(self) -> set[int]:
        """Staff who decided on this withdrawal before: made a move, or proposed one that was made."""
        steps = AuditEntry.objects.filter(
            subject_type=SUBJECT_TYPE, subject_id=self.ref, step__isnull=False, actor_user__isnull=False
        )
        proposals = self.decisions.filter(status=Decision.Status.APPLIED, proposed_by__isnull=False)
        return {*steps.values_list("actor_user_id", flat=True), *proposals.values_list("proposed_by_id", flat=True)}

    def money_may_be_out(self) -> bool:
        """Whether a provider's claim to have paid this, which our books do not have, is still open."""
        return self.findings.filter(resolved_at=None, stops_payouts=True).exists()

    def overtake_proposals(self, *, now: datetime) -> None:
        """End what waits for a second person: it was proposed for a withdrawal that has since moved on."""
        self.decisions.filter(status=Decision.Status.PROPOSED).update(
            status=Decision.Status.OVERTAKEN, ended_at=now, words="The withdrawal moved on before anybody agreed."
        )

    def approve_by(self, actor: Actor, *, now: datetime) -> None:
        Approval.objects.create(withdrawal=self, approver_id=actor.pk, fingerprint=self.fingerprint, at=now)  # type: ignore[union-attr]

    def void_approvals(self, *, now: datetime) -> None:
        self.approvals.filter(voided_at=None).update(voided_at=now)
        self.fingerprint, self.approved_at = "", None

    def fingerprint_now(self) -> str:
        """Return the digest of everything an approval covers, as it is at this moment."""
        checks = self.check_results.filter(is_current=True).order_by("code").values_list("code", "outcome", "version")
        facts = [
            self.ref, self.player_id, self.amount, self.fee, self.currency,
            self.destination.digest, sorted(self.routes), [list(check) for check in checks],
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def new_attempt(self, provider: str, *, trace: list[str], now: datetime) -> PayoutAttempt:
        """Add the attempt with its key, before anything is sent."""
        number = self.attempts.count() + 1
        before = self.attempts.filter(provider=provider).order_by("number").last()
        if before is not None and before.state == "not_sent":
            key = before.key
        else:
            key = uuid.uuid5(uuid.UUID(settings.INSTALLATION_ID), f"{self.ref}/{number}/{provider}")
        return self.attempts.create(
            number=number,
            provider=provider,
            key=key,
            amount=self.amount - self.fee,
            currency=self.currency,
            fingerprint=self.fingerprint,
            trace=trace,
            created_at=now,
            sent_at=now,
        )

    def announce(self, *, now: datetime) -> None:
        """Write down that the platform must be told of the state just reached."""
        Notification.objects.create(withdrawal=self, version=self.version, state=self.state, created_at=now)
