"""How a create that was accepted is answered, whatever the dialect: as its story or a switch wants it."""

from sandbox.stories import Manner
from sandbox.wire import DROPPED, Reply


def answered(manner: Manner, reply: Reply, *, error: Reply, unavailable: Reply, duplicate: Reply) -> Reply:
    """`reply` is the good answer; the others are what this dialect says in its stead."""
    match manner:
        case Manner.DROP:
            return DROPPED
        case Manner.ERROR:
            return error
        case Manner.UNAVAILABLE:
            return unavailable
        case Manner.MALFORMED:
            return reply.truncated()
        case Manner.DUPLICATE:
            return duplicate
    return reply
