"""Filling an empty installation with the demonstration: staff, an API client, players, a month of withdrawals.

Everything goes through the use-cases and the door, at its own past time; no state is ever written. It is done
whole, in one transaction, or not at all; doing it again adds only what is missing.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from backoffice import demo
from backoffice.accounts import second_factor
from backoffice.accounts.models import User
from backoffice.money import parse_amount
from backoffice.platform.invented import circumstances, outcomes, visits
from backoffice.platform.invented.people import PLAYERS, Invented
from backoffice.platform.invented.scenes import EARLIER, IDENTITIES, NEWCOMERS, NOT_OWNED, SCENES, Scene
from backoffice.platform.models import ApiClient
from kyc.models import Player
from providers import routing
from withdrawals import nudge
from withdrawals.models import Withdrawal

Watcher = Callable[[], None]


@dataclass
class Seeded:
    """How many were made now, not how many there are."""

    staff: int = 0
    clients: int = 0
    players: int = 0
    withdrawals: int = 0


@transaction.atomic
def seed(*, now: datetime, watch: Watcher = lambda: None) -> Seeded:
    """Add what is missing of the demonstration. ``watch`` is called after each player."""
    with nudge.muted():
        return _seed(now=now, watch=watch)


def _seed(*, now: datetime, watch: Watcher) -> Seeded:
    made = Seeded()
    staff = _staff(made, now=now)
    _client(made, now=now)
    players = {player: _register(player, made, now=now) for player in PLAYERS}
    if made.players:
        _pause_volta(staff, now=now)
    for player, account in players.items():
        if not Withdrawal.objects.filter(player=account).exists():
            _live(player, account, staff, made, now=now)
        watch()
    return made


def _staff(made: Seeded, *, now: datetime) -> outcomes.Staff:
    by_role: outcomes.Staff = {}
    for person in demo.STAFF:
        user = User.objects.filter(email=person.email).first()
        if user is None:
            joined = now - timedelta(days=400)
            user = User.objects.create_user(person.email, person.name, demo.PASSWORD, date_joined=joined)
            user.groups.add(Group.objects.get(name=person.role))
            made.staff += 1
            if person.app_secret:
                second_factor.give_app(user, secret=person.app_secret, now=joined)
        by_role.setdefault(person.role, user)
    return by_role


def _client(made: Seeded, *, now: datetime) -> None:
    if ApiClient.objects.filter(key_id=visits.SOURCE).exists():
        return
    client = ApiClient(key_id=visits.SOURCE, name="Demonstration platform", created_at=now)
    client.give_secrets(demo.API_SECRET, demo.API_SECRET)
    client.save()
    made.clients += 1


def _register(player: Invented, made: Seeded, *, now: datetime) -> Player:
    known = Player.objects.filter(external_id=player.external_id).first()
    if known is not None:
        return known
    state, days = IDENTITIES.get(player.name, ("verified", 900))
    expires_on = None if days is None else timezone.localdate(now) + timedelta(days=days)
    joined = now - timedelta(days=70 + player.number * 11)
    account = visits.register(
        player, at=joined, identity=state, expires_on=expires_on, owned=player.name not in NOT_OWNED
    )
    made.players += 1
    return account


def _live(player: Invented, account: Player, staff: outcomes.Staff, made: Seeded, *, now: datetime) -> None:
    """Tell one player's past and their scenes, in the order of time."""
    past = _past(player, now=now)
    scenes = [scene for scene in SCENES if scene.player is player]
    for place, scene in enumerate(sorted([*past, *scenes], key=lambda scene: -scene.ago)):
        at, amount = now - scene.ago, parse_amount(scene.amount, player.currency)
        before, _, about = scene.before.partition(" ")
        after, _, words = scene.after.partition(" ")
        request = circumstances.BY_WORD[before](player, account, at, amount, f"s{place}", about)
        outcomes.BY_WORD[after](request, staff, at, now, words)
        made.withdrawals += 1


def _past(player: Invented, *, now: datetime) -> list[Scene]:
    """Return what the player asked for before, all paid; some asked for nothing yet."""
    if player.name in NEWCOMERS or player.pays_to in ("btc", "usdt"):
        return []
    if player.name in EARLIER:
        return [Scene(player, timedelta(days=days), amount, "usual", "paid") for days, amount in EARLIER[player.name]]
    chance = random.Random(player.number)  # noqa: S311 - invents a past, no secrets
    if chance.random() < 0.4:
        return []
    ago = timedelta(days=chance.uniform(5, 29))
    return [Scene(player, ago, _round_amount(player, chance), "usual", "paid")]


def _round_amount(player: Invented, chance: random.Random) -> str:
    """Return a usual amount as people ask for it: whole tens of the currency."""
    unit = {"JPY": 1_000, "SEK": 100, "NOK": 100, "CZK": 500, "BRL": 50, "PLN": 50}.get(player.currency, 10)
    return str(unit * chance.randint(3, 40))


def _pause_volta(staff: outcomes.Staff, *, now: datetime) -> None:
    """Give the board something to show, and a reason to wait to the withdrawals that only Volta can pay."""
    if "volta" not in routing.paused():
        routing.pause(
            "volta", actor=staff["Finance"], reason="Slow since this morning; they are looking into it.",
            now=now - timedelta(minutes=40),
        )  # fmt: skip
