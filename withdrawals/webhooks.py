"""HTTP: a provider reports. Verified and stored raw, answered fast, applied later by a worker."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from providers import gateway
from withdrawals import nudge


@csrf_exempt
@login_not_required
@require_POST
def receive(request: HttpRequest, provider: str) -> HttpResponse:
    """Store one delivery and answer: 202 stored or known, 401 not believed, 404 no such provider."""
    result = gateway.receive_webhook(provider, request.headers, request.body, timezone.now())
    if result.is_new:
        nudge.after_commit("apply_webhooks")
    return HttpResponse(status=result.http_status)
