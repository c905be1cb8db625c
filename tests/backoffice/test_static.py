"""How style sheet and script are served to an installation: compressed, kept for a year under hashed names."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import RequestFactory
from whitenoise.middleware import WhiteNoiseMiddleware

from backoffice import settings as product

MOST = {"desk.css": 15 * 1024, "desk.js": 40 * 1024}


@pytest.fixture
def served(tmp_path: Path, settings: Any) -> WhiteNoiseMiddleware:
    settings.STORAGES = product.STORAGES
    settings.STATIC_ROOT = tmp_path
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = False
    call_command("collectstatic", interactive=False, verbosity=0)
    return WhiteNoiseMiddleware(lambda _request: None)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("name", MOST)
def test_each_is_one_small_file_that_is_asked_for_once(served: WhiteNoiseMiddleware, tmp_path: Path, name: str) -> None:
    stem, ending = name.split(".")
    (hashed,) = [path for path in tmp_path.iterdir() if re.fullmatch(rf"{stem}\.\w{{12}}\.{ending}", path.name)]
    answer = served(RequestFactory().get(f"/static/{hashed.name}", headers={"Accept-Encoding": "gzip"}))
    assert answer["Content-Encoding"] == "gzip" and int(answer["Content-Length"]) <= MOST[name]
    assert "immutable" in answer["Cache-Control"]
    age = re.search(r"max-age=(\d+)", answer["Cache-Control"])
    assert age and int(age[1]) >= 365 * 24 * 3600
