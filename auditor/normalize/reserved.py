"""Names that nobody may have: reports use them for the platform, and for those they cannot name."""

import unicodedata

from auditor.domain.job import NOBODY, PLATFORM

_RESERVED = frozenset((PLATFORM, NOBODY))
# Letters without a shape.
_FILLERS = frozenset("\u115f\u1160")


def is_reserved(name: str) -> bool:
    """Say whether a name reads as the platform's or as nobody's, in whatever characters.

    Width, case, accents, blanks, invisible characters and other punctuation tell nothing apart.
    """
    if name.isascii() and "(" not in name:
        return False
    plain = unicodedata.normalize("NFKD", name).casefold()
    seen = (one for one in plain if (one.isalnum() or one in "()") and one not in _FILLERS)
    return "".join(seen) in _RESERVED


def unreserved(name: str) -> str | None:
    """Return a name of accounting as it stands; None where it is empty or nobody's to have."""
    return None if not name or is_reserved(name) else name
