"""Celery tasks: one call each."""

from celery import shared_task
from django.utils import timezone

from providers import gateway


@shared_task(name="providers.read_balances")
def read_balances(**_: object) -> None:
    gateway.read_balances(now=timezone.now())
