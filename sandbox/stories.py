"""Magic amounts: what happens to a payout whose amount modulo 1000 is one of these numbers.

A destination account that ends in 000 and the number, or is named story-<number>@anything, tells the
same story whatever the amount.
"""

import re
from dataclasses import dataclass
from enum import Enum


class Manner(Enum):
    """How the create is answered once the payout is accepted."""

    NORMAL = "normal"
    DROP = "drop"  # the connection closes without an answer
    ERROR = "error"  # 500
    UNAVAILABLE = "unavailable"  # 503, which says that nothing was created
    MALFORMED = "malformed"  # 201 with half a body
    DUPLICATE = "duplicate"  # 409 with a link to the payout


class Obstacle(Enum):
    """Why a create is not accepted, this time."""

    DROP = "drop"
    UNAVAILABLE = "unavailable"
    TOO_MANY = "too_many"


@dataclass(frozen=True)
class Step:
    status: str
    after: float | None = None  # seconds after the step before; None: the default delay
    reason: str = ""


@dataclass(frozen=True)
class Webhooks:
    lost: bool = False
    copies: int = 1
    reversed: bool = False
    before_reply: bool = False
    bad_first: bool = False
    other_amount: bool = False


@dataclass(frozen=True)
class Story:
    words: str
    steps: tuple[Step, ...] = (Step("paid"),)
    starts_as: str = "pending"
    decline: str = ""  # the code of a definite no
    obstacle: Obstacle | None = None
    obstacle_times: int = 0  # requests for one reference that meet the obstacle; the next one is accepted
    manner: Manner = Manner.NORMAL
    slow: float = 0  # seconds before anything happens
    hidden: float = 0  # seconds during which a query answers 404
    webhooks: Webhooks = Webhooks()
    paid_despite_cancel: bool = False


PLAIN = Story("Paid after the default delay.")

STORIES = {
    901: Story("Declined for good: the account is closed.", decline="account_closed"),
    902: Story("Declined: our float at the provider is too small.", decline="insufficient_float"),
    903: Story("Accepted, the reply is dropped, later paid.", manner=Manner.DROP),
    904: Story("The reply is dropped and nothing was accepted.", obstacle=Obstacle.DROP, obstacle_times=1),
    905: Story(
        "Accepted, answered 500, later failed.",
        manner=Manner.ERROR,
        steps=(Step("failed", reason="processing_error"),),
    ),
    906: Story("503 and not accepted.", obstacle=Obstacle.UNAVAILABLE, obstacle_times=1),
    907: Story("429 twice, then fine.", obstacle=Obstacle.TOO_MANY, obstacle_times=2),
    908: Story("Silent for 35 s, then accepted.", slow=35),
    909: Story("Accepted, answered with half a body.", manner=Manner.MALFORMED),
    910: Story("Stays pending for ever.", steps=()),
    911: Story("Held until pushed.", starts_as="held", steps=()),
    912: Story("Paid, returned 60 s later.", steps=(Step("paid"), Step("returned", 60, "beneficiary_refused"))),
    913: Story("Paid, then failed.", steps=(Step("paid"), Step("failed", 10, "rail_rejected"))),
    914: Story(
        "Webhooks reversed and doubled.",
        steps=(Step("sent"), Step("paid")),
        webhooks=Webhooks(copies=2, reversed=True),
    ),
    915: Story("The webhook is lost; only asking helps.", webhooks=Webhooks(lost=True)),
    916: Story(
        "The webhook arrives before the reply.",
        steps=(Step("paid", 0),),
        webhooks=Webhooks(before_reply=True),
    ),
    917: Story("A badly signed webhook first, the good one later.", webhooks=Webhooks(bad_first=True)),
    918: Story("A status nobody documented.", steps=(Step("in_orbit"),)),
    919: Story("The webhook names another amount.", webhooks=Webhooks(other_amount=True)),
    920: Story("A query answers 404 for 30 s.", hidden=30),
    921: Story("Accepted, answered as a duplicate with a link.", manner=Manner.DUPLICATE),
    922: Story("A cancellation is accepted, and paid anyway.", paid_despite_cancel=True),
}

_NAMED = re.compile(r"(?:^story-|000)(9\d\d)(?:@.*)?$")


def number_of(amount: int, destination_account: str) -> int:
    """The number of the story to tell, 0 for the plain one."""
    named = _NAMED.search(destination_account.replace(" ", "").lower())
    number = int(named[1]) if named else amount % 1000
    return number if number in STORIES else 0


def story(number: int) -> Story:
    return STORIES.get(number, PLAIN)
