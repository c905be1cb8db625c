"""Giving many withdrawals to one person to decide: a claim each, as if they had opened them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from backoffice.accounts.models import User
from withdrawals import queries
from withdrawals.exceptions import MoveRefused, NotAllowed
from withdrawals.models import Withdrawal
from withdrawals.operations import claims

# More than this nobody decides before the claims run out.
MOST = 200


@dataclass(frozen=True, slots=True)
class Given:
    """What became of one: ``refused`` says why it was not given, and is empty when it was."""

    withdrawal: Withdrawal
    refused: str = ""


def may_assign_to(user: User, to: User) -> bool:
    """Whether this person may give work to that one: everybody to themselves, to others who may take over as well."""
    return claims.may_claim(user) and (to == user or user.has_perm("withdrawals.take_over_claim"))


def assign(refs: Collection[str], *, to: User, actor: User, now: datetime) -> list[Given]:
    """Claim these withdrawals for somebody, those that are free and theirs to decide; return what became of each.

    Raises NotAllowed when ``actor`` may not give ``to`` anything.
    """
    if not may_assign_to(actor, to):
        raise NotAllowed("None of your roles may give withdrawals to others.")
    with transaction.atomic():
        # By key, so that two people who give at once wait for each other instead of for both.
        rows = queries.withdrawals().filter(ref__in=list(refs)[:MOST]).select_related("claim__owner").order_by("pk")
        locked = list(rows.select_for_update(of=("self",)))
        given = [_give(row, to=to, actor=actor, now=now) for row in locked]
    return sorted(given, key=lambda one: (one.withdrawal.due_at, one.withdrawal.pk))


def _give(withdrawal: Withdrawal, *, to: User, actor: User, now: datetime) -> Given:
    try:
        claims.claim(withdrawal, user=to, now=now, by=actor)
    except MoveRefused as refusal:
        words = refusal.sentence
        if isinstance(refusal, NotAllowed) and to != actor:
            words = f"It does not wait for a decision of {to.name}."
        return Given(withdrawal, words)
    return Given(withdrawal)
