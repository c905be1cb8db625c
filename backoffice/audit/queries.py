"""Reading the audit trail."""

from dataclasses import dataclass

from django.db import connection
from django.db.models import QuerySet

from backoffice.audit.models import AuditEntry


def timeline_of(subject_type: str, subject_id: str) -> QuerySet[AuditEntry]:
    """Return the entries of one subject, newest first."""
    return (
        AuditEntry.objects.filter(subject_type=subject_type, subject_id=subject_id)
        .select_related("actor_user")
        .order_by("-seq")
    )


def search() -> QuerySet[AuditEntry]:
    """Return all entries with their people, newest first."""
    return AuditEntry.objects.select_related("actor_user").order_by("-at", "-pk")


@dataclass(frozen=True, slots=True)
class ChainFault:
    """The first broken link of one subject's chain."""

    chain: str
    seq: int
    words: str


_FAULTS = """
WITH links AS (
    SELECT chain, seq, prev, hash, body,
           lag(seq, 1, 0::bigint) OVER w AS seq_before, lag(hash, 1, '\\x00'::bytea) OVER w AS hash_before
    FROM inv.audit WINDOW w AS (PARTITION BY chain ORDER BY seq)
), faults AS (
    SELECT chain, seq, CASE
        WHEN seq <> seq_before + 1 THEN 'an entry before this one is missing'
        WHEN prev <> hash_before THEN 'this entry does not follow the one before it'
        ELSE 'this entry was changed after it was written' END AS words
    FROM links
    WHERE seq <> seq_before + 1 OR prev <> hash_before OR hash <> sha256(prev || convert_to(body, 'UTF8'))
    UNION ALL
    SELECT h.chain, h.seq, 'the last entries are missing'
    FROM inv.audit_head h LEFT JOIN inv.audit a USING (chain, seq) WHERE a.hash IS DISTINCT FROM h.hash
)
SELECT DISTINCT ON (chain) chain, seq, words FROM faults ORDER BY chain, seq LIMIT 100
"""


def chain_faults() -> list[ChainFault]:
    """Recompute every chain in the database; return the first fault of each broken one (at most 100)."""
    with connection.cursor() as cursor:
        cursor.execute(_FAULTS)
        return [ChainFault(*row) for row in cursor.fetchall()]


def size() -> tuple[int, int]:
    """Return how many chains there are and how many entries they hold together."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), coalesce(sum(seq), 0) FROM audit_audithead")
        chains, entries = cursor.fetchone()
    return int(chains), int(entries)
