"""What those who talk to players ask those who look after payments: a note, and a finding until it is answered."""

from datetime import datetime

from django.db import transaction

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from backoffice.audit.record import record
from withdrawals import visibility
from withdrawals.exceptions import IllegalMove, NotAllowed
from withdrawals.lifecycle import SUBJECT_TYPE
from withdrawals.models import Finding, Note, Withdrawal
from withdrawals.operations import notes
from withdrawals.operations.findings import QUESTION
from withdrawals.states import UNDECIDED, State
from withdrawals.visibility import Field

LONGEST_QUESTION = 200
# As the reader knows it: what is still being looked at is nothing that the payments team has.
_NOT_YET = (State.REQUESTED, *UNDECIDED, State.ON_HOLD)


def may_ask(withdrawal: Withdrawal, user: User) -> bool:
    """Whether this person may ask the payments team about it; who reads reasons has colleagues to escalate to."""
    told = visibility.state_for(user, withdrawal.state, withdrawal.hold_kind)
    writes = user.has_perm("withdrawals.add_note") and not visibility.sees(user, Field.SIGNALS)
    return writes and told not in _NOT_YET


def question_of(withdrawal: Withdrawal) -> Finding | None:
    """Return the last question that was asked about a withdrawal."""
    return withdrawal.findings.filter(kind=QUESTION).order_by("-at", "-pk").first()


def asked_by(user: User, *, most: int) -> list[Finding]:
    """Return the last questions of one person, newest first, with their withdrawals."""
    mine = AuditEntry.objects.filter(actor_user=user, action="ask", subject_type=SUBJECT_TYPE)
    keys = [data["finding"] for data in mine.order_by("-at", "-pk").values_list("data", flat=True)[:most]]
    found = Finding.objects.select_related("withdrawal").in_bulk(keys)
    return [found[key] for key in keys]


def ask(withdrawal: Withdrawal, *, author: User, question: str, now: datetime) -> Finding:
    """Put a question before whoever closes findings. Raises NotAllowed, and IllegalMove while one is open."""
    if not may_ask(withdrawal, author):
        raise NotAllowed("There is nothing to ask the payments team about this withdrawal.")
    with transaction.atomic():
        subject = Withdrawal.objects.select_for_update(of=("self",)).get(pk=withdrawal.pk)
        last = question_of(subject)
        if last is not None and last.resolved_at is None:
            raise IllegalMove("The payments team was asked already. Its answer will stand here.")
        note = notes.add_note(subject, author=author, text=question, audience=Note.Audience.EVERYBODY, now=now)
        asked = Finding.objects.create(
            withdrawal=subject,
            provider=subject.provider,
            kind=QUESTION,
            words=f"{author.name} asks: {question}"[:300],
            key=f"{QUESTION}:{subject.ref}:{note.pk}",
            at=now,
        )
        record(
            subject_type=SUBJECT_TYPE,
            subject_id=subject.ref,
            action="ask",
            actor=author,
            data={"finding": asked.pk},
            at=now,
        )
    return asked
