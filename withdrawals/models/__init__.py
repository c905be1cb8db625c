"""What a withdrawal is about, and the rows around it: one file per subject. Its life is in lifecycle.py."""

from withdrawals.models.deciding import Approval, CheckResult, Claim, Decision, Note, Visit
from withdrawals.models.destination import Destination, Method
from withdrawals.models.limit import Limit
from withdrawals.models.paying import Finding, Notification, PayoutAttempt
from withdrawals.models.withdrawal import Withdrawal

__all__ = [
    "Approval",
    "CheckResult",
    "Claim",
    "Decision",
    "Destination",
    "Finding",
    "Limit",
    "Method",
    "Note",
    "Notification",
    "PayoutAttempt",
    "Visit",
    "Withdrawal",
]
