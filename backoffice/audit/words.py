"""How entries read on the screen: acts, states and reasons are stored as codes and shown as words."""

import re

from backoffice.audit.models import AuditEntry

_CODE = re.compile(r"[a-z][a-z0-9_]*")
# The past forms of acts; the apps add those of their own when they are ready (see withdrawals.apps).
ACTS = {
    "denied": "Was refused a page",
    "look_up": "Looked up a player",
    "view_log": "Read the audit log",
    "check_chain": "Checked the chain",
    "export": "Exported a list",
    "sign_in": "Signed in",
    "sign_in_failed": "Failed to sign in",
    "claim": "Claimed",
    "take_over": "Took over",
    "decide": "Decided",
    "propose": "Proposed",
    "second": "Agreed to a proposal",
    "undo": "Took a decision back",
    "overtaken": "Was overtaken",
    "note": "Noted",
    "finding": "Found a contradiction",
    "register": "Was registered",
    "add_destination": "Payout details added",
    "own_destination": "Payout details proved the player’s own",
    "disown_destination": "Payout details no longer proved",
    "update": "Was changed",
    "record_verification": "Recorded a verification",
    "pause_provider": "Paused",
    "resume_provider": "Resumed",
}


def act(action: str) -> str:
    """Return the words for what was done."""
    return ACTS.get(action) or plain(action)


def plain(text: str) -> str:
    """Return a code as words (``known_player``: Known player); what people typed stays as it is."""
    return text.replace("_", " ").capitalize() if _CODE.fullmatch(text) else text


def change(entry: AuditEntry) -> list[tuple[str, str]]:
    """Return what changed as (before, after); an act without a change gives what was chosen, or nothing."""
    if entry.from_state or entry.to_state:
        return [(plain(entry.from_state), plain(entry.to_state))]
    before, after = entry.data.get("before"), entry.data.get("after")
    if isinstance(before, dict) and isinstance(after, dict):
        return [(f"{plain(name)}: {before.get(name, '')}", str(value)) for name, value in after.items()]
    chosen = entry.data.get("move") or entry.data.get("path") or entry.data.get("state") or entry.data.get("address")
    return [("", plain(str(chosen)))] if chosen else []
