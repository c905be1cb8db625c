"""What is refused at start-up, in a sentence and with a way out."""

from pathlib import Path

import pytest

from providers import checks

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def real_money(settings):
    settings.PROVIDERS = {code: {**values, "control_page": ""} for code, values in settings.PROVIDERS.items()}


def ids(messages):
    assert all(message.msg.endswith(".") and message.hint.endswith(".") for message in messages)
    return [message.id for message in messages]


def test_only_known_providers_are_configured_and_there_is_one(settings):
    assert checks.providers_are_configured() == []
    settings.PROVIDERS = {"northgate": {}, "acme": {}}
    assert [message.msg for message in checks.providers_are_configured()] == [
        "settings.PROVIDERS configures acme, which providers/registry.py does not know.",
    ]
    settings.PROVIDERS = {}
    assert ids(checks.providers_are_configured()) == ["providers.E004"]


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
