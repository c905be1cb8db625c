"""Taking in what players did, and judging one request."""

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Any

from django.db import connection, models, transaction
from django.db.models import prefetch_related_objects

from fraud.activity import Deposit, Login, Play
from fraud.facts import PayoutRequest
from fraud.gather import gather
from fraud.models import Assessment, RuleHit
from fraud.rules import RULE_SET_VERSION, judge
from fraud.states import HIGHEST_SCORE, level_of


@dataclass(frozen=True, slots=True)
class DepositEvent:
    """``instrument`` is a fingerprint, never a number; ``instrument_label`` is masked."""

    player_id: int
    event_id: str
    at: datetime
    amount: int
    currency: str
    instrument: str = ""
    instrument_label: str = ""


@dataclass(frozen=True, slots=True)
class PlayEvent:
    """``kind`` is stake, win or bonus; a stake of bonus money is a bonus."""

    player_id: int
    event_id: str
    at: datetime
    kind: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class LoginEvent:
    player_id: int
    event_id: str
    at: datetime
    ip: str
    device: str = ""
    country: str = ""
    city: str = ""

    @property
    def network(self) -> str:
        """What counts as one address: the address itself, or the /64 of an IPv6 one."""
        address = ip_address(self.ip)
        return str(address) if address.version == 4 else str(ip_network((address, 64), strict=False))


def record_deposits(rows: list[DepositEvent]) -> int:
    """Take in deposits; return how many were new. An event id that is known is left as it was."""
    return _insert(Deposit, rows)


def record_plays(rows: list[PlayEvent]) -> int:
    """Take in settled play; return how many events were new."""
    return _insert(Play, rows)


def record_logins(rows: list[LoginEvent]) -> int:
    """Take in sign-ins; return how many were new. Raises ValueError for what is no IP address."""
    return _insert(Login, rows, computed=("network",))


@transaction.atomic
def assess(*, subject: str, player_id: int, request: PayoutRequest, now: datetime) -> Assessment:
    """Judge one request and keep the facts and the hits; return the assessment with ``hits`` loaded.

    An error in here is not an answer: whoever asks sends the request to a person.
    """
    facts = gather(player_id=player_id, request=request)
    hits = judge(facts)
    score = min(sum(hit.points for hit in hits), HIGHEST_SCORE)
    assessment = Assessment.objects.create(
        subject=subject,
        player_id=player_id,
        assessed_at=now,
        score=score,
        level=level_of(score),
        hold=any(hit.hold for hit in hits),
        facts=facts.to_json(),
        rule_set=RULE_SET_VERSION,
    )
    RuleHit.objects.bulk_create(RuleHit(assessment=assessment, **asdict(hit)) for hit in hits)
    prefetch_related_objects([assessment], "hits")
    return assessment


def _insert(model: type[models.Model], rows: list[Any], *, computed: tuple[str, ...] = ()) -> int:
    """Insert in one statement and count exactly what was new, also when two senders overlap."""
    if not rows:
        return 0
    # One order for everybody: two batches with the same events wait for each other, they never deadlock.
    rows = sorted(rows, key=lambda row: row.event_id)
    columns = [*(field.name for field in fields(rows[0])), *computed]
    # Without the length, so that a text that is too long is refused and not cut.
    types = [str(model._meta.get_field(column).db_type(connection)).partition("(")[0] for column in columns]
    arrays = ", ".join(f"%s::{type_}[]" for type_ in types)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) "  # noqa: S608 - names from the model
            f"SELECT * FROM unnest({arrays}) ON CONFLICT (event_id) DO NOTHING",
            [[getattr(row, column) for row in rows] for column in columns],
        )
        return int(cursor.rowcount)
