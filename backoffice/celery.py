"""The Celery application: task queues and the beat schedule.

Beat only wakes things up. What has to be done stands in PostgreSQL, so a lost message costs a
second, never a withdrawal.
"""

import os

from celery import Celery
from celery.schedules import crontab
from kombu.transport.redis import QoS

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")

# Messages are hints: none needs to be put back when the broker goes away, and kombu 5.7, which tries
# with the connection already gone, takes the whole worker down with it.
QoS.restore_at_shutdown = False

app = Celery("backoffice")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

app.conf.beat_schedule = {
    "sweep": {"task": "withdrawals.sweep", "schedule": 1.0, "options": {"expires": 5}},
    "read-balances": {"task": "providers.read_balances", "schedule": 60.0, "options": {"expires": 30}},
    "notify-platform": {"task": "platform.deliver_notifications", "schedule": 2.0, "options": {"expires": 5}},
    "seal-audit": {"task": "audit.seal", "schedule": crontab(hour=3, minute=10), "options": {"expires": 3600}},
    "forget-refused-webhooks": {
        "task": "withdrawals.forget_refused_webhooks",
        "schedule": 3600.0,
        "options": {"expires": 600},
    },
    "forget-signatures": {"task": "platform.forget_signatures", "schedule": 300.0, "options": {"expires": 60}},
}
