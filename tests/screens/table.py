"""Every screen in every state that is worth looking at, as one table.

The tests hold each line to the same rules in both themes and three sizes (test_screens.py); `make screenshots`
makes a picture of each. Both stand on the demonstration's data.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from playwright.sync_api import Page

from backoffice import demo
from backoffice.jobs.models import Job
from kyc.models import Player
from ledger.models import Entry
from withdrawals.models import Finding, Withdrawal
from withdrawals.states import State

Address = Callable[[], str]
Step = str | Callable[[Page], Any]


@dataclass(frozen=True, slots=True)
class Screen:
    """``role`` is a role of the demonstration's people or a name of one, empty for nobody signed in. ``steps`` are done
    after loading: a key that is pressed, or something with the page. ``refused`` are roles that may not come here by
    any way. ``part`` is what this adds to another screen: axe and Tab, which take long, see that alone. ``missing`` is
    a column of the database that is not there while the page is made, ``under`` what settings are then."""

    name: str
    role: str
    address: Address
    steps: tuple[Step, ...] = ()
    refused: tuple[str, ...] = ()
    part: str = ""
    status: int = 200
    missing: str = ""
    under: dict[str, Any] = field(default_factory=dict)

    def prepare(self, broken: Callable[[str], None], settings: Any) -> None:
        for name, value in self.under.items():
            setattr(settings, name, value)
        if self.missing:
            broken(self.missing)

    def come(self, page: Page) -> None:
        """Do the steps, and wait until what they asked for is there."""
        for step in self.steps:
            if isinstance(step, str):
                page.keyboard.press(step)
            else:
                step(page)
        if self.steps:
            page.wait_for_load_state("networkidle")


# Steps ---------------------------------------------------------------------------------------------------------


def click(name: str) -> Step:
    return lambda page: page.get_by_role("button", name=name, exact=True).click()


def menu(selector: str) -> Step:
    """Open a menu by its button, which has other words in other lists."""
    return lambda page: page.locator(f"{selector} > summary").click()


def altered(field: str) -> Step:
    """What the page holds to be compared is no longer what the server knows."""
    return lambda page: page.locator(f"[name={field}]").first.evaluate("field => { field.value = '0'; }")


def shown(selector: str) -> Step:
    return lambda page: page.locator(selector).first.wait_for()


def signed_in_as(email: str, password: str = demo.PASSWORD) -> tuple[Step, ...]:
    """The first step of signing in."""

    def typed(page: Page) -> None:
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password", exact=True).fill(password)

    return typed, click("Sign in")


# Addresses -----------------------------------------------------------------------------------------------------


def newest(player: str) -> Withdrawal:
    return Withdrawal.objects.filter(player__name=player).latest("requested_at", "pk")


def page(name: str, query: str = "") -> Address:
    return lambda: reverse(name) + query


def record(player: str, query: str = "") -> Address:
    return lambda: reverse("withdrawals:record", args=[newest(player).ref]) + query


def record_page(name: str, player: str) -> Address:
    return lambda: reverse(f"withdrawals:{name}", args=[newest(player).ref])


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


def job(name: str) -> Address:
    return lambda: reverse("withdrawals:bulk-job", args=[Job.objects.get(token=name).pk])


def one_player() -> str:
    return reverse("withdrawals:players") + f"?q={Player.objects.get(name='Elena Marković').ref}"


NOT_FLAGGED = ("Operator", "Senior", "Support", "Finance", "Administrator")
NO_MONEY = ("Operator", "Senior", "Fraud", "Support", "Administrator")
LOCKED_OUT = "guessed@demo.example"
DECIDES = "?view=needs-decision"
PICKED = (lambda page: page.get_by_label("Select this page").check(), shown("#bulk-bar button"))
PREVIEWED = (*PICKED, click("Preview approval"), shown("[data-commits]"))
# Marta's work is several things at once; nobody else's pages show it (conftest.py).
MARTA = "Marta Lindqvist"

SCREENS = (
    Screen("sign-in", "", page("sign-in")),
    Screen("sign-in-wrong", "", page("sign-in"), signed_in_as("dana@demo.example", "a guess")),
    Screen("sign-in-locked", "", page("sign-in"), signed_in_as(LOCKED_OUT)),
    Screen("sign-in-code", "", page("sign-in"), signed_in_as("tove@demo.example")),
    Screen(
        "sign-in-set-up", "", page("sign-in"), signed_in_as("sol@demo.example"), under={"SECOND_FACTOR": "required"}
    ),
    *(Screen(f"today-{role.lower()}", role, page("today")) for role in ("Senior", "Fraud", "Support", "Finance")),
    Screen("today-compliance", "Compliance", page("today")),
    Screen("today-administrator", "Administrator", page("today")),
    Screen("statuses", "Support", page("withdrawals:statuses")),
    Screen("palette-empty", "Operator", page("withdrawals:queue"), ("Control+k",), part="#palette"),
    Screen(
        "palette",
        "Operator",
        page("withdrawals:queue"),
        ("Control+k", "e", "l", "e", "n", shown("#found-list :text('Elena')")),
        part="#palette",
    ),
    Screen("queue", "Operator", page("withdrawals:queue")),
    Screen("queue-keys", "Operator", page("withdrawals:queue"), ("?",), part="#keys"),
    Screen("queue-peek", "Operator", page("withdrawals:queue"), ("j", "j", "Space", shown(".peek-body")), part="#peek"),
    Screen("queue-filter", "Operator", page("withdrawals:queue"), ("f",), part="#filter-menu"),
    Screen("queue-columns", "Operator", page("withdrawals:queue"), (menu("#column-menu"),), part="#column-menu"),
    Screen("queue-view", "Operator", page("withdrawals:queue"), (menu("#view-menu"),), part="#view-menu"),
    Screen("queue-views", "Senior", page("withdrawals:queue"), ("v",), part="#all-views"),
    Screen("queue-me", "Operator", page("withdrawals:queue"), (menu("details.me"),), part="details.me"),
    Screen("queue-selected", "Operator", page("withdrawals:queue"), PICKED, part="#bulk-bar"),
    Screen("bulk-preview", "Operator", page("withdrawals:queue"), PREVIEWED),
    Screen(
        "bulk-refused",
        "Operator",
        page("withdrawals:queue"),
        (*PREVIEWED, altered("preview"), "Control+Enter", shown("text=Select again")),
    ),
    Screen("queue-exact-times", MARTA, page("withdrawals:queue", "?view=all")),
    Screen("second-approval-exact-times", MARTA, page("withdrawals:second-approval")),
    Screen("bulk-job-running", MARTA, job("running")),
    Screen("bulk-job-done", MARTA, job("done")),
    Screen("queue-clear", MARTA, page("withdrawals:next", "?view=mine")),
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
    Screen("decision-armed", "Senior", record("Zofia Baran", DECIDES), ("a",), part="#decision"),
    Screen("decision-reject", "Senior", record("Zofia Baran", DECIDES), ("r", "2"), part="#decision"),
    Screen("decision-hold", "Senior", record("Zofia Baran", DECIDES), ("h",), part="#decision"),
    Screen("decision-of-another", "Senior", record("Elena Marković")),
    Screen("decision-second", "Senior", record("Gloria Stanfield", DECIDES)),
    Screen("decision-keys", "Senior", record("Zofia Baran", DECIDES), ("?",), part="#keys"),
    Screen("decision-lost-panel", "Senior", record("Zofia Baran", DECIDES), missing="kyc_verification.level"),
    Screen(
        "decision-conflict",
        "Senior",
        record("Zofia Baran", DECIDES),
        ("r", "2", altered("version"), "Control+Enter", shown("#bar-notice .notice, #bar-box .notice")),
        part="#bar-notice",
    ),
    Screen("take-over", "Senior", record_page("take-over", "Elena Marković"), refused=("Operator", "Support")),
    Screen("evidence", "Senior", record_page("evidence", "Ivan Marković"), refused=("Operator", "Support")),
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
    Screen("styleguide", "Administrator", page("styleguide"), refused=("Operator", "Senior", "Finance")),
    Screen(
        "today-lost-block", "Operator", page("today"), missing="providers_providercontrol.reason", part=".error-panel"
    ),
    Screen("not-permitted", "Operator", page("staff"), status=403),
    Screen("not-found", "Operator", lambda: reverse("withdrawals:record", args=["WD-0000-0000"]), status=404),
    Screen("profile", "Operator", page("profile")),
    Screen("security", "Operator", page("security")),
    Screen("shortcuts", "Operator", page("shortcuts")),
    Screen("password", "Operator", page("change-password")),
    Screen("add-app", "Operator", page("add-app")),
    Screen("staff", "Administrator", page("staff"), refused=("Operator", "Senior", "Fraud", "Support", "Finance")),
    Screen("audit", "Compliance", page("audit:log"), refused=("Operator", "Senior", "Fraud", "Support", "Finance")),
)
