"""The views of a list on its page: the tabs, which of them is open, and what a person does to their own."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict

from backoffice.ui import saved
from backoffice.ui.models import SavedView

if TYPE_CHECKING:
    from backoffice.ui.screens import ListScreen

# So many views stand side by side; the rest is behind "More".
MOST_TABS = 7


@dataclass(frozen=True, slots=True)
class Bar:
    """``open``: the saved view that the address belongs to; ``edited``: the address says something else by now than
    this or the built-in view does; ``plain``: the address at which it does not."""

    tabs: list[dict[str, Any]]
    more: list[dict[str, Any]]
    open: SavedView | None
    mine: bool
    edited: bool
    plain: str
    opens: bool

    @property
    def all(self) -> list[dict[str, Any]]:
        return [*self.tabs, *self.more]


def bar_of(screen: "ListScreen") -> Bar:
    """Return the built-in views and then the saved ones; the open one is always among the tabs."""
    slug = screen.parameters.get("saved", "")
    found = next((view for view in screen.saved_views if view.slug == slug), None)
    links = [
        *({**link, "current": link["current"] and found is None} for link in screen.tab_links()),
        *(
            {
                "label": view.label,
                "url": screen.with_dates(view.address.removeprefix("?")),
                "current": view == found,
                "count": "",
            }
            for view in screen.saved_views
            if view.label
        ),
    ]
    tabs, more = links[:MOST_TABS], links[MOST_TABS:]
    if (hidden := next((link for link in more if link["current"]), None)) is not None:
        more = [tabs[-1], *(link for link in more if link is not hidden)]
        tabs = [*tabs[:-1], hidden]
    here = found.address if found else _tab_address(screen)
    return Bar(
        tabs=tabs,
        more=more,
        open=found,
        mine=found is not None and found.owner_id == screen.request.user.pk,
        edited=(found.query if found else _tab_address(screen).removeprefix("?")) != screen.query,
        plain=here or screen.request.path,
        opens=screen.opens_with is not None and screen.opens_with.address in (here, f"?saved={slug}"),
    )


def opening_address(screen: "ListScreen") -> str:
    """Return the full address of a list that was asked for nothing, or for a saved view by name; empty when it
    stays where it is."""
    asked = screen.request.GET
    if asked.keys() == {"saved"}:
        return next((view.address for view in screen.saved_views if view.slug == asked["saved"] and view.label), "")
    return screen.opens_with.address if not asked and screen.opens_with else ""


def _tab_address(screen: "ListScreen") -> str:
    return f"?view={screen.tab.slug}" if screen.tab else ""


def act(screen: "ListScreen", posted: QueryDict) -> HttpResponse:
    """Do what a form of the views bar asks, and show the view that came of it."""
    user: Any = screen.request.user
    asked, label, role = posted.get("act", ""), posted.get("label", ""), posted.get("role", "")
    bar = bar_of(screen)
    address = screen.url()
    try:
        if asked == "save-as":
            address = saved.save_as(
                user=user, list_name=screen.list_name, label=label, query=screen.query, role=role
            ).address
        elif asked == "open-with":
            query = _tab_address(screen).removeprefix("?")
            view, query = (bar.open, query) if posted.get("on") else (None, "")
            saved.open_with(user=user, list_name=screen.list_name, view=view, query=query)
            messages.info(screen.request, f"This list opens with {'this' if posted.get('on') else 'its first'} view.")
        elif bar.open is None:
            raise saved.Refused("Built-in views stay as they are. Save a copy under a name of your own.")
        elif asked == "delete":
            saved.delete(bar.open, user=user)
            address = _tab_address(screen)
        else:
            _change(bar.open, asked, user=user, label=label, role=role, query=screen.query)
    except saved.Refused as refusal:
        messages.error(screen.request, str(refusal))
    path = screen.request.path
    return HttpResponse(status=303, headers={"Location": address if address.startswith(path) else f"{path}{address}"})


def _change(view: SavedView, asked: str, *, user: Any, label: str, role: str, query: str) -> None:
    if asked == "save":
        saved.update(view, user=user, query=query)
    elif asked == "rename":
        saved.rename(view, user=user, label=label)
    elif asked == "share":
        saved.share(view, user=user, role=role)
    else:
        raise saved.Refused("A view can be saved, renamed, shared or deleted.")
