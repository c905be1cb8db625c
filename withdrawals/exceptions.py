"""Facts about why something did not happen. Each carries the sentence that a person is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from withdrawals.lifecycle import Lifecycle


class MoveRefused(Exception):
    """A move was not made and nothing changed. ``sentence`` says why in words for people."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class IllegalMove(MoveRefused):
    """The move does not exist from the present state, or one of its guards says no."""


class FactsChanged(IllegalMove):
    """A concern came up that the checks did not know when they ran; they must be run again first."""


class NotAllowed(MoveRefused):
    """This actor may not make this move on this withdrawal."""


class NeedsReason(MoveRefused):
    """The move wants a reason from the list, and got none."""


class StaleVersion(MoveRefused):
    """The withdrawal changed since the actor looked at it."""

    def __init__(self, subject: Lifecycle) -> None:
        super().__init__("This withdrawal changed since you opened it. Nothing was done; look again and decide.")
        self.subject = subject


class FindingClosed(Exception):
    """Somebody, or what the finding waited for, closed it already. ``sentence`` says so."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class RequestRefused(Exception):
    """A withdrawal request that was not taken; no money was reserved.

    ``code`` is stable for the platform, ``field`` names what to correct, ``sentence`` says how.
    """

    def __init__(self, code: str, sentence: str, *, field: str = "") -> None:
        super().__init__(sentence)
        self.code, self.sentence, self.field = code, sentence, field


class KeyReused(RequestRefused):
    """The idempotency key was used before with another content."""


class AlreadyDecided(MoveRefused):
    """Somebody's decision on this withdrawal waits already; ``own``: that of who asks."""

    def __init__(self, sentence: str, *, own: bool = False) -> None:
        super().__init__(sentence)
        self.own = own


class ClaimedByOther(MoveRefused):
    """Somebody else is deciding this withdrawal."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is deciding this.")
        self.name = name
