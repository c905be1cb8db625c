"""The API under /api/v1/: what is common to all its addresses. Each subject has its own file beside this one."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from backoffice.platform import problems
from backoffice.platform.api_notifications import router as notifications
from backoffice.platform.api_players import router as players
from backoffice.platform.api_withdrawals import router as withdrawals
from backoffice.platform.models import Scope
from backoffice.platform.openapi import with_problems
from backoffice.platform.operations import EventRefused
from backoffice.platform.problems import Refused
from backoffice.platform.signing import Signature
from backoffice.platform.strict_json import StrictParser
from kyc.exceptions import InvalidVerification
from kyc.exceptions import Refused as PlayerRefused
from withdrawals.exceptions import RequestRefused

logger = logging.getLogger(__name__)

# A key that somebody invented may be of any length; what it says is not repeated in full.
_LONGEST_FIELD = 80
# The validator's own words where they would not say what to do.
_SENTENCES = {
    "extra_forbidden": "This field is not known.",
    "missing": "This field is required.",
    "string_type": "Send a string.",
    "string_unicode": "This is no text: half of a surrogate pair stands in it.",
    "string_too_short": "This must not be empty.",
    "string_too_long": "Send at most {max_length} characters.",
    "bool_type": "Send true or false.",
    "int_type": "Send a whole number.",
    "literal_error": "Send one of {expected}.",
    "model_type": "Send an object.",
    "model_attributes_type": "Send an object.",
}


class PlatformAPI(NinjaAPI):
    """Ninja with every refusal documented as a problem."""

    def get_openapi_schema(self, **arguments: Any) -> OpenAPISchema:
        return with_problems(super().get_openapi_schema(**arguments))

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return str(operation.view_func.__name__)


def _for_staff(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Show a page of documentation to whoever is signed in, and to everybody while DEBUG is on."""

    @login_not_required
    @wraps(view)
    def page(request: HttpRequest, **arguments: Any) -> HttpResponse:
        if settings.DEBUG or request.user.is_authenticated:
            return view(request, **arguments)
        return redirect_to_login(request.get_full_path())

    return page


api = PlatformAPI(
    title=f"{settings.PRODUCT_NAME}: platform API",
    version="1.0.0",
    description="Signed requests of the gaming platform. docs/api.md says how to sign, with examples.",
    urls_namespace="platform",
    auth=Signature(Scope.READ),
    parser=StrictParser(),
    docs_decorator=_for_staff,
)
api.add_router("/players", players)
api.add_router("/withdrawals", withdrawals)
api.add_router("/notifications", notifications)


@api.exception_handler(Refused)
def _refused(_request: HttpRequest, refused: Refused) -> HttpResponse:
    return problems.response(refused)


@api.exception_handler(EventRefused)
@api.exception_handler(RequestRefused)
def _refused_by_domain(_request: HttpRequest, refused: EventRefused | RequestRefused) -> HttpResponse:
    return problems.response(Refused(refused.code, refused.sentence, field=refused.field))


@api.exception_handler(PlayerRefused)
def _player_refused(_request: HttpRequest, refused: PlayerRefused) -> HttpResponse:
    if isinstance(refused, InvalidVerification):
        return problems.response(
            Refused("invalid_verification", refused.sentence, field=f"verification.{refused.field}")
        )
    return problems.response(Refused("invalid_player", refused.sentence, field=refused.field))


@api.exception_handler(ValidationError)
def _not_of_the_form(request: HttpRequest, invalid: ValidationError) -> HttpResponse:
    one = request.body.lstrip().startswith(b"{")
    errors = [{"field": _field_of(error["loc"], one=one), "detail": _words_of(error)} for error in invalid.errors]
    first, kind = errors[0], invalid.errors[0]["type"]
    code = kind if kind in problems.KINDS else "invalid_request"
    return problems.response(
        Refused(code, f"{first['field']}: {first['detail']}", field=first["field"], errors=errors[:20])
    )


@api.exception_handler(Http404)
def _not_found(_request: HttpRequest, _error: Http404) -> HttpResponse:
    return problems.response(Refused("not_found", "There is nothing at this address that you may see."))


@api.exception_handler(HttpError)
def _body_not_read(_request: HttpRequest, error: HttpError) -> HttpResponse:
    """Ninja wraps whatever the parser raises."""
    if isinstance(error.__cause__, Refused):
        return problems.response(error.__cause__)
    raise error


@api.exception_handler(Exception)
def _crashed(_request: HttpRequest, error: Exception) -> HttpResponse:
    """Not ninja's way, which answers with the traceback in debug mode."""
    logger.error("The API crashed.", exc_info=error)
    return problems.response(Refused("internal_error", "Nothing was done; try again later."))


def _field_of(location: tuple[Any, ...], *, one: bool) -> str:
    """Return the path of a field without what is ninja's own: ``3.amount``, ``verification.level``.

    ``one``: the body is one object, also where it is read as a list of one.
    """
    source, *path = location
    if source == "body":
        path = path[1:]
        if one and path[:1] == [0]:
            path = path[1:]
    return ".".join(str(part) for part in path)[:_LONGEST_FIELD].encode("ascii", "replace").decode() or "body"


def _words_of(error: dict[str, Any]) -> str:
    if error["type"] in _SENTENCES:
        return _SENTENCES[error["type"]].format(**error.get("ctx", {}))
    message: str = error["msg"]
    return message if message.endswith(".") else f"{message}."
