"""The document describes what the API does: generated requests, valid and not, get documented answers only."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from django.urls import URLPattern, URLResolver
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from backoffice.platform import signing
from backoffice.platform.api import api as platform_api
from backoffice.platform.problems import KINDS
from backoffice.platform.urls import urlpatterns
from backoffice.wsgi import application
from kyc.models import Player
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import fund
from tests.platform.conftest import make_client

pytestmark = pytest.mark.django_db

SIGNATURE = ("X-Key-Id", "X-Timestamp", "X-Signature")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


def signed(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The product behind somebody who signs whatever comes."""
    # The generator's client hands letters over where WSGI has bytes.
    if not environ["PATH_INFO"].isascii():
        environ["PATH_INFO"] = environ["PATH_INFO"].encode().decode("latin-1")
    request = WSGIRequest(environ)
    body = request.body
    headers = signing.headers(
        "casino",
        "fuzz-secret",
        method=str(request.method),
        path=request.get_full_path(),
        key=request.headers.get("Idempotency-Key", ""),
        body=body,
        now=datetime.now(UTC),
    )
    for name, value in headers.items():
        environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
    environ["wsgi.input"].seek(0)
    return application(environ, start_response)


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(platform_api.get_openapi_schema()))
    return found


def unsigned(described: dict[str, Any]) -> dict[str, Any]:
    """Return the document without what the wrapper above does."""
    described["components"].pop("securitySchemes")
    for path in described["paths"].values():
        for operation in path.values():
            operation.pop("security")
            operation["parameters"] = [p for p in operation["parameters"] if p["name"] not in SIGNATURE]
    return described


_config = SchemathesisConfig()
_config.projects.default.generation.update(modes=list(GenerationMode))
_schema = schemathesis.openapi.from_dict(unsigned(document()), config=_config)
_schema.app = signed


@pytest.fixture
def _connection_stays(player: Player) -> Iterator[None]:
    """The handler closes old connections around a request; the one of the test must stay, as in Django's client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    make_client("casino", secret="fuzz-secret")
    fund(PlayerFactory(external_id="player-1042"), 1_000_000)  # the one of the document's examples
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@_schema.parametrize()
@hypothesis(max_examples=30, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_generated_requests_get_documented_answers(_connection_stays: None, case: Case) -> None:
    case.call_and_validate(checks=CHECKS)


# -- what the document says ------------------------------------------------------------------------


def test_every_address_is_described() -> None:
    described = {re.sub(r"{\w+}", "{}", path) for path in document()["paths"]}
    routes = {re.sub(r"<[^>]*>", "{}", route) for route in _routes(urlpatterns)}
    assert {f"/api/v1/{route}" for route in routes} == described


def test_every_operation_says_how_it_refuses() -> None:
    statuses = {str(kind.status) for kind in KINDS.values()} - {"405"}
    for path in document()["paths"].values():
        for operation in path.values():
            assert statuses <= set(operation["responses"])
            for status in statuses:
                assert list(operation["responses"][status]["content"]) == ["application/problem+json"]
            assert {"X-Key-Id", "X-Timestamp"} <= {parameter["name"] for parameter in operation["parameters"]}
            assert operation["security"] == [{"Signature": []}]


def test_every_problem_is_explained_in_the_manual() -> None:
    manual = (Path(settings.BASE_DIR) / "docs" / "api.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\d{3}) \|", manual, re.MULTILINE)
    assert {(code, int(status)) for code, status in rows} == {(code, kind.status) for code, kind in KINDS.items()}


def test_every_operation_is_in_the_manual() -> None:
    manual = (Path(settings.BASE_DIR) / "docs" / "api.md").read_text()
    for path, operations in document()["paths"].items():
        for method in operations:
            assert f"`{method.upper()} {path}`" in manual


def test_every_refusal_of_the_domain_has_its_problem() -> None:
    """A code that the table does not know would be answered as a crash."""
    root = Path(settings.BASE_DIR)
    files = [*root.glob("withdrawals/**/*.py"), root / "backoffice" / "platform" / "operations.py"]
    raised = re.compile(r'(?:RequestRefused|KeyReused|EventRefused|_refused)\(\s*"(\w+)"')
    codes = {code for file in files for code in raised.findall(file.read_text())}
    assert {"key_reused", "invalid_iban", "event_changed"} <= codes
    assert codes <= set(KINDS)


# -- the pages -------------------------------------------------------------------------------------


def test_the_page_needs_no_other_host_and_no_inline_script(client_for: Any, operator: Any) -> None:
    page = client_for(operator).get("/api/v1/docs")
    html = page.content.decode()

    assert page.status_code == 200
    assert not re.search(r"https?://", html)
    scripts = re.findall(r"<script([^>]*)>", html)
    assert scripts
    assert all("src=" in attributes or 'type="application/json"' in attributes for attributes in scripts)
    assert not re.search(r"<style|\sstyle=|\son\w+=", html)
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/api/v1/docs", "/api/v1/openapi.json"])
@pytest.mark.parametrize(("debug", "status"), [(True, 200), (False, 302)])
def test_the_pages_are_for_staff_outside_debug(
    path: str, debug: bool, status: int, client_for: Any, operator: Any, settings: Any
) -> None:
    settings.DEBUG = debug
    assert Client().get(path).status_code == status
    assert client_for(operator).get(path).status_code == 200


def _routes(patterns: list[Any], prefix: str = "") -> list[str]:
    routes = []
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            routes += _routes(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern) and pattern.name not in (None, "api-root", "openapi-json", "openapi-view"):
            routes.append(prefix + str(pattern.pattern))
    return routes
