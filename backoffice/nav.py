"""The menu as data: section, label, url name, permission, icon, count."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from backoffice.roles import LANDING
from withdrawals import in_flight, queries


@dataclass(frozen=True, slots=True)
class Item:
    section: str
    label: str
    url_name: str
    permission: str
    icon: str
    count: Callable[..., int] | None = None


MENU: tuple[Item, ...] = (
    Item("", "Withdrawals", "withdrawals:queue", "withdrawals.view_withdrawal", "out", queries.waiting_count),
    Item(
        "",
        "Second approval",
        "withdrawals:second-approval",
        "withdrawals.confirm_withdrawal",
        "two",
        queries.second_approval_count,
    ),
    Item("", "In flight", "withdrawals:in-flight", "providers.view_provider", "send", in_flight.unknown_count),
    Item("Risk", "Flagged", "withdrawals:flagged", "withdrawals.view_flagged", "flag", queries.flagged_count),
    Item("Risk", "KYC", "withdrawals:standings", "kyc.view_standings", "id"),
    Item("Look up", "Players", "withdrawals:players", "kyc.look_up_player", "user"),
    Item("Look up", "Providers", "withdrawals:providers", "providers.view_provider", "pulse"),
    Item(
        "Money",
        "Findings",
        "withdrawals:findings",
        "withdrawals.close_finding",
        "warn",
        queries.open_finding_count,
    ),
    Item("Money", "Transactions", "withdrawals:transactions", "withdrawals.view_transactions", "report"),
    Item("Money", "Journal", "ledger:journal", "ledger.view_entry", "book"),
    Item("Govern", "Audit log", "audit:log", "audit.view_auditentry", "lock"),
)


def landing_url(user: Any) -> str:
    """Return the address of the first page for this person: by their first role, else the record list."""
    for role in user.role_names:
        if role in LANDING:
            return reverse(LANDING[role])
    return reverse("withdrawals:queue")


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: product name and the menu of what this person may open."""
    context: dict[str, Any] = {"product_name": settings.PRODUCT_NAME, "nav": []}
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return context
    sections: dict[str, list[dict[str, Any]]] = {}
    for item in MENU:
        if not user.has_perm(item.permission):
            continue
        url = reverse(item.url_name)
        sections.setdefault(item.section, []).append(
            {
                "label": item.label,
                "icon": item.icon,
                "url": url,
                "current": request.path.startswith(url),
                "count": item.count() if item.count else None,
            }
        )
    context["nav"] = [{"label": label, "entries": entries} for label, entries in sections.items()]
    context["now"] = timezone.now()
    return context
