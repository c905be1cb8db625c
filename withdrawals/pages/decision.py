"""The facts of a decision page, panel by panel. One that cannot be read does not take the others with it."""

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import Any

from django.utils import timezone

from backoffice.accounts.models import User
from backoffice.ui import failures
from kyc import queries as kyc
from kyc.states import Standing
from withdrawals import guards, statement, usage, visibility
from withdrawals.models import CheckResult, Withdrawal
from withdrawals.pages.approval import blocker, first_approval, policy_line
from withdrawals.pages.earlier import earlier_of
from withdrawals.pages.limits import MOST_BARS, bars_of, over_limits
from withdrawals.pages.money_trail import trail_of
from withdrawals.pages.people import linked_of, player_facts, similar_of
from withdrawals.pages.route import Route, route_of
from withdrawals.pages.sheets import Sheet
from withdrawals.pages.why import concerns_of, results_of, why_of
from withdrawals.states import UNDECIDED

# The panels in the order of reading, each with what is missing when it cannot be loaded.
PANELS = {
    "why": "what the checks say",
    "limits": "the limits",
    "player": "KYC",
    "money": "the money",
    "linked": "the linked players",
    "route": "where it goes",
    "earlier": "the earlier payouts",
}
# The headings under which stands what the checks counted.
COUNTED = ("Where the money came from", "Linked players")
# Without these nobody approves.
NEEDED = ("why", "limits", "player", "money", "route")
# Which part of the page shows what withdrawals.pulse calls a fact.
PANEL_OF = {"player": "player", "why": "why", "limits": "limits", "house": "limits", "money": "money", "route": "route",
            "provider": "route", "findings": "findings"}  # fmt: skip


class Facts:
    """What one reader may know of one withdrawal now; each fact is asked for once, when it is first needed."""

    def __init__(self, withdrawal: Withdrawal, user: User, *, now: datetime) -> None:
        self.withdrawal, self.user, self.now = withdrawal, user, now

    @cached_property
    def results(self) -> list[CheckResult]:
        return results_of(self.withdrawal)

    @cached_property
    def standing(self) -> Standing:
        return kyc.standing_of(self.withdrawal.player, on=timezone.localdate(self.now))

    @cached_property
    def statement(self) -> statement.Statement:
        return statement.statement_of(self.withdrawal)

    @cached_property
    def route(self) -> Route:
        return route_of(self.withdrawal, self.user, now=self.now)

    @cached_property
    def limits(self) -> tuple[list[usage.Usage], list[usage.Usage]]:
        """The use of the player's limits, and of the house's."""
        return usage.of_both(self.withdrawal, now=self.now)

    # -- the panels, as their templates take them ---------------------------------------------

    def why(self) -> dict[str, Any]:
        return {"why": why_of(self.withdrawal, self.results, self.user, panels=COUNTED)}

    def limits_after(self) -> dict[str, Any]:
        of_player, of_house = self.limits
        bars = bars_of([*of_player, *of_house], self.withdrawal)
        return {"bars": bars[:MOST_BARS], "more_bars": bars[MOST_BARS:]}

    def player(self) -> dict[str, Any]:
        today = timezone.localdate(self.now)
        return {"player": player_facts(self.withdrawal.player, self.standing, self.user, today=today)}

    def money(self) -> dict[str, Any]:
        return {"trail": trail_of(self.withdrawal, self.statement, self.user)}

    def linked(self) -> dict[str, Any]:
        return {
            "people": linked_of(self.withdrawal, self.user, now=self.now),
            "similar": similar_of(self.withdrawal, self.user),
        }

    def where(self) -> dict[str, Any]:
        return {"route": self.route}

    def earlier(self) -> dict[str, Any]:
        return {"earlier": earlier_of(self.withdrawal, self.user)}

    # -- what they mean for an approval -----------------------------------------------------------

    def blocker(self) -> str:
        """Return what stands in the way of an approval now, or nothing."""
        if self.withdrawal.state not in UNDECIDED:
            return ""
        return blocker(self.withdrawal, self.standing, *self.limits, now=self.now)


def context_of(facts: Facts, offered: list[Sheet], *, taken: str) -> dict[str, Any]:
    """Return the panels, the policy line and what blocks an approval. ``taken``: by whom it is decided.

    ``lost`` holds what could not be loaded, by panel.
    """
    lost: dict[str, failures.Lost] = {}
    context: dict[str, Any] = {"lost": lost}
    panels: dict[str, Callable[[], dict[str, Any]]] = {
        "why": facts.why,
        "limits": facts.limits_after,
        "player": facts.player,
        "money": facts.money,
        "linked": facts.linked,
        "route": facts.where,
        "earlier": facts.earlier,
    }
    for name, load in panels.items():
        try:
            context |= load()
        except Exception:
            lost[name] = failures.lost(PANELS[name], of=facts.withdrawal.ref)
    unknown = [lost[name].what for name in NEEDED if name in lost]
    if unknown:
        blocked = f"Cannot approve while {' and '.join(unknown)} {'is' if len(unknown) == 1 else 'are'} unknown."
    else:
        blocked = facts.blocker()
    senior = not unknown and bool(facts.statement.unexplained) and not guards.may_approve_unexplained(facts.user)
    if senior:
        offered = [sheet for sheet in offered if not sheet.look.inline]
    besides = [] if unknown else [*over_limits([one for of in facts.limits for one in of]), *_wait(facts.route)]
    return context | {
        "blocker": blocked,
        "needs_senior": senior,
        "policy": policy_line(
            facts.withdrawal,
            offered,
            facts.user,
            all_passed="why" not in lost and not concerns_of(facts.results),
            blocker=blocked,
            taken=taken,
            unexplained=senior,
            besides=besides,
        ),
        "first_approval": first_approval(facts.withdrawal, facts.user),
        "sees_money": visibility.sees(facts.user, visibility.Field.MONEY),
    }


def _wait(route: Route) -> list[str]:
    return [route.wait] if route.wait else []
