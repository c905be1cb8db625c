"""What a move would book: it is made, read and taken back, so that the preview is the booking itself."""

from datetime import datetime
from typing import Any

from django.db import transaction

from backoffice.audit.actors import PAYOUTS
from ledger.models import Entry, Posting
from withdrawals.models import Withdrawal
from withdrawals.states import Move


def postings_of(withdrawal: Withdrawal, move: Move, *, now: datetime, **facts: Any) -> list[Posting]:
    """Return the postings that the move would add, unsaved. Nothing stays of it. Raises as the move does."""
    with transaction.atomic():
        known = list(Entry.objects.filter(reference=withdrawal.ref).values_list("pk", flat=True))
        Withdrawal.advance(withdrawal.pk, move, actor=PAYOUTS, now=now, **facts)
        added = Posting.objects.filter(entry__reference=withdrawal.ref).exclude(entry__in=known)
        found = list(added.select_related("entry", "account").order_by("entry_id", "leg"))
        transaction.set_rollback(True)
    return found
