"""Numbers in the words of a sentence. Rounded down, so that a shortfall never reads as none."""

from datetime import timedelta

from fraud.facts import Facts


def times(part: int, whole: int) -> str:
    """Return how often ``whole`` fits into ``part``: ``0.3×``."""
    tenths = part * 10 // whole
    if tenths == 0 and part > 0:
        return "under 0.1×"
    return f"{tenths // 10}.{tenths % 10}×" if tenths % 10 else f"{tenths // 10}×"


def percent(part: int, whole: int) -> str:
    return f"{part * 100 // whole} %"


def span(length: timedelta) -> str:
    """Return a length of time in its two largest units: ``3 h 12 min``, ``45 min``, ``2 d 4 h``."""
    minutes = int(length.total_seconds()) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min"


def period(facts: Facts) -> str:
    """Return what "since then" means for these facts."""
    if facts.since is None:
        return "since joining"
    return f"since the request of {facts.since.day} {facts.since:%b %Y}"
