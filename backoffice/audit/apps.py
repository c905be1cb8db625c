from typing import Any

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "backoffice.audit"
    label = "audit"
    verbose_name = "Audit"

    def ready(self) -> None:
        """Listen to what is recorded of the packages below, which know no log."""
        from backoffice.ui.saved import sharing_changed  # noqa: PLC0415 - models are not there before

        sharing_changed.connect(_record_sharing)


def _record_sharing(view: Any, actor: Any, before: str, after: str, **_: Any) -> None:
    from backoffice.audit.record import record  # noqa: PLC0415 - models are not there before

    record(
        subject_type="saved_view",
        subject_id=view.slug,
        action="share_view",
        actor=actor,
        data={
            "before": {"seen_by": before or "nobody else"},
            "after": {"seen_by": after or "nobody else"},
            "list": view.list,
            "label": view.label,
        },
    )
