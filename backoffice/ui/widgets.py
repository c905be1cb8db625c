"""The controls of a form, drawn without a template for each.

Django draws an input with two templates and a group of boxes with four for every box; the filters of a list have about
forty. The markup is Django's own but for white space; what is not listed here it draws itself.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.utils.safestring import SafeString

from backoffice.ui.markup import markup

Widget = Mapping[str, Any]


class Renderer(DjangoTemplates):
    """The FORM_RENDERER of the settings."""

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> str:
        draw = _DRAWN.get(template_name.removeprefix("django/forms/widgets/"))
        return draw(context["widget"]) if draw else super().render(template_name, context, request)


def _input(widget: Widget) -> SafeString:
    value = "" if widget["value"] is None else markup(' value="{}"', widget["value"])
    return markup('<input type="{}" name="{}"{}{}>', widget["type"], widget["name"], value, _attributes(widget))


def _attributes(widget: Widget) -> SafeString:
    stated = [(name, value) for name, value in widget["attrs"].items() if value is not False]
    return SafeString("".join(markup(" {}", a) if b is True else markup(' {}="{}"', a, b) for a, b in stated))


def _option(widget: Widget) -> SafeString:
    if not widget.get("wrap_label"):
        return _input(widget)
    at = widget["attrs"].get("id")
    return markup("<label{}>{} {}</label>", markup(' for="{}"', at) if at else "", _input(widget), widget["label"])


def _group(widget: Widget) -> SafeString:
    attrs = widget["attrs"]
    stated = [markup(' {}="{}"', name, attrs[name]) for name in ("id", "class") if attrs.get(name)]
    drawn = []
    for label, options, _index in widget["optgroups"]:
        lines = SafeString("".join(markup("<div>\n    {}</div>", _option(option)) for option in options))
        drawn.append(markup("\n  <div><label>{}</label>{}\n  </div>", label, lines) if label else lines)
    return markup("<div{}>{}\n</div>", SafeString("".join(stated)), SafeString("".join(drawn)))


_INPUTS = ("text", "number", "email", "url", "tel", "search", "color", "password", "hidden", "date", "checkbox")
_DRAWN: dict[str, Callable[[Widget], SafeString]] = {
    **{f"{name}.html": _input for name in (*_INPUTS, "input", "datetime", "time")},
    **{f"{name}.html": _group for name in ("checkbox_select", "radio", "multiple_input")},
}
