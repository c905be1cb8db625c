"""What is left of a personal value for somebody who may not see it. The rest never leaves the server."""

DOTS = "••••"


def mask_email(address: str) -> str:
    """``elena@zgmail.hr`` → ``el•••••@zgmail.hr``: two letters at most, the length stays hidden."""
    name, at, domain = address.rpartition("@")
    if not at:
        return DOTS
    return f"{name[: min(2, len(name) - 1)]}•••••@{domain}"


def mask_phone(number: str) -> str:
    """``+385 91 555 0123`` → ``•••• 0123``; a number too short to hide is hidden whole."""
    digits = "".join(character for character in number if character.isdigit())
    return last_four(digits) if len(digits) >= 8 else DOTS


def last_four(value: str) -> str:
    """``4000000000004417`` → ``•••• 4417``; fewer than five characters are hidden whole."""
    return f"{DOTS} {value[-4:]}" if len(value) > 4 else DOTS


def initials_of(name: str) -> str:
    """``Elena Marković`` → ``EM``: the first letters of the first and last word."""
    words = name.split()
    ends = words[:1] + words[1:][-1:]
    return "".join(word[0] for word in ends).upper()
