"""Reading JSON without the leniency of the standard reader."""

import json
from typing import Any, NoReturn

from django.http import HttpRequest
from ninja.parser import Parser

from backoffice.platform.problems import Refused


class StrictParser(Parser):
    """Ninja's way of reading a body."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the document. Raises Refused."""
        if request.content_type != "application/json":
            raise Refused("unsupported_media_type", "Send the body as Content-Type: application/json.")
        return read(request.body)


def read(body: bytes) -> Any:
    """Return the document in UTF-8; refuse equal keys, NaN, Infinity and what is nested too deep."""
    try:
        return json.loads(body.decode(), object_pairs_hook=_without_equal_keys, parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise Refused("invalid_json", "The body is not UTF-8.") from None
    except RecursionError:
        raise Refused("invalid_json", "The body is nested too deep.") from None
    except ValueError as error:
        # A JSONDecodeError, or a whole number of thousands of digits.
        where = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise Refused("invalid_json", f"The body is not valid JSON{where}.") from None


def _without_equal_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise Refused("invalid_json", "An object has the same key twice.")
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise Refused("invalid_json", f"{name} is not a JSON number.")
