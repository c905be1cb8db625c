"""Facts about players that an operation can refuse for."""


class Refused(Exception):
    """What was sent cannot be taken; ``field`` names the part, ``sentence`` says why and what would do."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field
        self.sentence = sentence


class InvalidPlayer(Refused):
    """What the platform told us about a player cannot be taken."""


class InvalidVerification(Refused):
    """A verification that contradicts itself or the clock."""
