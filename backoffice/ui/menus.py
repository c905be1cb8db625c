"""The lines of a list's two menus, fields and columns: a hundred small pieces of every page that hardly anybody opens.

Drawn by pattern, because a template takes ten times as long for them.
"""

from django.utils.safestring import SafeString

from backoffice.ui import chooser, filter_menu, inline
from backoffice.ui.markup import markup

_FIELD = '<details class="filter-field" data-field="{}"{}><summary>{}{}</summary>\n{}</details>'
_OPTIONS = '<div class="options" role="group" aria-label="{}">{}</div>{}'
_OPTION = '<a href="{}"{}>{}{}</a>'
_HIDDEN = '<input type="hidden" name="{}" value="{}">'
_FIXED = '<label><input type="checkbox" checked disabled> {}</label>'
_COLUMN = '<label><input type="checkbox" name="cols" value="{}" id="col-{}"{}> {}</label>'
_MOVE = (
    '<button class="btn btn-quiet btn-s btn-icon" name="move" value="{way}:{{}}" id="{way}-{{}}"'
    ' aria-label="Move {{}} {way}">{{}}</button>'
)
_UP, _DOWN = _MOVE.format(way="up"), _MOVE.format(way="down")
_OPEN, _CHECKED, _CURRENT = (SafeString(f" {one}") for one in ("open", "checked", 'aria-current="true"'))


def filter_line(line: filter_menu.Line) -> SafeString:
    """Return one field of the filter menu."""
    chosen = markup(" <b>{}</b>", line.value) if line.value else ""
    opened = _OPEN if line.value or line.is_refused else ""
    return markup(_FIELD, line.label, opened, line.label, chosen, _options(line) if line.options else line.control)


def column_line(line: chooser.Line) -> SafeString:
    """Return one column of the column menu."""
    name, label = line.name, line.label
    if line.fixed:
        box = markup(_FIXED + _HIDDEN, label, "cols", name)
    else:
        box = markup(_COLUMN, name, name, _CHECKED if line.on else "", label)
    if not line.on:
        return markup("<li>{}</li>", box)
    up = "" if line.first else markup(_UP, name, name, label, inline.icon("up", size="s"))
    down = "" if line.last else markup(_DOWN, name, name, label, inline.icon("down", size="s"))
    return markup('<li>{}<span class="push">{}{}</span></li>', box, up, down)


def _options(line: filter_menu.Line) -> SafeString:
    cross = inline.icon("x", size="s")
    drawn = [
        markup(_OPTION, url, _CURRENT if option.current else "", option.label, cross if option.current else "")
        for option, url in line.options
    ]
    kept = [markup(_HIDDEN, name, value) for name, value in line.kept]
    return markup(_OPTIONS, line.label, SafeString("".join(drawn)), SafeString("".join(kept)))
