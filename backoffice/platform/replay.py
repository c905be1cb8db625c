"""Replaying recorded payments through the use-cases of the API, each event at its own time.

The record has no play, no sign-ins and no verification, so these are inferred, counted and said: a player
is verified from their first event on; somebody who asked for more than they had must have won it, so a
stake of all they had and a win of what they asked for come one second before; and every request came from
the player's own device. Reading the same file again books nothing twice.
"""

import hashlib
import itertools
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Barrier

from django.db import connection, transaction

from backoffice.audit.actors import Machine
from backoffice.money import to_major_string
from backoffice.platform import operations as platform
from backoffice.platform.payments_file import CURRENCY, Meaning, Payment, Refusal
from kyc import operations as kyc
from kyc.models import Player
from ledger import queries as ledger
from withdrawals import nudge
from withdrawals.exceptions import RequestRefused
from withdrawals.models import Withdrawal
from withdrawals.operations import requests

SOURCE = "replay"
ACTOR = Machine(f"platform:{SOURCE}")
DESTINATION = "loyalty-card"
CHUNK = 2_000
THREADS = 2
EXAMPLES = 3
_MOMENT = timedelta(seconds=1)


@dataclass
class Tally:
    """What became of the rows: each is in exactly one category of ``rows``. Amounts in minor units.

    ``players``: how many were made now.
    """

    rows: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[Refusal]] = field(default_factory=dict)
    withdrawals: list[int] = field(default_factory=list)
    # Of the withdrawals, those that an earlier replay had requested already.
    known: int = 0
    players: int = 0
    wins: int = 0
    won: int = 0
    staked: int = 0

    def refuse(self, refusal: Refusal) -> None:
        self.rows["refused"] += 1
        self.refused[refusal.reason] += 1
        self._show([refusal])

    def add(self, other: "Tally") -> None:
        self.rows += other.rows
        self.refused += other.refused
        self._show(itertools.chain(*other.examples.values()))
        self.withdrawals += other.withdrawals
        self.known += other.known
        self.players += other.players
        self.wins += other.wins
        self.won += other.won
        self.staked += other.staked

    def _show(self, refusals: Iterable[Refusal]) -> None:
        for refusal in refusals:
            examples = self.examples.setdefault(refusal.reason, [])
            if len(examples) < EXAMPLES:
                examples.append(refusal)


class Replay:
    """One reading of one file. ``customers``: only the first so many of them.

    With several threads each has its own share of the customers, so that what one customer does stays in order.
    """

    def __init__(self, *, customers: int | None = None, threads: int = THREADS) -> None:
        self.tally = Tally()
        self._threads = threads
        self._most = customers
        self._chosen: set[str] = set()
        known = Player.objects.filter(external_id__startswith=f"{SOURCE}:")
        self._players = {player.external_id: player for player in known}
        self._requested = dict(Withdrawal.objects.filter(source=SOURCE).values_list("intake_key", "pk"))

    def run(self, rows: Iterable[Payment | Refusal]) -> Iterator[int]:
        """Take in the rows, a chunk at a time; yield the number of rows after each."""
        remaining = iter(rows)
        with ThreadPoolExecutor(self._threads, initializer=_prepare_connection) as pool:
            try:
                while chunk := list(itertools.islice(remaining, CHUNK)):
                    for tally in pool.map(self._booked, self._shares(chunk)):
                        self.tally.add(tally)
                    yield len(chunk)
            finally:
                barrier = Barrier(self._threads)
                list(pool.map(_close_connection, [barrier] * self._threads))

    def _shares(self, chunk: list[Payment | Refusal]) -> list[list[Payment]]:
        """Return the payments to book, by thread; what needs no booking is counted here."""
        shares: list[list[Payment]] = [[] for _ in range(self._threads)]
        for row in chunk:
            if isinstance(row, Refusal):
                self.tally.refuse(row)
            elif not self._is_chosen(row):
                self.tally.rows["other customers"] += 1
            elif row.meaning == Meaning.OUTSIDE:
                self.tally.rows[row.meaning] += 1
            else:
                shares[zlib.crc32(row.customer.encode()) % self._threads].append(row)
        return shares

    def _is_chosen(self, payment: Payment) -> bool:
        if self._most is None or len(self._chosen) < self._most:
            self._chosen.add(payment.customer)
        return payment.customer in self._chosen

    def _booked(self, payments: list[Payment]) -> Tally:
        with nudge.muted():
            return _Share(self._players, self._requested).book(payments)


def _prepare_connection() -> None:
    # What a crash of the database loses is booked by the next replay, so no commit waits for the disk.
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")


def _close_connection(all_there: Barrier) -> None:
    all_there.wait()  # so that each thread of the pool gets exactly one of these calls
    connection.close()


class _Share:
    """Some payments in their order. Deposits are booked in batches, always before their player asks."""

    def __init__(self, players: dict[str, Player], requested: dict[str, int]) -> None:
        self._tally = Tally()
        self._players, self._requested = players, requested
        self._deposits: list[Payment] = []

    def book(self, payments: list[Payment]) -> Tally:
        for payment in payments:
            self._know(payment)
        self._note_sign_ins(payments)
        for payment in payments:
            if payment.meaning == Meaning.WITHDRAWAL:
                self._request(payment)
            else:
                self._deposits.append(payment)
                self._tally.rows[payment.meaning] += 1
        self._book_deposits()
        return self._tally

    def _know(self, first: Payment) -> None:
        """Make the player as of their first event: verified, and with the card that all goes to."""
        external_id = external_id_of(first.customer)
        if external_id in self._players:
            return
        name = _name_of(first.customer)
        with transaction.atomic():
            player, _created = kyc.create_or_update_player(
                external_id=external_id, name=name, registered_at=first.at, now=first.at, actor=ACTOR
            )
            kyc.record_verification(
                player=player, kind="identity", state="verified", level=2, decided_at=first.at,
                vendor=SOURCE, vendor_reference=external_id, now=first.at, actor=ACTOR,
            )  # fmt: skip
            requests.register_destination(
                player=player, external_id=DESTINATION, method="card", account=_card_of(first.customer),
                holder_name=name, owned=True, actor=ACTOR, now=first.at,
            )  # fmt: skip
        self._players[external_id] = player
        self._tally.players += 1

    def _note_sign_ins(self, payments: list[Payment]) -> None:
        """Before anything is asked for: a worker may screen a request as soon as it is committed."""
        logins = [_login(payment) for payment in payments if payment.meaning == Meaning.WITHDRAWAL]
        if logins:
            platform.record_logins(logins=logins, source=SOURCE, now=max(login.at for login in logins))

    def _book_deposits(self) -> None:
        if not self._deposits:
            return
        platform.record_deposits(
            deposits=[
                platform.Deposit(
                    event_id=payment.key,
                    player_id=external_id_of(payment.customer),
                    amount=to_major_string(payment.amount, CURRENCY),
                    currency=CURRENCY,
                    at=payment.at,
                    instrument=f"{SOURCE}:{payment.customer}",
                    instrument_label="Loyalty card",
                )
                for payment in self._deposits
            ],
            source=SOURCE,
            now=max(payment.at for payment in self._deposits),
        )
        self._deposits = []

    def _request(self, payment: Payment) -> None:
        if payment.key in self._requested:
            self._tally.rows[payment.meaning] += 1
            self._tally.known += 1
            self._tally.withdrawals.append(self._requested[payment.key])
            return
        if any(deposit.customer == payment.customer for deposit in self._deposits):
            self._book_deposits()
        player = self._players[external_id_of(payment.customer)]
        try:
            with transaction.atomic():
                staked, won = self._infer_play(player, payment)
                withdrawal, _new = requests.request_withdrawal(
                    player=player, destination_id=DESTINATION, currency=CURRENCY,
                    amount=to_major_string(payment.amount, CURRENCY),
                    key=payment.key, source=SOURCE, actor=ACTOR, now=payment.at,
                )  # fmt: skip
        except RequestRefused as refusal:
            self._tally.refuse(Refusal(payment.line, refusal.code.replace("_", " "), refusal.sentence))
            return
        self._tally.rows[payment.meaning] += 1
        self._tally.staked += staked
        self._tally.won += won
        self._tally.wins += won > 0
        self._tally.withdrawals.append(withdrawal.pk)

    def _infer_play(self, player: Player, payment: Payment) -> tuple[int, int]:
        """Let the player have won what they ask for, if they had less; return stake and win."""
        cash = ledger.balance_of(kind="player_cash", holder=str(player.pk), currency=CURRENCY)
        if cash >= payment.amount:
            return 0, 0
        events = [("stake", cash), ("win", payment.amount)]
        platform.record_plays(
            plays=[
                platform.Play(
                    event_id=f"{payment.key}-{kind}",
                    player_id=player.external_id,
                    kind=kind,  # type: ignore[arg-type]
                    amount=to_major_string(amount, CURRENCY),
                    currency=CURRENCY,
                    at=payment.at - _MOMENT,
                )
                for kind, amount in events
                if amount
            ],
            source=SOURCE,
            now=payment.at,
        )
        return cash, payment.amount


def external_id_of(customer: str) -> str:
    """Return the id under which the platform would know a customer of the record."""
    return f"{SOURCE}:{customer}"


def _name_of(customer: str) -> str:
    number = customer.removeprefix("customer")
    return f"Customer {number}" if number.isdigit() else customer


def _card_of(customer: str) -> str:
    """Return an invented token for the customer's loyalty card, the same every time."""
    digest = hashlib.sha256(customer.encode()).hexdigest()
    letters = digest.translate(str.maketrans("0123456789", "ghijklmnop"))
    return f"tok_discover_{int(digest, 16) % 10_000:04d}_{letters[:32]}"


def _login(payment: Payment) -> platform.Login:
    digest = hashlib.sha256(payment.customer.encode()).hexdigest()
    return platform.Login(
        event_id=f"{payment.key}-login",
        player_id=external_id_of(payment.customer),
        at=payment.at - _MOMENT,
        # An address of the documentation range in a network of the player's own.
        ip=f"2001:db8:{digest[:4]}:{digest[4:8]}::1",
        device=f"{SOURCE}:{payment.customer}",
    )
