"""Celery tasks of the platform's side."""

from celery import shared_task
from django.utils import timezone

from backoffice.platform import notifications


@shared_task(name="platform.deliver_notifications")
def deliver_notifications(**_: object) -> None:
    notifications.deliver_due(clock=timezone.now)
