"""What goes wrong with one create: its story first, then the live switches. Pure."""

from sandbox.stories import Manner, Obstacle, Story
from sandbox.switches import Switches, chance


def obstacle(story: Story, switches: Switches, *, key: str, number: int) -> Obstacle | None:
    """What keeps a reference's `number`-th request, under `key`, from being accepted, if anything."""
    if number <= story.obstacle_times:
        return story.obstacle
    for kind, share in (
        (Obstacle.DROP, switches.drop_before_accept),
        (Obstacle.UNAVAILABLE, switches.create_unavailable),
        (Obstacle.TOO_MANY, switches.too_many),
    ):
        if chance(switches, f"obstacle {kind.value}", key, number) < share:
            return kind
    return None


def manner(story: Story, switches: Switches, *, key: str, number: int) -> Manner:
    """How an accepted create is answered."""
    if story.manner is not Manner.NORMAL:
        return story.manner
    for kind, share in (
        (Manner.DROP, switches.drop_after_accept),
        (Manner.ERROR, switches.error_after_accept),
        (Manner.UNAVAILABLE, switches.unavailable_after_accept),
        (Manner.MALFORMED, switches.malformed),
    ):
        if chance(switches, f"manner {kind.value}", key, number) < share:
            return kind
    return Manner.NORMAL
