"""Decisions are facts; the newest one of a kind stands, in whatever order they arrive."""

from datetime import date, timedelta
from itertools import permutations

import pytest
from django.db import DatabaseError, transaction

from backoffice.audit.actors import Machine
from backoffice.audit.queries import timeline_of
from kyc.exceptions import InvalidVerification
from kyc.models import Player, Verification
from kyc.operations import record_verification
from kyc.queries import standing_in, standing_of, standings, standings_of
from kyc.states import CAUTION, Kind, StandingState, VerificationState
from tests.factories.kyc import NOW, TODAY, PlayerFactory, VerificationFactory

pytestmark = pytest.mark.django_db
VENDOR = Machine("vendor:idcheck")


def decide(player: Player, state: str, *, days_ago: int = 0, kind: str = "identity", **fields: object) -> Verification:
    fields = {"level": 2, "vendor": "idcheck", **fields}
    return record_verification(
        player=player,
        kind=kind,
        state=state,
        decided_at=NOW - timedelta(days=days_ago),
        now=NOW,
        actor=VENDOR,
        **fields,
    )


def state_of(player: Player, on: date = TODAY) -> StandingState:
    return standing_of(player, on=on).state


@pytest.mark.parametrize("order", list(permutations([("verified", 3), ("rejected", 1), ("pending", 2)])))
def test_the_newest_decision_stands_in_any_order_of_delivery(order: tuple[tuple[str, int], ...]) -> None:
    player = PlayerFactory()
    for state, days_ago in order:
        decide(player, state, days_ago=days_ago)

    assert state_of(player) == StandingState.REJECTED
    assert player.verifications.count() == 3
    assert [v.state for v in player.verifications.filter(current=True)] == ["rejected"]


def test_of_two_decisions_of_one_instant_the_cautious_one_stands() -> None:
    for order in (["verified", "rejected"], ["rejected", "verified"]):
        player = PlayerFactory()
        for state in order:
            decide(player, state)
        assert state_of(player) == StandingState.REJECTED
    assert set(CAUTION) == set(VerificationState)


def test_the_same_decision_told_twice_is_one_row() -> None:
    player = PlayerFactory()
    first = decide(player, "verified", vendor_reference="chk_1")
    assert decide(player, "verified", vendor_reference="chk_1") == first
    assert player.verifications.count() == 1
    assert [entry.action for entry in timeline_of("player", player.ref)] == ["record_verification"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "horoscope"),
        ("state", "maybe"),
        ("level", 0),
        ("level", 4),
        ("vendor", "id\x00check"),
        ("vendor_reference", "x" * 101),
    ],
)
def test_bad_decisions_are_refused(field: str, value: object) -> None:
    with pytest.raises(InvalidVerification) as refused:
        decide(PlayerFactory(), **{"state": "verified", field: value})
    assert refused.value.field == field


def test_a_decision_from_the_future_is_refused() -> None:
    with pytest.raises(InvalidVerification):
        decide(PlayerFactory(), "verified", days_ago=-1)


def test_facts_cannot_be_changed_or_deleted() -> None:
    verification = VerificationFactory()
    for attempt in (
        lambda: Verification.objects.update(state="rejected"),
        lambda: Verification.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()
    verification.refresh_from_db()
    assert verification.state == "verified"


@pytest.mark.parametrize(
    ("trait", "state", "level", "ok", "short"),
    [
        ("verified", StandingState.VERIFIED, 2, True, "L2"),
        ("fully_verified", StandingState.VERIFIED, 3, True, "L3"),
        ("expiring", StandingState.EXPIRES_SOON, 2, True, "6 d left"),
        ("expired", StandingState.EXPIRED, 0, False, "Expired"),
        ("pending", StandingState.PENDING, 0, False, "Pending"),
        ("rejected", StandingState.REJECTED, 0, False, "Rejected"),
        (None, StandingState.NONE, 0, False, "Unverified"),
    ],
)
def test_standing_by_identity(trait: str | None, state: StandingState, level: int, ok: bool, short: str) -> None:
    player = PlayerFactory(**({trait: True} if trait else {}))
    standing = standing_of(player, on=TODAY)
    assert (standing.state, standing.level, standing.ok, standing.short) == (state, level, ok, short)


@pytest.mark.parametrize(
    ("days_left", "state", "words"),
    [
        (31, StandingState.VERIFIED, "Verified, level 2"),
        (30, StandingState.EXPIRES_SOON, "Verified, level 2, expires in 30 days"),
        (1, StandingState.EXPIRES_SOON, "Verified, level 2, expires tomorrow"),
        (0, StandingState.EXPIRES_SOON, "Verified, level 2, expires today"),
        (-1, StandingState.EXPIRED, "Expired on 21 Nov 2026"),
    ],
)
def test_standing_runs_out_with_the_days(days_left: int, state: StandingState, words: str) -> None:
    player = VerificationFactory(expires_on=TODAY + timedelta(days=days_left)).player
    standing = standing_of(player, on=TODAY)
    assert (standing.state, standing.words, standing.days_left) == (state, words, days_left)


def test_an_identity_without_an_end_stays() -> None:
    player = VerificationFactory(expires_on=None).player
    assert standing_of(player, on=TODAY + timedelta(days=9999)).words == "Verified, level 2"


def test_other_proofs_raise_the_level_only_while_they_and_the_identity_count() -> None:
    player = PlayerFactory()
    decide(player, "verified", level=1, expires_on=TODAY + timedelta(days=200))
    decide(player, "verified", kind="address", level=2, expires_on=TODAY + timedelta(days=100))
    decide(player, "verified", kind="source_of_funds", level=3, expires_on=TODAY + timedelta(days=50))

    def at(days: int) -> tuple[int, str, date | None]:
        standing = standing_of(player, on=TODAY + timedelta(days=days))
        return standing.level, standing.state.value, standing.expires_on

    assert at(0) == (3, "verified", TODAY + timedelta(days=50))
    assert at(40) == (3, "expires_soon", TODAY + timedelta(days=50))
    assert at(51) == (2, "verified", TODAY + timedelta(days=100))
    assert at(101) == (1, "verified", TODAY + timedelta(days=200))
    assert at(201) == (0, "expired", TODAY + timedelta(days=200))


def test_a_rejected_proof_of_any_kind_shows() -> None:
    player = PlayerFactory(verified=True)
    decide(player, "rejected", kind="source_of_funds", level=3)
    assert state_of(player) == StandingState.REJECTED
    assert standing_of(player, on=TODAY).level == 2


def test_a_pending_further_proof_leaves_the_identity_standing() -> None:
    player = PlayerFactory(verified=True)
    decide(player, "pending", kind="address", level=3)
    assert state_of(player) == StandingState.VERIFIED


def test_a_list_of_standings_is_one_query(django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    for trait in ("verified", "expiring", "expired", "pending", "rejected"):
        PlayerFactory(**{trait: True})
    rows = standings(on=TODAY).order_by("standing_expires_on", "pk")
    with django_assert_num_queries(1):
        states = [standing_in(row, on=TODAY).state.value for row in rows]
    assert states == ["expired", "expires_soon", "verified", "pending", "rejected"]
    assert standings(on=TODAY).filter(standing_state="expired").count() == 1
    with django_assert_num_queries(1):
        assert len(standings_of([row.pk for row in rows], on=TODAY)) == 5


def test_every_state_has_a_look() -> None:
    for state in [*StandingState, *VerificationState]:
        assert state.tone in {"neutral", "info", "attn", "danger", "success"}
        assert state.icon
    assert set(Kind.values) == {"identity", "address", "source_of_funds"}
