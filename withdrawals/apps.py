from urllib.parse import urlencode

from django.apps import AppConfig
from django.urls import reverse

from withdrawals.states import BULK


class WithdrawalsConfig(AppConfig):
    name = "withdrawals"

    def ready(self) -> None:
        """Tell the audit log and the journal, which know no withdrawal, how to show what this app does."""
        from ledger.tables import show_holders_as, show_references_at  # noqa: PLC0415 - models are not there before
        from withdrawals.pages.route import provider_label  # noqa: PLC0415

        _tell_the_log()
        show_references_at(lambda reference: reverse("withdrawals:record", args=[reference]))
        # Players are held by their number, providers by their code.
        show_holders_as(lambda holder: f"P-{holder}" if holder.isdigit() else provider_label(holder))


def _tell_the_log() -> None:
    from backoffice.audit import words  # noqa: PLC0415 - models are not there before
    from backoffice.audit.words import Subject  # noqa: PLC0415
    from withdrawals.operations import decisions, findings  # noqa: PLC0415
    from withdrawals.pages import timeline  # noqa: PLC0415
    from withdrawals.states import MOVE_LOOKS  # noqa: PLC0415

    words.ACTS |= {str(move): look.past for move, look in MOVE_LOOKS.items()} | ACTS
    words.BY_PEOPLE |= {str(move): look.by_person for move, look in MOVE_LOOKS.items() if look.by_person}
    words.DECISIONS |= {*map(str, decisions.DECIDABLE), *DECISIONS}
    words.READING |= {"look_up", "search", "export", "evidence"}
    words.SUBJECTS |= {
        "withdrawal": Subject(
            "Withdrawal",
            lambda ref: reverse("withdrawals:record", args=[ref]),
            "withdrawals.view_withdrawal",
            reads_reason=timeline.reads_reason,
            kept_from=timeline.kept_from,
        ),
        "player": Subject(
            "Player",
            lambda ref: f"{reverse('withdrawals:players')}?{urlencode({'q': ref})}",
            "kyc.look_up_player",
            reads_reason=lambda user, _entry: user.has_perm("kyc.view_player"),
        ),
        "job": Subject("Job"),
        "provider": Subject("Provider", lambda _code: reverse("withdrawals:providers"), "providers.view_provider"),
        findings.FINDING_TYPE: Subject(
            "Finding", lambda pk: reverse("withdrawals:finding", args=[pk]), "withdrawals.close_finding"
        ),
    }


# What people and machines do besides moves.
ACTS = {
    "bulk_approve": "Approved many at once",
    "bulk_hold": "Put many on hold at once",
    "bulk_reject": "Rejected many at once",
    "cancel_job": "Cancelled a job",
    "undo_all": "Took back a job",
    "claim": "Claimed",
    "ask": "Asked the payments team",
    "assign": "Assigned",
    "take_over": "Took over",
    "hand_over": "Handed over",
    "evidence": "Opened the evidence to print",
    "decide": "Decided",
    "propose": "Proposed",
    "second": "Agreed to a proposal",
    "decline_proposal": "Declined a proposal",
    "undo": "Took a decision back",
    "overtaken": "Was overtaken",
    "screen_again": "Ran the checks again",
    "note": "Noted",
    "finding": "Found a contradiction",
    "close_finding": "Closed a finding",
    "look_up": "Looked up a player",
    "search": "Searched and was shown players",
    "export": "Exported a list",
    "add_destination": "Payout details added",
    "own_destination": "Payout details proved the player’s own",
    "disown_destination": "Payout details no longer proved",
}
DECISIONS = (
    *BULK.values(), "undo_all",
    "take_over", "decide", "propose", "second", "decline_proposal", "undo", "overtaken", "close_finding",
)  # fmt: skip
