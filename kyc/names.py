"""Text that strangers send us: made canonical, or refused with a sentence; and names folded for search."""

import re
import unicodedata

# Marks that hide, or turn the direction of, what stands beside them. The joiners U+200C and U+200D
# are not among them: Persian and Indic names need them.
_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_INVISIBLE = "\u00ad\u200b\u2060\u2061\u2062\u2063\u2064\ufeff"
_REFUSED = frozenset(_BIDI + _INVISIBLE)
_REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})

# Letters that decomposition leaves whole although people type them without the stroke.
_PLAIN = str.maketrans({"ł": "l", "đ": "d", "ð": "d", "ø": "o", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i", "ħ": "h"})
_NOT_A_LETTER = re.compile(r"[\W_]+")


def is_plain(text: str) -> bool:
    """Say whether the text is free of control, direction and invisible characters."""
    return not any(c in _REFUSED or unicodedata.category(c) in _REFUSED_CATEGORIES for c in text)


def canonical(text: str) -> str:
    """Return the text in NFC with single spaces, so that equal names are equal strings."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def fold(name: str) -> str:
    """Return the words of a name as people type them: ``Elena Marković-Łoś`` is ``elena markovic los``.

    For search and comparison, never for display.
    """
    # Compatibility forms such as a circled capital fold only once they are decomposed.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    bare = "".join(c for c in decomposed if not unicodedata.combining(c)).translate(_PLAIN)
    return _NOT_A_LETTER.sub(" ", bare).strip()


def is_same_name(one: str, other: str) -> bool:
    """Whether two names have the same words, whatever their order, case and accents."""
    return set(fold(one).split()) == set(fold(other).split())
