"""References for speech and typing: WD-7Q4K-M2X9, Crockford base 32 with a check character."""

import secrets

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SPOKEN = str.maketrans("ILO", "110")


def new_reference() -> str:
    """Return a new random reference; 35 random bits, made unique by the database."""
    digits = [secrets.randbelow(32) for _ in range(7)]
    text = "".join(_ALPHABET[d] for d in digits) + _check_character(digits)
    return f"WD-{text[:4]}-{text[4:]}"


def normalise(text: str) -> str | None:
    """Return the stored form of a typed reference, or None when it cannot be one.

    Case, dashes and blanks do not matter; I and L read as 1, O as 0; a wrong check character is refused.
    """
    letters = "".join(text.upper().split()).replace("-", "")
    letters = letters.removeprefix("WD").translate(_SPOKEN)
    if len(letters) != 8 or any(letter not in _ALPHABET for letter in letters):
        return None
    digits = [_ALPHABET.index(letter) for letter in letters]
    if _check_character(digits[:7]) != letters[7]:
        return None
    return f"WD-{letters[:4]}-{letters[4:]}"


def _check_character(digits: list[int]) -> str:
    # Weights are odd, hence invertible modulo 32: every single wrong character and most swaps show.
    return _ALPHABET[sum(digit * weight for digit, weight in zip(digits, (1, 3, 5, 7, 9, 11, 13), strict=True)) % 32]
