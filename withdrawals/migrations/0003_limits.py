"""The limits of a new installation, in house currency minor units; they are changed as rows."""

from typing import Any

from django.db import migrations

LIMITS = [
    ("player", "request", 2_500_000, None, "review"),
    ("player", "day", 500_000, None, "review"),
    ("player", "week", 1_500_000, None, "review"),
    ("player", "month", 4_000_000, None, "review"),
    ("player", "day", None, 5, "review"),
    ("house", "day", 50_000_000, None, "block"),
]


def add(apps: Any, _schema_editor: Any) -> None:
    model = apps.get_model("withdrawals", "Limit")
    for scope, period, amount, count, effect in LIMITS:
        model.objects.create(scope=scope, period=period, cap_amount=amount, cap_count=count, effect=effect)


class Migration(migrations.Migration):
    dependencies = [("withdrawals", "0002_rules")]

    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
