"""The filter menu of a list, its chips, and what an empty list says."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet

from backoffice.ui.filters import Option
from backoffice.ui.paging import capped_counts

if TYPE_CHECKING:
    from backoffice.ui.screens import ListScreen


def chips_of(screen: "ListScreen") -> list[dict[str, str]]:
    return [
        {
            "label": one.label,
            "operator": one.operator,
            "value": one.value,
            "remove_url": screen.url(without=one.parameters),
        }
        for one in screen.filterset.active
    ]


@dataclass(frozen=True, slots=True)
class Line:
    """A field in the filter menu: values to pick, each with the address that applies it, or a ``control`` to fill in.

    ``value`` is what it is set to, in words; ``kept`` what a form about another field carries along of it."""

    label: str
    value: str
    options: list[tuple[Option, str]]
    control: str
    kept: list[tuple[str, str]]
    is_refused: bool


def lines_of(screen: "ListScreen") -> list[Line]:
    active = {one.parameters: one for one in screen.filterset.active}
    lines = []
    for name, parameters in screen.filterset.parameters.items():
        if name == "q":
            continue
        offered = screen.get_offered(name)
        options = [
            (option, screen.url(without=parameters) if option.current else screen.url(changes={name: option.value}))
            for option in screen.filterset.options(name)
            if offered is None or option.current or option.value in offered
        ]
        if offered is not None and not options:
            continue
        field = screen.filterset.form[name]
        kept = [(one, value) for one in parameters if options and (value := screen.parameters.get(one))]
        lines.append(
            Line(
                label=str(field.label),
                value=active[parameters].value if parameters in active else "",
                options=options,
                control="" if options else screen.filterset.control(name),
                kept=kept,
                is_refused=bool(field.errors),
            )
        )
    return lines


def empty_of(screen: "ListScreen") -> dict[str, Any]:
    active = list(screen.filterset.active)
    if not active:
        title = (screen.tab.empty if screen.tab else "") or screen.empty_title
        return {"title": title, "text": screen.get_empty_text(), "ways": screen.get_ways_on()}
    ways = [("Clear the filters", screen.url(without=screen.filter_names))]
    if len(active) > 1:
        found = capped_counts([_without(screen, one.parameters) for one in active])
        most = max(found)
        if most:
            narrowest = active[found.index(most)]
            rows = "1 row" if most == 1 else f"{most:,} rows"
            ways.insert(0, (f"Remove {narrowest.words}: {rows}", screen.url(without=narrowest.parameters)))
    widest = next((tab for tab in screen.tabs if tab.where is None), None)
    if screen.tab and widest not in (None, screen.tab):
        ways.append((f"Look in {widest.label}", screen.url(changes={"view": widest.slug})))
    text = f"No row matches {' and '.join(one.words for one in active)}."
    return {"title": "Nothing matches", "text": text, "ways": ways}


def _without(screen: "ListScreen", parameters: tuple[str, ...]) -> QuerySet[Any]:
    data = screen.parameters.copy()
    for name in parameters:
        data.pop(name, None)
    return screen.filtered(data, screen.filterset.queryset).qs
