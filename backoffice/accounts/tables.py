"""The staff as a table."""

from django.conf import settings
from django.utils.safestring import SafeString

from backoffice.accounts.models import User
from backoffice.ui import inline
from backoffice.ui.columns import Column, TimeColumn
from backoffice.ui.tables import BaseTable


class StaffTable(BaseTable):
    name = Column(sort_by="name", css="strong", width=20)
    email = Column(sort_by="email", verbose_name="E-mail")
    roles = Column(accessor="pk", width=18)
    limit = Column(accessor="pk", verbose_name="May approve up to", width=16)
    second_factor = Column(accessor="pk", verbose_name="Second factor", width=16)
    last_seen = TimeColumn(verbose_name="Last seen", width=16)
    state = Column(accessor="is_active", verbose_name="State", width=11)

    caption = "Staff, by name"
    opens = False
    sort = "name"
    phone = {"name": "title", "roles": "meta", "second_factor": "side", "last_seen": "amount", "state": "end"}

    def render_roles(self, record: User) -> str:
        return ", ".join(group.name for group in record.groups.all()) or "None"

    def render_limit(self, record: User) -> str:
        if record.approval_limit is None:
            return "The policy’s limits"
        return inline.written(record.approval_limit, settings.HOUSE_CURRENCY)

    def render_second_factor(self, record: User) -> SafeString:
        ways = [word for has, word in ((record.has_app, "app"), (record.has_passkey, "passkey")) if has]  # type: ignore[attr-defined]
        return inline.mark("success", "check", " and ".join(ways)) if ways else inline.mark("attn", "warn", "none")

    def render_state(self, value: bool) -> SafeString:
        return inline.mark("neutral", "check", "Active") if value else inline.mark("attn", "x", "Inactive")
