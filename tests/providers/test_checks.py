"""What is refused at start-up, in a sentence and with a way out."""

import dataclasses
from pathlib import Path

import pytest

from providers import checks
from providers.adapters.sandbox import Sandbox
from providers.registry import BY_CODE

ROOT = Path(__file__).resolve().parents[2]


class Real(Sandbox):
    control_path = ""


@pytest.fixture
def real_money(monkeypatch):
    for code, registered in BY_CODE.items():
        monkeypatch.setitem(BY_CODE, code, dataclasses.replace(registered, adapter=Real))


def ids(messages):
    assert all(message.msg.endswith(".") and message.hint.endswith(".") for message in messages)
    return [message.id for message in messages]


def test_the_registry_and_the_settings_agree(settings):
    assert checks.providers_are_configured() == []
    settings.PROVIDERS = {"northgate": {}, "acme": {}}
    assert [message.msg for message in checks.providers_are_configured()] == [
        "settings.PROVIDERS and providers/registry.py disagree about acme.",
        "settings.PROVIDERS and providers/registry.py disagree about volta.",
    ]


@pytest.mark.parametrize(("debug", "allowed", "found"), [
    (True, True, []), (False, True, []), (False, False, ["providers.E003"]),
])  # fmt: skip
def test_the_sandbox_pretends_to_pay_only_where_that_is_wanted(settings, debug, allowed, found):
    settings.DEBUG, settings.SANDBOX_ALLOWED = debug, allowed
    assert ids(checks.nobody_pays_by_mistake()) == found


@pytest.mark.parametrize(("debug", "found"), [(True, ["providers.E002"]), (False, [])])
def test_no_real_money_in_debug_mode(settings, real_money, debug, found):
    settings.DEBUG, settings.SANDBOX_ALLOWED = debug, False
    assert ids(checks.nobody_pays_by_mistake()) == found
