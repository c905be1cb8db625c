"""Celery tasks: one operation call each. They carry no ids: what is due stands in the database.

sweep() is the guarantee, run by beat every second; everything else is woken by a nudge or by it.
"""

from celery import current_app, shared_task
from django.utils import timezone

from providers import gateway
from withdrawals import due
from withdrawals.operations import asking, bulk, due_decisions, holds, inbox, payouts, screening


@shared_task(name="withdrawals.screen")
def screen(**_: object) -> None:
    screening.screen_due(clock=timezone.now)


@shared_task(name="withdrawals.pay")
def pay(**_: object) -> None:
    payouts.pay_due(clock=timezone.now)


@shared_task(name="withdrawals.ask")
def ask(**_: object) -> None:
    asking.ask_due(clock=timezone.now)


@shared_task(name="withdrawals.wake")
def wake(**_: object) -> None:
    holds.wake_due(clock=timezone.now)


@shared_task(name="withdrawals.apply_webhooks")
def apply_webhooks(**_: object) -> None:
    inbox.apply_due(clock=timezone.now)


@shared_task(name="withdrawals.apply_decisions")
def apply_decisions(**_: object) -> None:
    due_decisions.apply_due_decisions(now=timezone.now())


@shared_task(name="withdrawals.decide_bulk")
def decide_bulk(**_: object) -> None:
    bulk.work_off(clock=timezone.now)


@shared_task(name="withdrawals.forget_refused_webhooks")
def forget_refused_webhooks(**_: object) -> None:
    gateway.forget_refused(now=timezone.now())


@shared_task(name="withdrawals.sweep")
def sweep(**_: object) -> None:
    """Wake whatever has due rows, a bounded number of tasks a second however large the backlog is."""
    for step in due.due_steps(now=timezone.now()):
        current_app.send_task(f"withdrawals.{step}", ignore_result=True, expires=10)
