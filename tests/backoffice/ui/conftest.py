"""These tests are about how pages are made, so they do without the product's menu."""

from copy import deepcopy

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def _no_menu(settings: Settings) -> None:
    templates = deepcopy(settings.TEMPLATES)
    templates[0]["OPTIONS"]["context_processors"].remove("backoffice.nav.shell")
    settings.TEMPLATES = templates
