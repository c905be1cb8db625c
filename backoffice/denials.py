"""A refused attempt is an act too: every 403 of a signed-in person is recorded."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from backoffice.audit.record import record


class RecordDenialsMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 403 and request.user.is_authenticated:
            record(
                subject_type="staff",
                subject_id=str(request.user.pk),
                action="denied",
                actor=request.user,
                data={"method": request.method, "path": request.path[:200]},
            )
        return response
