"""The audit log as a table."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from backoffice.audit import words
from backoffice.audit.actors import machine_words
from backoffice.audit.models import AuditEntry
from backoffice.ui import inline
from backoffice.ui.columns import Column, TimeColumn
from backoffice.ui.tables import BaseTable


class AuditTable(BaseTable):
    at = TimeColumn(sort_by="at", form="utc", verbose_name="Time (UTC)", width=24)
    who = Column(accessor="pk", verbose_name="Who", width=18)
    did = Column(accessor="action", verbose_name="Did", css="strong wraps", width=22)
    to = Column(accessor="pk", verbose_name="To", width=16)
    change = Column(accessor="pk", verbose_name="Change")
    reason = Column(accessor="pk", verbose_name="Reason", css="soft", width=24)

    caption = "Who did what, newest first"
    sort = "-at"
    phone = {"did": "title", "who": "amount", "to": "meta", "at": "side", "change": "note"}

    def render_who(self, record: AuditEntry) -> SafeString:
        if record.actor_user is None:
            words_of = machine_words(record.actor_machine)
            return inline.mark("neutral", "server", words_of[:1].upper() + words_of[1:])
        return inline.person(record.actor_user, self.me)

    def render_did(self, value: str, record: AuditEntry) -> str:
        return words.act(value, person=record.actor_user_id is not None)

    def render_to(self, record: AuditEntry) -> SafeString | str:
        if (record.subject_type, record.subject_id) == ("staff", str(record.actor_user_id)):
            return inline.NOTHING
        name = self._names.get(record.subject_type, {}).get(record.subject_id, "")
        return name or subject(record.subject_type, record.subject_id, self.me)

    @cached_property
    def _names(self) -> dict[str, Mapping[str, str]]:
        """What the subjects of these rows are called, asked once for each kind that has names."""
        keys: dict[str, set[str]] = {}
        for entry in self.data:
            keys.setdefault(entry.subject_type, set()).add(entry.subject_id)
        kinds = {kind: words.subject(kind).names for kind in keys}
        return {kind: names(keys[kind]) for kind, names in kinds.items() if names}

    def render_change(self, record: AuditEntry) -> SafeString:
        changes = words.change(record)
        if not changes:
            return inline.NOTHING
        return format_html_join(", ", "{}{}{}", (
            (before, " → " if before and after else "", after) for before, after in changes
        ))  # fmt: skip

    def render_reason(self, record: AuditEntry) -> SafeString | str:
        if not words.subject(record.subject_type).reads_reason(self.me, record):
            return inline.NOTHING
        seen = " · ".join(part for part in (words.plain(record.reason), words.proof(record)) if part)
        return format_html('<span title="{0}">{0}</span>', seen) if seen else inline.NOTHING


def subject(subject_type: str, subject_id: str, me: Any) -> SafeString | str:
    """Return what an entry is about, as a link where the reader may open it."""
    about = words.subject(subject_type)
    if about.address is None:
        return format_html('{} <span class="mono">{}</span>', about.label, subject_id)
    if not me.has_perm(about.permission):
        return format_html('<span class="mono">{}</span>', subject_id)
    return format_html('<a class="mono" href="{}">{}</a>', about.address(subject_id), subject_id)
