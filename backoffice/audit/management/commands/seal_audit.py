"""Seal the audit trail now."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from backoffice.audit import seals


class Command(BaseCommand):
    help = "Write down outside the database where every audit chain stands; `verify` compares."

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            made = seals.seal(settings.AUDIT_SEALS, now=timezone.now())
        except seals.BrokenSeals as broken:
            raise CommandError(f"Nothing was sealed: {broken}.") from None
        self.stdout.write(f"Sealed {len(made.heads)} chains in {settings.AUDIT_SEALS}: {made.code}")
