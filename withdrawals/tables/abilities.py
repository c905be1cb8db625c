"""What the providers declare, as a table."""

from backoffice.ui import columns
from backoffice.ui.tables import BaseTable


class AbilityTable(BaseTable):
    """Rows of withdrawals.pages.abilities.abilities()."""

    provider = columns.Column(accessor="label", verbose_name="Provider", css="strong", width=14)
    pays = columns.Column(accessor="pays", verbose_name="Pays", css="wraps")
    again = columns.Column(accessor="again", verbose_name="The same request again", css="wraps", width=20)
    found = columns.Column(accessor="found", verbose_name="Finds a payout", css="wraps", width=22)
    failed = columns.Column(accessor="failed", verbose_name="“Failed”", css="wraps", width=12)
    told = columns.Column(accessor="told", verbose_name="Webhooks", css="wraps", width=18)

    caption = "What each provider can do"
    phone = {"provider": "title", "pays": "note", "again": "meta", "failed": "side"}
