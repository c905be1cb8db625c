"""For somebody who has lost phone and recovery codes: they are let in by password, or set up anew, the next time."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from backoffice.accounts import second_factor, sessions
from backoffice.accounts.models import User
from backoffice.audit.actors import Machine

_COMMAND = Machine("reset_second_factor")


class Command(BaseCommand):
    help = "Take away the second factor of a member of staff and end their sessions. The reason is recorded."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("email")
        parser.add_argument("--reason", required=True, help="who asked, and how it was made sure that it is them")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError(f"Nobody here has the e-mail {options['email']}.")
        second_factor.reset(user, actor=_COMMAND, reason=options["reason"], now=timezone.now())
        sessions.end_others(user, kept=None, actor=_COMMAND, why="second factor reset")
        self.stdout.write(f"{user.name} has no second factor any more and is signed out everywhere.")
