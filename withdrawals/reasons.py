"""The closed lists of reasons. Explainable ones may reach the player, neutral ones never do.

A neutral reason (suspicion, law) is shown to the player and to support as a neutral sentence only:
whoever writes player text can draw from ``player_text`` alone.
"""

import re
from dataclasses import dataclass

from withdrawals.states import HoldKind


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    label: str
    # What the player may read; neutral for anything that could tip off.
    player_text: str


# Words in one line: what tells a browser or a mail to do something stays out, what turns the order of the letters
# round, and what leads the player away from us.
PLAIN = re.compile(r"\A(?=.*\w)(?!.*(?:://|www\.))[^<>\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+\Z", re.IGNORECASE)
PLAIN_WORDS = "Write plain text in one line, without links, < and >."
NEUTRAL = "We could not approve this withdrawal. The money is back in your balance."

REJECT: tuple[Reason, ...] = (
    Reason(
        "destination_not_owned",
        "Payout details not the player’s",
        "The account is not in your name. Please use your own.",
    ),
    Reason(
        "destination_needs_proof",
        "New payout details need proof",
        "Please show that the new payout details are yours, then ask again.",
    ),
    Reason("terms_not_met", "Bonus or wagering terms not met", "The wagering terms of your bonus are not met yet."),
    Reason(
        "deposit_method_first",
        "Must return to deposit method",
        "Please withdraw to the method that you deposited with.",
    ),
    Reason("suspected_takeover", "Suspected account takeover", NEUTRAL),
    Reason("linked_account", "Linked or duplicate account", NEUTRAL),
    Reason("funds_not_shown", "Source of funds not shown", "Please show where the funds come from, then ask again."),
    Reason("other", "Something else", NEUTRAL),
)
CONFIRM_FRAUD: tuple[Reason, ...] = (
    Reason("fraud_takeover", "Account takeover", NEUTRAL),
    Reason("fraud_mule", "Money moved for somebody else", NEUTRAL),
    Reason("fraud_bonus_abuse", "Bonus abuse", NEUTRAL),
    Reason("fraud_collusion", "Collusion", NEUTRAL),
    Reason("fraud_stolen_card", "Stolen payment details", NEUTRAL),
    Reason("fraud_other", "Other fraud", NEUTRAL),
)
CLEAR_FRAUD: tuple[Reason, ...] = (
    Reason("known_player", "Known player", ""),
    Reason("win_verified", "Win verified", ""),
    Reason("household", "Linked player is family", ""),
    Reason("player_confirmed", "Player confirmed by phone or mail", ""),
    Reason("false_alarm", "False alarm", ""),
)
APPROVE: tuple[Reason, ...] = (
    Reason("facts_explain_it", "The facts explain it", ""),
    Reason("player_confirmed", "Player confirmed by phone or mail", ""),
    Reason("known_player", "Known player", ""),
    Reason("other", "Something else", ""),
)
HOLD: tuple[Reason, ...] = (
    Reason("waiting_document", "Waiting for a document", "We need a document from you."),
    Reason("waiting_player", "Waiting for the player’s answer", "We need an answer from you."),
    Reason("waiting_provider", "Waiting for a provider", ""),
    Reason("waiting_colleague", "Waiting for a colleague", ""),
    Reason("waiting_other", "Waiting for something else", ""),
    Reason("legal", "Legal hold", ""),
)
# Asking somebody else is an internal hold whose reason says who is asked, and whose note is the question.
ASKED = "Asked "
ESCALATE: tuple[Reason, ...] = (
    Reason("ask_fraud", f"{ASKED}a fraud analyst", ""),
    Reason("ask_compliance", f"{ASKED}compliance", ""),
    Reason("ask_senior", f"{ASKED}a senior", ""),
)
# Who answers, by permission.
ANSWERED_WITH: dict[str, str] = {
    "ask_fraud": "withdrawals.decide_flagged",
    "ask_compliance": "withdrawals.freeze_withdrawal",
    "ask_senior": "withdrawals.confirm_withdrawal",
}
# Reasons that say nothing by themselves: whoever gives one writes what it is.
UNSAID = frozenset({"other", "waiting_other", "fraud_other"})
# The word that a person gives for a hold says what kind of hold it is.
HOLD_KINDS: dict[str, HoldKind] = {
    "waiting_document": HoldKind.PLAYER,
    "waiting_player": HoldKind.PLAYER,
    "waiting_provider": HoldKind.PROVIDER,
    "waiting_colleague": HoldKind.INTERNAL,
    "waiting_other": HoldKind.INTERNAL,
    "legal": HoldKind.LEGAL,
    **dict.fromkeys(ANSWERED_WITH, HoldKind.INTERNAL),
}
DISAGREE: tuple[Reason, ...] = (
    Reason("facts_missing", "Facts are missing", ""),
    Reason("risk_too_high", "Risk is too high", ""),
    Reason("other", "Something else", ""),
)
RELEASE: tuple[Reason, ...] = (
    Reason("answered", "The question is answered", ""),
    Reason("document_received", "The document is here", ""),
    Reason("answer_received", "The answer is here", ""),
    Reason("no_longer_needed", "No longer needed", ""),
    Reason("other", "Something else", ""),
)
# Of a legal hold.
UNFREEZE: tuple[Reason, ...] = (
    Reason("law_satisfied", "The law no longer demands it", ""),
    Reason("frozen_by_mistake", "It was put on legal hold by mistake", ""),
)
RECALL: tuple[Reason, ...] = (
    Reason("new_fact", "A new fact came up", ""),
    Reason("approved_by_mistake", "Approved by mistake", ""),
)
# How a person knows that an unknown outcome was a payment, or was none: what kind of proof there is.
COMPLETE: tuple[Reason, ...] = (
    Reason("on_statement", "On the provider’s statement", ""),
    Reason("provider_confirms", "The provider confirms it in writing", ""),
    Reason("bank_confirms", "The player’s bank confirms it", ""),
)
FAIL: tuple[Reason, ...] = (
    Reason("not_on_statement", "The statement of the day closed without it", ""),
    Reason("not_found_twice", "Not found twice, hours apart", ""),
    Reason("provider_denies", "The provider denies it in writing", ""),
)
# Why the machines recall an approval, or end a hold.
BY_MACHINES: tuple[Reason, ...] = (
    Reason("changed_since_approval", "Changed since the approval", ""),
    Reason("identity_no_longer_valid", "Identity no longer in order", ""),
    Reason("over_limit", "Over a limit by now", ""),
    Reason("money_may_be_out", "The money may be out already", ""),
    Reason("time_is_up", "Its time is up", ""),
)
CANCEL: tuple[Reason, ...] = (
    Reason("player_asked", "The player asked for it", "Cancelled as you asked."),
    Reason("expired", "No answer in time", "Expired. We did not get the answer that we asked for in time."),
)

# By the move that they explain; listed() says which of them fit one withdrawal.
BY_MOVE: dict[str, tuple[Reason, ...]] = {
    "approve": APPROVE + CLEAR_FRAUD,
    "endorse": APPROVE + CLEAR_FRAUD,
    "confirm": APPROVE,
    "reject": REJECT + CONFIRM_FRAUD,
    "put_on_hold": HOLD + ESCALATE,
    "release": RELEASE + UNFREEZE,
    "disagree": DISAGREE,
    "recall": RECALL,
    "cancel": CANCEL,
    "complete": COMPLETE,
    "fail": FAIL,
}
_BY_CODE = {reason.code: reason for reasons in (*BY_MOVE.values(), BY_MACHINES) for reason in reasons}


# What only a release from a legal hold is explained with: whoever reads one of them knows that there was one.
ABOUT_LAW = frozenset(reason.code for reason in UNFREEZE)


def listed(move: str, *, legal_hold: bool) -> tuple[Reason, ...]:
    """Return what may explain the move of a withdrawal; the door takes no other code."""
    if move == "release":
        return UNFREEZE if legal_hold else RELEASE
    return BY_MOVE.get(move, ())


def may_be_reworded(code: str) -> bool:
    """Whether a person may say this reason of a rejection to the player in other words: it is one that can be told."""
    return any(one.code == code and one.player_text != NEUTRAL for one in REJECT)


def label_of(code: str) -> str:
    """Return the staff wording of a reason code, or the code itself for a machine's reason."""
    reason = _BY_CODE.get(code)
    return reason.label if reason else code
