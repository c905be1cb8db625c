"""Notes: what colleagues should know about a withdrawal. They are added, never changed."""

from datetime import datetime

from django.db import transaction

from backoffice.accounts.models import User
from backoffice.audit.record import record
from withdrawals.lifecycle import SUBJECT_TYPE
from withdrawals.models import Note, Withdrawal


def add_note(withdrawal: Withdrawal, *, author: User, text: str, now: datetime) -> Note:
    """Keep a note; that it was written is recorded, its text stays with the withdrawal."""
    with transaction.atomic():
        note = Note.objects.create(withdrawal=withdrawal, author=author, text=text, at=now)
        record(
            subject_type=SUBJECT_TYPE,
            subject_id=withdrawal.ref,
            action="note",
            actor=author,
            data={"note_id": note.pk},
            at=now,
        )
    return note
