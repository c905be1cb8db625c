"""What we told the platform, with every try; and telling it again."""

from typing import Annotated

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Path, Query, Router

from backoffice.platform import notifications, schemas
from backoffice.platform.models import Scope
from backoffice.platform.signing import Signature, client_of
from withdrawals.models import Notification
from withdrawals.reference import normalise

router = Router(tags=["Notifications"])

LARGEST_KEY = 2**63 - 1


@router.get("", response=schemas.NotificationsOut)
def list_notifications(request: HttpRequest, ref: Annotated[str, Query(max_length=20)]) -> schemas.NotificationsOut:
    """Return the notifications about one withdrawal, oldest first, each with its tries."""
    source = client_of(request).key_id
    found = list(notifications.notifications_for(source=source).filter(withdrawal__ref=normalise(ref) or ""))
    if not found:
        raise Http404
    return schemas.NotificationsOut(notifications=_shown(found))


@router.post(
    "/{notification_id}/resend",
    auth=Signature(Scope.WITHDRAWALS),
    response=schemas.NotificationOut,
)
def resend_notification(
    request: HttpRequest, notification_id: Annotated[int, Path(ge=1, le=LARGEST_KEY)]
) -> schemas.NotificationOut:
    """Send a notification again, whatever became of it, as if it were new."""
    source = client_of(request).key_id
    notification = notifications.notifications_for(source=source).filter(pk=notification_id).first()
    if notification is None:
        raise Http404
    notifications.resend(notification, now=timezone.now())
    return _shown([notification])[0]


def _shown(found: list[Notification]) -> list[schemas.NotificationOut]:
    said = notifications.contents(found)
    return [
        schemas.NotificationOut(
            **said[notification.pk],
            delivered_at=notification.delivered_at,
            next_try_at=notification.next_try_at,
            tries=[
                schemas.TryOut(at=row.at, status=row.status, words=row.words, latency_ms=row.latency_ms)
                for row in notification.deliveries.all()
            ],
        )
        for notification in found
    ]
