"""Celery tasks of the audit trail."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from backoffice.audit import seals


@shared_task(name="audit.seal")
def seal(**_: object) -> None:
    seals.seal(settings.AUDIT_SEALS, now=timezone.now())
