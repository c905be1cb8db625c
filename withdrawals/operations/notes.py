"""Notes: what colleagues should know about a withdrawal. They are added, never changed."""

from datetime import datetime

from django.db import transaction

from backoffice.accounts.models import User
from backoffice.audit.record import record
from withdrawals import visibility
from withdrawals.lifecycle import SUBJECT_TYPE
from withdrawals.models import Note, Withdrawal


def add_note(
    withdrawal: Withdrawal, *, author: User, text: str, audience: Note.Audience | None = None, now: datetime
) -> Note:
    """Keep a note; that it was written is recorded, its text stays with the withdrawal.

    Without an audience it is for whoever sees what its author sees.
    """
    audience = audience or usual_audience(author)
    with transaction.atomic():
        note = Note.objects.create(withdrawal=withdrawal, author=author, text=text, audience=audience, at=now)
        record(
            subject_type=SUBJECT_TYPE,
            subject_id=withdrawal.ref,
            action="note",
            actor=author,
            data={"note_id": note.pk, "audience": audience},
            at=now,
        )
    return note


def usual_audience(author: User) -> Note.Audience:
    """Return who reads a note of this author unless they say otherwise."""
    return Note.Audience.SIGNALS if visibility.sees(author, visibility.Field.SIGNALS) else Note.Audience.EVERYBODY
