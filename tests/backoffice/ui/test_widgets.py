"""The controls that are drawn without a template are the ones that Django draws with templates."""

import re
from typing import Any

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates

from backoffice.ui.widgets import Renderer

CHOICES = [("a", "A & B"), ("c", "<C>")]
GROUPED = [("Some", CHOICES), ("", [("d", "D")])]


def plain(html: str) -> str:
    return re.sub(r"\s*(<[^>]+>)\s*", r"\1", html)


@pytest.mark.parametrize(
    ("widget", "value", "attrs"),
    [
        (forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}), '"<b>&', {"id": "at"}),
        (forms.TextInput(), None, {"required": True, "disabled": False}),
        (forms.NumberInput(attrs={"step": 1}), 7, {}),
        (forms.HiddenInput(), "x", {}),
        (forms.PasswordInput(), "never sent back", {}),
        (forms.DateInput(), None, {"id": "at"}),
        (forms.CheckboxInput(), True, {"id": "at"}),
        (forms.CheckboxSelectMultiple(choices=CHOICES), ["c"], {"id": "at", "class": "boxes"}),
        (forms.CheckboxSelectMultiple(choices=GROUPED), [], {}),
        (forms.RadioSelect(choices=CHOICES), "a", {"id": "at"}),
        (forms.Select(choices=GROUPED), "d", {"id": "at"}),
        (forms.Textarea(), "<a>", {}),
    ],
)
def test_a_control_is_drawn_as_django_draws_it(widget: forms.Widget, value: Any, attrs: dict[str, Any]) -> None:
    drawn = widget.render("name", value, attrs, Renderer())
    assert plain(drawn) == plain(widget.render("name", value, attrs, DjangoTemplates()))
    assert hasattr(drawn, "__html__")


def test_the_forms_of_the_product_use_it() -> None:
    assert isinstance(forms.Form().renderer, Renderer)
