"""Seals: where every chain stood, written down once a day outside the database.

Whoever holds the database's login can rewrite entries together with their hashes, and the chains still
hold. They cannot make the seals agree: each carries a code of the SECRET_KEY over itself and the one
before. The code is logged too, so a file that was cut or replaced shows once logs have left the machine.

The file has a JSON list ``[chain, seq, hash]`` per line for every chain that grew, then one object that
seals them. It is only ever added to.
"""

import fcntl
import json
import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from django.db import connection
from django.utils.crypto import constant_time_compare, salted_hmac

logger = logging.getLogger(__name__)

# Entries are stamped before their transaction ends; what was sealed already may be sealed again.
_OVERLAP = timedelta(hours=1)
_BATCH = 5_000

_GROWN = """
SELECT h.subject_type || ':' || h.subject_id, h.seq, encode(h.hash, 'hex')
FROM audit_audithead h JOIN audit_auditentry e USING (subject_type, subject_id, seq)
WHERE %(since)s::timestamptz IS NULL OR e.recorded_at > %(since)s::timestamptz ORDER BY 1
"""
_NOT_EXTENDED = """
SELECT s.chain, s.seq FROM unnest(%s::text[], %s::bigint[], %s::text[]) WITH ORDINALITY AS s(chain, seq, hash, place)
LEFT JOIN audit_auditentry e ON e.subject_type = split_part(s.chain, ':', 1)
    AND e.subject_id = substr(s.chain, strpos(s.chain, ':') + 1) AND e.seq = s.seq
WHERE e.hash IS DISTINCT FROM decode(s.hash, 'hex') ORDER BY s.place LIMIT 1
"""


class BrokenSeals(Exception):
    """The file itself was changed, or sealed with another key; the message says where."""


@dataclass(frozen=True, slots=True)
class Seal:
    """The heads ``[chain, seq, hash]`` of what grew until ``at``, and the code over all up to here."""

    at: datetime | None = None
    code: str = ""
    heads: list[list[Any]] = field(default_factory=list)


def seal(path: Path, *, now: datetime) -> Seal:
    """Add a seal of every chain that grew since the last one. Raises BrokenSeals rather than extend a changed file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        last = deque(chain([Seal()], _seals(path)), maxlen=1)[0]
        with connection.cursor() as cursor:
            cursor.execute(_GROWN, {"since": last.at and last.at - _OVERLAP})
            heads = [list(row) for row in cursor.fetchall()]
        lines = "".join(f"{json.dumps(head)}\n" for head in heads)
        made = Seal(now, _code(last.code, lines, now.isoformat()), heads)
        file.write(lines + json.dumps({"sealed_at": now.isoformat(), "code": made.code}) + "\n")
    logger.info("Sealed %s audit chains: %s", len(heads), made.code)
    return made


def first_fault(path: Path) -> str:
    """Return what is wrong with the first chain that does not extend its sealed head; empty: nothing."""
    try:
        for one in _seals(path):
            for start in range(0, len(one.heads), _BATCH):
                columns = [list(column) for column in zip(*one.heads[start : start + _BATCH], strict=True)]
                with connection.cursor() as cursor:
                    cursor.execute(_NOT_EXTENDED, columns)
                    if (row := cursor.fetchone()) is not None:
                        return f"{row[0]}: entry {row[1]}, sealed {one.at}, is missing or was rewritten"
    except (BrokenSeals, OSError) as broken:
        return str(broken)
    return ""


def _seals(path: Path) -> Iterator[Seal]:
    code, lines = "", list[str]()
    with path.open() as file:
        for number, line in enumerate(file, 1):
            if line.startswith("["):
                lines.append(line)
                continue
            try:
                said = json.loads(line)
                genuine = constant_time_compare(said["code"], _code(code, "".join(lines), said["sealed_at"]))
            except (ValueError, KeyError, TypeError):
                genuine = False
            if not genuine:
                raise BrokenSeals(f"{path.name} was changed before line {number}, or sealed with another SECRET_KEY")
            code = said["code"]
            yield Seal(datetime.fromisoformat(said["sealed_at"]), code, [json.loads(line) for line in lines])
            lines = []
    if lines:
        raise BrokenSeals(f"the end of {path.name} is missing")


def _code(before: str, lines: str, at: str) -> str:
    return salted_hmac("backoffice.audit.seals", f"{before}\n{lines}{at}", algorithm="sha256").hexdigest()
