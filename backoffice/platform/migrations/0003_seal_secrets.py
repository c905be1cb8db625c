"""The secrets of API clients are sealed, as those of code apps are; FIELD_KEY must be the one that stays."""

from typing import Any

from django.db import migrations, models

from backoffice.sealing import seal, unseal

SECRETS = ("secret", "notify_secret")


def seal_all(apps: Any, _editor: Any) -> None:
    for client in apps.get_model("platform", "ApiClient").objects.all():
        for name in SECRETS:
            plain = getattr(client, f"sealed_{name}")
            setattr(client, f"sealed_{name}", seal(plain, owner=f"{name} of API client {client.key_id}"))
        client.save()


def unseal_all(apps: Any, _editor: Any) -> None:
    for client in apps.get_model("platform", "ApiClient").objects.all():
        for name in SECRETS:
            sealed = getattr(client, f"sealed_{name}")
            setattr(client, f"sealed_{name}", unseal(sealed, owner=f"{name} of API client {client.key_id}"))
        client.save()


class Migration(migrations.Migration):
    dependencies = [("platform", "0002_used_signatures_and_scopes")]

    operations = [
        *(migrations.RenameField("apiclient", name, f"sealed_{name}") for name in SECRETS),
        *(migrations.AlterField("apiclient", f"sealed_{name}", models.TextField()) for name in SECRETS),
        migrations.RunPython(seal_all, unseal_all),
    ]
