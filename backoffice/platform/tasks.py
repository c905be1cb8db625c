"""Celery tasks of the platform's side."""

from celery import shared_task
from django.utils import timezone

from backoffice.platform import notifications, signing


@shared_task(name="platform.deliver_notifications")
def deliver_notifications(**_: object) -> None:
    notifications.deliver_due(clock=timezone.now)


@shared_task(name="platform.forget_signatures")
def forget_signatures(**_: object) -> None:
    signing.forget_signatures(now=timezone.now())
