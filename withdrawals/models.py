"""What a withdrawal is about, and the rows around it. Its life is in lifecycle.py."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import datetime
from typing import Any, ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.functional import cached_property

from backoffice.audit.actors import Actor
from backoffice.audit.models import AuditEntry
from backoffice.money import Money
from withdrawals import policy
from withdrawals.lifecycle import SUBJECT_TYPE, Lifecycle
from withdrawals.reference import new_reference
from withdrawals.states import CLOSED, HoldKind, State


class Method(models.TextChoices):
    IBAN = "iban", "Bank account"
    CARD = "card", "Card"
    WALLET = "wallet", "Crypto wallet"


class Destination(models.Model):
    """Where a player's money may go. ``account`` is complete; screens show ``label`` only."""

    player = models.ForeignKey("kyc.Player", on_delete=models.PROTECT, related_name="destinations")
    external_id = models.CharField(max_length=80)
    method = models.CharField(max_length=10, choices=Method.choices)
    account = models.CharField(max_length=120)
    # Equal for equal accounts of any player, so that shared ones are found without the account itself.
    account_digest = models.CharField(max_length=64, db_index=True)
    label = models.CharField(max_length=60)
    holder_name = models.CharField(max_length=140)
    country = models.CharField(max_length=2, default="", blank=True)
    owned = models.BooleanField(default=False)
    first_seen_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["player", "external_id"], name="destination_external_id_unique"),
            models.CheckConstraint(name="destination_method_known", condition=Q(method__in=Method.values)),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def digest(self) -> str:
        """What an approval covers: change any of it and the approval is void."""
        facts = [self.pk, self.method, self.account, self.holder_name, self.country, self.owned]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


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
            ("view_signals", "Can see fraud indicators and scores"),
            ("view_flagged", "Can see the flagged queue"),
            ("decide_flagged", "Can clear or confirm fraud indicators"),
            ("view_transactions", "Can see the transactions report"),
            ("export_transactions", "Can export the transactions report"),
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
            # Which currencies there are, without reading the rows.
            models.Index(fields=["currency"], name="withdrawal_by_currency"),
            # What the house's limits count (sql/rules.sql), without reading the rows.
            models.Index(
                fields=["approved_at"],
                include=["state", "reference_amount"],
                name="withdrawal_by_approval",
                condition=Q(approved_at__isnull=False),
            ),
            models.Index(fields=["-risk_score", "id"], name="withdrawal_flagged", condition=Q(is_flagged=True)),
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
    def approvals_needed(self) -> int:
        """Approvals that the stored checks ask for by today's policy, and never fewer than were asked for then."""
        outcomes = set(self.check_results.filter(is_current=True).values_list("outcome", flat=True))
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


class CheckResult(models.Model):
    """One check of one screening: outcome, wording and evidence as of the moment it ran."""

    # The outcomes that a person must look at.
    CONCERNS: ClassVar[tuple[str, ...]] = ("review", "decline")

    withdrawal = models.ForeignKey(Withdrawal, on_delete=models.PROTECT, related_name="check_results")
    code = models.CharField(max_length=40)
    version = models.CharField(max_length=20, default="1")
    outcome = models.CharField(max_length=10)
    title = models.CharField(max_length=120)
    short = models.CharField(max_length=60, default="")
    sentence = models.TextField(default="")
    points = models.PositiveSmallIntegerField(default=0)
    evidence = models.JSONField(default=dict)
    at = models.DateTimeField()
    # False once a later screening of the same withdrawal ran.
    is_current = models.BooleanField(default=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["withdrawal", "is_current"], name="check_result_current")]
        constraints = [
            models.CheckConstraint(
                name="check_outcome_known", condition=Q(outcome__in=["pass", "note", "review", "decline"])
            )
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="as_of_then", exclude=["is_current"]),
        ]


class Approval(models.Model):
    """One person's yes, bound to the fingerprint of what they saw."""

    withdrawal = models.ForeignKey(Withdrawal, on_delete=models.PROTECT, related_name="approvals")
    approver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="approvals")
    fingerprint = models.CharField(max_length=64)
    at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["withdrawal", "approver"], condition=Q(voided_at=None), name="approval_once_per_person"
            )
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="only_voided", exclude=["voided_at"]),
        ]


class Decision(models.Model):
    """A person's choice of a move, waiting out its undo time. Only then does it use the door."""

    class Status(models.TextChoices):
        PROPOSED = "proposed", "Waits for a second person"
        WAITING = "waiting", "Waits for its undo time"
        APPLIED = "applied", "Took effect"
        UNDONE = "undone", "Undone"
        DECLINED = "declined", "Declined by a second person"
        OVERTAKEN = "overtaken", "Overtaken"

    withdrawal = models.ForeignKey(Withdrawal, on_delete=models.PROTECT, related_name="decisions")
    move = models.CharField(max_length=20)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions")
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="proposals"
    )
    reason = models.CharField(max_length=60, default="")
    note = models.TextField(default="")
    facts = models.JSONField(default=dict)
    key = models.CharField(max_length=64, unique=True)
    version = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    decided_at = models.DateTimeField()
    effective_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    # Why it did not take effect, in words.
    words = models.CharField(max_length=300, default="")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["withdrawal"],
                condition=Q(status__in=["proposed", "waiting"]),
                name="decision_one_waiting",
            )
        ]
        indexes = [
            models.Index(fields=["effective_at"], name="decision_due", condition=Q(status="waiting")),
            models.Index(fields=["actor", "-decided_at"], name="decision_by_person"),
        ]

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its undo time or for a second person."""
        return self.status in (self.Status.PROPOSED, self.Status.WAITING)


class Claim(models.Model):
    """The right to decide one withdrawal for a while."""

    withdrawal = models.OneToOneField(Withdrawal, on_delete=models.PROTECT, related_name="claim")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="claims")
    since = models.DateTimeField()
    until = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()


class PayoutAttempt(models.Model):
    """One submission to one provider with one key. What it says never changes; how it stands does."""

    # A second attempt may not begin while one of these exists.
    LIVE: ClassVar[tuple[str, ...]] = ("sending", "accepted", "unknown", "paid")
    ENDED: ClassVar[tuple[str, ...]] = ("failed", "not_sent", "cancelled", "returned")

    withdrawal = models.ForeignKey(Withdrawal, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    provider = models.CharField(max_length=30)
    # After an attempt that certainly moved nothing the next one at that provider uses its key again: were the
    # certainty wrong, the provider would know the payout and not make a second one.
    key = models.UUIDField(db_index=True)
    # What is sent: the withdrawal's amount less its fee.
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=5)
    fingerprint = models.CharField(max_length=64)
    # Why this provider.
    trace = models.JSONField(default=list)
    created_at = models.DateTimeField()
    state = models.CharField(max_length=10, default="sending")
    sent_at = models.DateTimeField(null=True)
    request_hash = models.CharField(max_length=64, default="")
    provider_reference = models.CharField(max_length=120, default="")
    not_found_count = models.PositiveSmallIntegerField(default=0)
    last_receipt_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=200, default="")
    answer_code = models.CharField(max_length=60, default="")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["withdrawal", "number"], name="attempt_number_unique"),
            models.UniqueConstraint(fields=["key"], condition=~Q(state="not_sent"), name="attempt_key_unique"),
            models.UniqueConstraint(
                fields=["withdrawal"],
                condition=Q(state__in=["sending", "accepted", "unknown", "paid"]),
                name="attempt_one_live",
            ),
            models.CheckConstraint(
                name="attempt_state_known",
                condition=Q(
                    state__in=[
                        "sending", "accepted", "unknown", "paid",
                        "failed", "not_sent", "cancelled", "returned",
                    ]
                ),
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["provider", "provider_reference"], name="attempt_by_provider_ref")]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="intent_is_fixed",
                fields=[
                    "withdrawal", "number", "provider", "key", "amount", "currency", "fingerprint", "created_at",
                ],
            ),
        ]  # fmt: skip

    def become(self, state: str, **columns: Any) -> None:
        """Write how the attempt stands now."""
        self.state = state
        for name, value in columns.items():
            setattr(self, name, value)
        self.save(update_fields=["state", *columns])

    def close(self, outcome: str) -> None:
        """End the attempt: ``failed``, ``not_sent``, ``cancelled`` or ``returned``."""
        if outcome not in self.ENDED:
            raise ValueError(f"{outcome!r} does not end an attempt.")
        self.become(outcome)


class Note(models.Model):
    """What a colleague should know. Who reads it is said when it is written, whatever the author's roles become."""

    class Audience(models.TextChoices):
        SIGNALS = "signals", "Colleagues who see signals"
        EVERYBODY = "everybody", "Support too"

    withdrawal = models.ForeignKey(Withdrawal, on_delete=models.PROTECT, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notes")
    text = models.TextField()
    audience = models.CharField(max_length=10, choices=Audience.choices, default=Audience.SIGNALS)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()


class Limit(models.Model):
    """A cap in house currency or in number. Zero means nothing may pass; no row means no cap."""

    class Scope(models.TextChoices):
        PLAYER = "player", "Each player"
        HOUSE = "house", "The house"

    class Period(models.TextChoices):
        REQUEST = "request", "one request"
        DAY = "day", "24 hours"
        WEEK = "week", "7 days"
        MONTH = "month", "30 days"

    class Effect(models.TextChoices):
        REVIEW = "review", "A person decides"
        BLOCK = "block", "Nothing passes"

    scope = models.CharField(max_length=10, choices=Scope.choices)
    period = models.CharField(max_length=10, choices=Period.choices)
    cap_amount = models.BigIntegerField(null=True)
    cap_count = models.PositiveIntegerField(null=True)
    effect = models.CharField(max_length=10, choices=Effect.choices)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="limit_caps_one_thing",
                condition=Q(cap_amount__gte=0, cap_count__isnull=True) | Q(cap_amount__isnull=True, cap_count__gte=0),
            )
        ]


class Finding(models.Model):
    """Something a provider said, or did not say, that a person must look at. It changed nothing.

    ``stops_payouts``: money may have gone out that our books do not have. Until a person closes it, its
    withdrawal is neither paid nor given back, and nothing else of the player is approved or paid.
    """

    withdrawal = models.ForeignKey(Withdrawal, on_delete=models.PROTECT, null=True, related_name="findings")
    provider = models.CharField(max_length=30)  # empty: it is about all of them
    kind = models.CharField(max_length=40)
    words = models.CharField(max_length=300)
    data = models.JSONField(default=dict)
    at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    stops_payouts = models.BooleanField(default=False)
    # The same fact is found once, however often it is told.
    key = models.CharField(max_length=160, unique=True)

    class Meta:
        default_permissions = ()
        permissions = [("close_finding", "Can see and close findings")]
        indexes = [
            models.Index(fields=["-at", "-id"], name="finding_by_time"),
            models.Index(
                fields=["withdrawal"],
                name="finding_stops_payouts",
                condition=Q(resolved_at__isnull=True, stops_payouts=True),
            ),
        ]


class Notification(models.Model):
    """That the platform must be told of one state reached; written with the move itself."""

    withdrawal = models.ForeignKey(Withdrawal, on_delete=models.PROTECT, related_name="notifications")
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=20)
    created_at = models.DateTimeField()
    next_try_at = models.DateTimeField(null=True, db_default=Now())
    tries = models.PositiveSmallIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["withdrawal", "version"], name="notification_once_per_version")]
        indexes = [
            models.Index(fields=["next_try_at"], name="notification_due", condition=Q(next_try_at__isnull=False))
        ]
