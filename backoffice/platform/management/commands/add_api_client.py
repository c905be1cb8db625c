"""Give out a key of the platform API."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from backoffice.audit.actors import Machine
from backoffice.platform.clients import InvalidNotifyUrl, add_client
from backoffice.platform.models import Scope


class Command(BaseCommand):
    help = "Give out a key of the platform API; its secrets are printed this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the system that will sign with it")
        parser.add_argument(
            "--scope",
            action="append",
            default=[],
            choices=Scope.values,
            help="what it may be used for; may be given several times, all when it is not given",
        )
        parser.add_argument("--notify-url", default="", help="where it wants to be told of its withdrawals")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            client = add_client(
                name=options["name"],
                notify_url=options["notify_url"],
                scopes=options["scope"],
                actor=Machine("command:add_api_client"),
                now=timezone.now(),
            )
        except InvalidNotifyUrl as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Key id:         {client.key_id}")
        self.stdout.write(f"Scopes:         {', '.join(client.scopes)}")
        self.stdout.write(f"Secret:         {client.secret}")
        self.stdout.write(f"Notify secret:  {client.notify_secret}")
        self.stdout.write("Keep both secrets now; they are not shown again.")
