"""The questions asked of every withdrawal. All run, so that a person sees the whole picture.

A check reads and never writes to other apps (fraud keeps its own assessment), and never calls the
network. One that fails to run is a review outcome: never a pass, never swallowed.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import transaction

from withdrawals.checks import destination, fraud, identity, incident, limits
from withdrawals.checks.outcome import Outcome, review
from withdrawals.models import Withdrawal

logger = logging.getLogger(__name__)

Check = Callable[..., Outcome | list[Outcome]]
# Asked again before an approval and before a payout: they keep nothing and look only at what is true now.
REPEATED: tuple[Check, ...] = (identity.verified, destination.owned, limits.within_limits, incident.none_open)
CHECKS: tuple[Check, ...] = (*REPEATED, fraud.assessed)


def run_all(withdrawal: Withdrawal, *, now: datetime) -> list[Outcome]:
    """Return the outcomes of every check, most severe first. The caller holds the player's lock."""
    return _run_each(CHECKS, withdrawal, now=now)


def run_again(withdrawal: Withdrawal, *, now: datetime) -> list[Outcome]:
    """Return what the checks that can be asked at any time say now, most severe first; nothing is kept."""
    return _run_each(REPEATED, withdrawal, now=now)


def _run_each(chosen: Sequence[Check], withdrawal: Withdrawal, *, now: datetime) -> list[Outcome]:
    try:
        with transaction.atomic():
            answers = [_listed(check(withdrawal, now=now)) for check in chosen]
    except Exception:  # each of them again by itself: the one that fails says so there
        answers = [_run(check, withdrawal, now=now) for check in chosen]
    outcomes = [outcome for answer in answers for outcome in answer]
    return sorted(outcomes, key=lambda outcome: (-outcome.severity, -outcome.points))


def _listed(answer: Outcome | list[Outcome]) -> list[Outcome]:
    return answer if isinstance(answer, list) else [answer]


def _run(check: Check, withdrawal: Withdrawal, *, now: datetime) -> list[Outcome]:
    name = f"{check.__module__.rpartition('.')[2]}.{check.__name__}"
    try:
        with transaction.atomic():  # a failed statement must not take the other checks with it
            return _listed(check(withdrawal, now=now))
    except Exception:
        logger.exception("Check %s of %s failed; a person decides.", name, withdrawal.ref)
        return [
            review(
                f"error.{name}",
                "A check could not run",
                f"The check “{name.replace('.', ' ').replace('_', ' ')}” failed to run. Nobody knows its answer.",
                short="A check could not run",
                points=30,
            )
        ]
