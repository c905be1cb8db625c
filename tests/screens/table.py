"""Every screen in every state that is worth looking at, as one table.

The tests hold each line to the same rules in both themes and three sizes (test_screens.py); `make screenshots`
makes a picture of each. Both stand on the demonstration's data.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse

from kyc.models import Player
from ledger.models import Entry
from withdrawals.models import Finding, Withdrawal
from withdrawals.states import State

Address = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Screen:
    """``keys`` are pressed after loading; ``refused`` are roles that may not come here by any way."""

    name: str
    role: str
    address: Address
    keys: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


def newest(player: str) -> Withdrawal:
    return Withdrawal.objects.filter(player__name=player).latest("requested_at", "pk")


def page(name: str, query: str = "") -> Address:
    return lambda: reverse(name) + query


def record(player: str, query: str = "") -> Address:
    return lambda: reverse("withdrawals:record", args=[newest(player).ref]) + query


def move(player: str, slug: str) -> Address:
    return lambda: reverse("withdrawals:move", args=[newest(player).ref, slug])


def in_state(state: State) -> Address:
    return lambda: reverse("withdrawals:record", args=[Withdrawal.objects.filter(state=state).latest("pk").ref])


def unknown() -> str:
    row = Withdrawal.objects.filter(state=State.OUTCOME_UNKNOWN).latest("pk")
    return reverse("withdrawals:unknown", args=[row.ref])


def flagged(player: str) -> Address:
    return lambda: reverse("withdrawals:flagged-one", args=[newest(player).ref])


def first_finding() -> str:
    return reverse("withdrawals:finding", args=[Finding.objects.earliest("pk").pk])


def any_entry() -> str:
    return reverse("ledger:entry", args=[Entry.objects.latest("pk").pk])


def one_player() -> str:
    return reverse("withdrawals:players") + f"?q={Player.objects.get(name='Elena Marković').ref}"


NOT_FLAGGED = ("Operator", "Senior", "Support", "Finance", "Administrator")
NO_MONEY = ("Operator", "Senior", "Fraud", "Support", "Administrator")
DECIDES = "?view=needs-decision"

SCREENS = (
    *(Screen(f"today-{role.lower()}", role, page("today")) for role in ("Senior", "Fraud", "Support", "Finance")),
    Screen("today-compliance", "Compliance", page("today")),
    Screen("today-administrator", "Administrator", page("today")),
    Screen("statuses", "Support", page("withdrawals:statuses")),
    Screen("palette", "Operator", page("withdrawals:queue"), ("Control+k", "e", "l", "e", "n")),
    Screen("queue", "Operator", page("withdrawals:queue")),
    Screen("queue-all", "Senior", page("withdrawals:queue", "?view=all")),
    Screen("queue-nothing-matches", "Operator", page("withdrawals:queue", "?view=all&q=nobody&risk=high")),
    Screen("queue-malformed", "Operator", page("withdrawals:queue", "?view=nonsense&amount_min=lots&after=x")),
    Screen("queue-support", "Support", page("withdrawals:queue", "?view=all")),
    Screen("queue-finance", "Finance", page("withdrawals:queue", "?view=all")),
    Screen("second-approval", "Senior", page("withdrawals:second-approval"), refused=("Operator", "Fraud", "Finance")),
    Screen("second-approval-own", "Senior", page("withdrawals:second-approval", "?view=yours")),
    Screen("in-flight", "Operator", page("withdrawals:in-flight"), refused=("Fraud", "Support", "Compliance")),
    Screen("in-flight-slow", "Finance", page("withdrawals:in-flight", "?view=slow")),
    Screen("unknown", "Senior", unknown, refused=("Fraud", "Support", "Compliance")),
    Screen("unknown-raw", "Administrator", unknown),
    Screen("decision", "Senior", record("Jonas Weber", DECIDES)),
    Screen("decision-armed", "Senior", record("Zofia Baran", DECIDES), ("a",)),
    Screen("decision-reject", "Senior", record("Zofia Baran", DECIDES), ("r", "2")),
    Screen("decision-hold", "Senior", record("Zofia Baran", DECIDES), ("h",)),
    Screen("decision-of-another", "Senior", record("Elena Marković")),
    Screen("decision-second", "Senior", record("Gloria Stanfield", DECIDES)),
    Screen("decision-note", "Operator", move("Luca Ferraro", "note")),
    Screen("decision-reject-plain", "Operator", move("Luca Ferraro", "reject")),
    Screen("record-on-hold", "Operator", record("Liis Saar")),
    Screen("record-completed", "Senior", record("Ivan Marković")),
    Screen("record-completed-support", "Support", record("Ivan Marković")),
    Screen("record-rejected", "Operator", record("Sanna Heikkilä")),
    Screen("record-processing", "Senior", record("Lucía Montero")),
    Screen("record-unknown", "Finance", in_state(State.OUTCOME_UNKNOWN)),
    Screen("record-returned", "Finance", record("Elina Vainio")),
    Screen("record-failed", "Senior", record("Rasmus Ek")),
    Screen("flagged", "Fraud", page("withdrawals:flagged"), refused=NOT_FLAGGED),
    Screen("flagged-one", "Fraud", flagged("Tomasz Wilczek"), refused=NOT_FLAGGED),
    Screen("kyc", "Compliance", page("withdrawals:standings"), refused=("Operator", "Fraud", "Support", "Finance")),
    Screen("players", "Support", page("withdrawals:players"), refused=("Finance", "Administrator")),
    Screen("players-found", "Support", one_player, refused=("Finance", "Administrator")),
    Screen("players-nobody", "Support", page("withdrawals:players", "?q=nobody@nowhere.example")),
    Screen("providers", "Finance", page("withdrawals:providers"), refused=("Fraud", "Support", "Compliance")),
    Screen("transactions", "Finance", page("withdrawals:transactions"), refused=NO_MONEY),
    Screen("journal", "Finance", page("ledger:journal"), refused=("Operator", "Fraud", "Support", "Administrator")),
    Screen("entry", "Finance", any_entry, refused=("Operator", "Fraud", "Support", "Administrator")),
    Screen("findings", "Finance", page("withdrawals:findings"), refused=("Operator", "Fraud", "Support")),
    Screen("finding", "Finance", first_finding, refused=("Operator", "Fraud", "Support")),
    Screen("profile", "Operator", page("profile")),
    Screen("security", "Operator", page("security")),
    Screen("shortcuts", "Operator", page("shortcuts")),
    Screen("password", "Operator", page("change-password")),
    Screen("add-app", "Operator", page("add-app")),
    Screen("staff", "Administrator", page("staff"), refused=("Operator", "Senior", "Fraud", "Support", "Finance")),
    Screen("audit", "Compliance", page("audit:log"), refused=("Operator", "Senior", "Fraud", "Support", "Finance")),
)
