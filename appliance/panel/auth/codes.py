"""Codes that root reads on one screen and a person types on the page, too long to be guessed."""

from __future__ import annotations

import hashlib
import hmac
import secrets

# The alphabet has no letters that look alike. Each of its 32 letters carries 5 bits, so the 15 letters of a
# code carry 75 bits. That is beyond guessing even with a cheap hash, so the check of a code costs nothing
# when many are tried.
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
_AS_TYPED = str.maketrans({"o": "0", "i": "1", "l": "1", "-": None, " ": None})
_LENGTH, _PART = 15, 5


def new_code() -> tuple[str, str]:
    """Return a new code, to be shown once, and its hash, to be kept."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    return "-".join(letters[at : at + _PART] for at in range(0, _LENGTH, _PART)), _digest(letters)


def is_code(kept: str, typed: str) -> bool:
    """Return whether `typed`, as a person typed it, is the code whose hash is `kept`."""
    return hmac.compare_digest(kept.encode(), _digest(typed.lower().translate(_AS_TYPED)).encode())


def _digest(letters: str) -> str:
    return hashlib.sha256(letters.encode(errors="surrogateescape")).hexdigest()
