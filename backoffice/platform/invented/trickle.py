"""One more invented request, as of now: mostly small and unremarkable, sometimes worth a look.

Players ask at most once a day, so that nobody becomes remarkable by asking; whoever is missing is invented.
Amounts that end in 9.01 to 9.16 tell the sandbox provider what to do (sandbox/stories.py).
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from backoffice.platform.invented import circumstances, visits
from backoffice.platform.invented.people import PLAYERS, Invented, newcomer
from kyc.models import Player
from withdrawals.models import Withdrawal

AT_MOST_EVERY = timedelta(days=1)
STORIES = range(901, 917)
_UNREMARKABLE = 0.74
# Circumstance, and from how many to how many euro.
_REMARKABLE: tuple[tuple[str, int, int], ...] = (
    ("new_details", 60, 900),
    ("shortfall", 40, 400),
    ("quick", 30, 250),
    ("in_and_out", 50, 300),
    ("usual", 1_100, 4_800),
    ("usual", 10_500, 14_000),
)


@dataclass(frozen=True, slots=True)
class Arrived:
    withdrawal: Withdrawal
    words: str


def arrive(*, now: datetime, chance: random.Random) -> Arrived:
    """Invent one request with what went before it. Raises what the use-cases raise."""
    player = _somebody(now=now, chance=chance)
    words, amount = _something(player, chance)
    tag = f"t{now:%y%m%d%H%M%S}"
    with transaction.atomic():
        account = Player.objects.filter(external_id=player.external_id).first()
        if account is None:
            joined = now - timedelta(days=chance.randint(20, 600))
            account = visits.register(player, at=joined, expires_on=timezone.localdate(now) + timedelta(days=700))
        withdrawal = circumstances.BY_WORD[words](player, account, now, amount, tag, "")
    return Arrived(withdrawal, words)


def _somebody(*, now: datetime, chance: random.Random) -> Invented:
    """Return a player of the cast who has not asked lately, else the next newcomer."""
    cast = {player.external_id: player for player in PLAYERS if player.currency == "EUR"}
    lately = Withdrawal.objects.filter(player__external_id__in=cast, requested_at__gt=now - AT_MOST_EVERY)
    busy = set(lately.values_list("player__external_id", flat=True))
    free = [player for external_id, player in cast.items() if external_id not in busy]
    if free and chance.random() < 0.3:
        return chance.choice(free)
    known = Player.objects.filter(external_id__startswith="demo-").count()
    number = max(known, len(PLAYERS)) + 1
    while Player.objects.filter(external_id=newcomer(number).external_id).exists():
        number += 1
    return newcomer(number)


def _something(player: Invented, chance: random.Random) -> tuple[str, int]:
    """Return the circumstance and the amount in minor units."""
    if chance.random() < _UNREMARKABLE:
        return "usual", player.worth(chance.randint(15, 110))
    if chance.random() < 0.45:
        # €19.01 to €89.16: the last three digits are the story's number.
        return "usual", chance.randint(1, 8) * 1_000 + chance.choice(STORIES)
    words, low, high = chance.choice(_REMARKABLE)
    return words, player.worth(chance.randint(low, high))
