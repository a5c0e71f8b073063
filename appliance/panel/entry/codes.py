"""Codes that root reads on one screen and somebody types on another page: long enough that nobody guesses one."""

from __future__ import annotations

import hashlib
import hmac
import secrets

# Nothing in it that looks like something else: 32 letters are 5 bits each, 15 of them 75 bits. No guess needs to be
# made expensive against that, so that the check of a code costs nothing when many are tried.
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
_AS_TYPED = str.maketrans({"o": "0", "i": "1", "l": "1", "-": None, " ": None})
_LENGTH, _PART = 15, 5


def new_code() -> tuple[str, str]:
    """A code for showing once, and its hash for keeping."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    return "-".join(letters[at : at + _PART] for at in range(0, _LENGTH, _PART)), _digest(letters)


def is_code(kept: str, typed: str) -> bool:
    """`typed`, by a person, is the code whose hash is `kept`."""
    return hmac.compare_digest(kept.encode(), _digest(typed.lower().translate(_AS_TYPED)).encode())


def _digest(letters: str) -> str:
    return hashlib.sha256(letters.encode(errors="surrogateescape")).hexdigest()
