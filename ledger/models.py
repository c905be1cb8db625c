"""Double entry: accounts, entries, postings, and the balances that the database keeps from them.

Amounts are minor units, credit positive and debit negative. Rows are written by the stored function
ledger_post alone (sql/post.sql); triggers (sql/triggers.sql) move the balances and refuse the rest.
Foreign keys are in sql/keys.sql, because they must refuse at once and span several columns.
"""

from typing import Any

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from ledger.exceptions import BookedForGood


class AccountKind(models.TextChoices):
    """What an account is for. The holder is a player, a provider, or nobody for the house."""

    PLAYER_CASH = "player_cash", "Player’s cash"
    PLAYER_BONUS = "player_bonus", "Player’s bonus"
    PLAYER_HELD = "player_held", "Player’s money held"
    LEGAL_HOLD = "legal_hold", "Legal hold"
    OVERPAID_RECEIVABLE = "overpaid_receivable", "Owed back by player"
    PAYOUT_IN_TRANSIT = "payout_in_transit", "Payouts in transit"
    RETURNS_HELD = "returns_held", "Returned payouts"
    RETURNS_RECEIVABLE = "returns_receivable", "Returns to receive"
    PROVIDER_FLOAT = "provider_float", "Provider’s float"
    PROVIDER_FEES = "provider_fees", "Provider’s fees"
    GAME_RESULT = "game_result", "Game result"
    FEE_INCOME = "fee_income", "Fee income"
    BONUS_COST = "bonus_cost", "Bonus cost"
    DEPOSIT_CLEARING = "deposit_clearing", "Deposit clearing"


class EntryKind(models.TextChoices):
    """The standard entries; ledger.operations says what each one books."""

    DEPOSIT = "deposit", "Deposit"
    STAKE = "stake", "Stake"
    WIN = "win", "Win"
    BONUS_GRANT = "bonus_grant", "Bonus granted"
    BONUS_CONVERT = "bonus_convert", "Bonus converted"
    RESERVE = "reserve", "Reserve"
    UNRESERVE = "unreserve", "Give back reserve"
    TO_TRANSIT = "to_transit", "Hand to provider"
    BACK_FROM_TRANSIT = "back_from_transit", "Back from provider"
    SETTLE = "settle", "Pay"
    FREEZE = "freeze", "Freeze"
    UNFREEZE = "unfreeze", "Unfreeze"
    RETURNED = "returned", "Return announced"
    RETURN_RECEIVED = "return_received", "Return received"
    GIVE_BACK = "give_back", "Give back return"
    REISSUE = "reissue", "Pay again"
    PAID_AFTER_RELEASE = "paid_after_release", "Paid after release"
    OVERPAID_RETURNED = "overpaid_returned", "Owed no longer"


# The accounts that may never go below zero: a player's own money.
GUARDED = (
    AccountKind.PLAYER_CASH,
    AccountKind.PLAYER_BONUS,
    AccountKind.PLAYER_HELD,
    AccountKind.LEGAL_HOLD,
)


class WrittenByTheDatabase(models.QuerySet[Any]):
    """Reading is free; every way of writing through the ORM is refused before it reaches the database."""

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise BookedForGood(f"{self.model.__name__} rows are written by ledger_post alone and never changed.")

    update = delete = create = get_or_create = update_or_create = bulk_create = bulk_update = _refuse


class Booked(models.Model):
    """A row that the stored function writes once."""

    objects = WrittenByTheDatabase.as_manager()

    class Meta:
        abstract = True

    def save(self, *_: Any, **__: Any) -> None:
        raise BookedForGood(f"{type(self).__name__} rows are written by ledger_post alone and never changed.")

    def delete(self, *_: Any, **__: Any) -> Any:
        raise BookedForGood(f"{type(self).__name__} rows are never removed.")


class Currency(models.Model):
    """A currency the ledger keeps, and its number of decimals. Filled from backoffice.money after migrate."""

    code = models.CharField(max_length=10, primary_key=True)
    exponent = models.PositiveSmallIntegerField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="ledger_exponent_fits_64_bits", condition=Q(exponent__range=(0, 9))),
        ]

    def __str__(self) -> str:
        return self.code


class Account(Booked):
    """One purse: what ``holder`` has of one kind in one currency. Opened by its first posting."""

    kind = models.CharField(max_length=24, choices=AccountKind.choices)
    holder = models.CharField(max_length=64)
    currency = models.ForeignKey(Currency, models.PROTECT, db_column="currency", db_constraint=False, db_index=False)
    guarded = models.GeneratedField(
        expression=Q(kind__in=GUARDED),  # type: ignore[arg-type]  # the stubs do not know conditions here
        output_field=models.BooleanField(),
        db_persist=True,
    )

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["holder", "kind", "currency"], name="ledger_account_unique"),
            models.UniqueConstraint(fields=["id", "currency", "guarded"], name="ledger_account_for_balances"),
            models.CheckConstraint(name="ledger_account_kind_known", condition=Q(kind__in=AccountKind.values)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.holder or 'the house'} in {self.currency_id}"


class Balance(Booked):
    """The sum of an account's postings, moved by the posting trigger alone.

    A guarded account has the one row ``shard`` 0. Every other account is spread over the shards 1 to
    16, picked at random, so that no posting waits for another at a house account; only their sum
    means something.
    """

    pk = models.CompositePrimaryKey("account_id", "shard")
    account = models.ForeignKey(Account, models.PROTECT, related_name="balances", db_constraint=False, db_index=False)
    shard = models.SmallIntegerField()
    currency = models.ForeignKey(Currency, models.PROTECT, db_column="currency", db_constraint=False, db_index=False)
    guarded = models.BooleanField()
    amount = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="ledger_balance_not_below_zero", condition=Q(guarded=False) | Q(amount__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}/{self.shard}: {self.amount} {self.currency_id}"


class Entry(Booked):
    """One balanced booking. ``occurred_at`` is when it happened, ``booked_at`` the database clock."""

    key = models.CharField(max_length=150)
    kind = models.CharField(max_length=24, choices=EntryKind.choices)
    reference = models.CharField(max_length=60, default="")
    reverses = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="reversed_by", db_constraint=False, db_index=False
    )
    occurred_at = models.DateTimeField()
    booked_at = models.DateTimeField(db_default=Now())
    posted_by = models.CharField(max_length=80)

    class Meta:
        default_permissions = ("view",)
        permissions = [("view_freezes", "Can see the entries of legal holds")]
        verbose_name_plural = "entries"
        constraints = [
            models.UniqueConstraint(fields=["key"], name="ledger_one_entry_per_key"),
            models.UniqueConstraint(
                fields=["reverses"], name="ledger_one_reversal", condition=Q(reverses__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["reference"],
                name="ledger_one_reserve",
                condition=Q(kind__in=(EntryKind.RESERVE, EntryKind.REISSUE)),
            ),
            models.UniqueConstraint(
                fields=["reference"],
                name="ledger_one_end",
                condition=Q(kind__in=(EntryKind.UNRESERVE, EntryKind.SETTLE)),
            ),
            models.UniqueConstraint(
                fields=["reference", "kind"],
                name="ledger_once",
                condition=Q(kind__in=(EntryKind.RETURNED, EntryKind.RETURN_RECEIVED)),
            ),
        ]
        indexes = [
            models.Index(fields=["reference", "id"], name="ledger_entry_by_reference", condition=~Q(reference="")),
            # Booked in the order of their ids: a summary per range of pages is enough to find a period.
            BrinIndex(fields=["booked_at"], name="ledger_entry_by_period"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class Posting(Booked):
    """One line of an entry: credit positive, debit negative, never zero."""

    pk = models.CompositePrimaryKey("entry_id", "leg")
    entry = models.ForeignKey(Entry, models.PROTECT, related_name="postings", db_constraint=False, db_index=False)
    leg = models.SmallIntegerField()
    account = models.ForeignKey(Account, models.PROTECT, related_name="postings", db_constraint=False, db_index=False)
    shard = models.SmallIntegerField()
    currency = models.ForeignKey(Currency, models.PROTECT, db_column="currency", db_constraint=False, db_index=False)
    amount = models.BigIntegerField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="ledger_posting_not_zero", condition=~Q(amount=0)),
        ]
        indexes = [models.Index(fields=["account", "entry"], name="ledger_posting_by_account")]

    def __str__(self) -> str:
        return f"{self.entry_id}.{self.leg}: {self.amount} {self.currency_id}"

    @property
    def size(self) -> int:
        """The amount without its side, for a page with a column per side."""
        return abs(self.amount)
