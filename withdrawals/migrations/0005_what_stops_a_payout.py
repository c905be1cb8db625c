"""Findings that stop payouts, proposals that can be declined, and the rules and views of sql/."""

from pathlib import Path
from typing import Any

from django.db import migrations, models
from django.db.models import Q

SQL = Path(__file__).resolve().parent.parent / "sql"


def mark_open_findings(apps: Any, _schema_editor: Any) -> None:
    kinds = ("second_payout", "event_without_attempt", "paid_after_release", "paid_after_return")
    stopping = Q(kind__in=kinds) | Q(kind__startswith="paid_after_") | Q(kind__startswith="accepted_after_")
    apps.get_model("withdrawals", "Finding").objects.filter(stopping).update(stops_payouts=True)


STATUSES = [
    ("proposed", "Waits for a second person"),
    ("waiting", "Waits for its undo time"),
    ("applied", "Took effect"),
    ("undone", "Undone"),
    ("declined", "Declined by a second person"),
    ("overtaken", "Overtaken"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("withdrawals", "0004_index_by_approval"),
        ("ledger", "0005_one_way_to_book"),
        ("audit", "0002_chain"),
        ("providers", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="finding", name="stops_payouts", field=models.BooleanField(default=False)
        ),
        migrations.AlterField(
            model_name="decision",
            name="status",
            field=models.CharField(choices=STATUSES, default="waiting", max_length=10),
        ),
        migrations.AddIndex(
            model_name="finding",
            index=models.Index(
                fields=["withdrawal"],
                name="finding_stops_payouts",
                condition=Q(resolved_at__isnull=True, stops_payouts=True),
            ),
        ),
        migrations.RunPython(mark_open_findings, migrations.RunPython.noop),
        migrations.RunSQL((SQL / "rules.sql").read_text(), (SQL / "rules_down.sql").read_text()),
        migrations.RunSQL((SQL / "views.sql").read_text(), (SQL / "views_down.sql").read_text()),
    ]
