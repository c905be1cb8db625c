"""The OpenAPI document as ninja makes it, completed with what every operation may answer."""

from http.client import responses
from typing import Any

from ninja.openapi.schema import OpenAPISchema
from pydantic.json_schema import models_json_schema

from backoffice.platform.problems import CONTENT_TYPE, KINDS
from backoffice.platform.schemas import Problem
from backoffice.platform.signing import request_headers_documented

_REFERENCE = "#/components/schemas/{model}"


def with_problems(document: OpenAPISchema) -> OpenAPISchema:
    """Return the document with the problems, and the headers of a signature, on every operation."""
    _, definitions = models_json_schema([(Problem, "serialization")], ref_template=_REFERENCE)
    document["components"]["schemas"].update(definitions["$defs"])
    answers = _answers()
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"] = {**operation["responses"], **answers}
            operation["parameters"] = [*operation.get("parameters", []), *request_headers_documented()]
    return document


def _answers() -> dict[int, dict[str, Any]]:
    content = {CONTENT_TYPE: {"schema": {"$ref": _REFERENCE.format(model=Problem.__name__)}}}
    codes: dict[int, list[str]] = {}
    for code, kind in KINDS.items():
        if code != "method_not_allowed":  # the answer of an address, not of one of its operations
            codes.setdefault(kind.status, []).append(code)
    return {
        status: {"description": f"{responses[status]}: {', '.join(codes[status])}", "content": content}
        for status in sorted(codes)
    }
