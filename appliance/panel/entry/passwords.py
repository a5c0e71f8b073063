"""Hashes of passwords: scrypt, one at a time.

One costs 16 MB and a fifth of a second. Whose turn it is, and that a flood of logins does not take the processors of a
server that has calls to carry, is the door's matter (core/login_limit).
"""

from __future__ import annotations

import contextlib
import threading

from werkzeug.security import check_password_hash, generate_password_hash

from appliance.core.errors import UserError

SHORTEST = 10
LONGEST = 200
# n, r, p: memory is 128 * n * r bytes; p makes it slower without more memory.
_METHOD = "scrypt:16384:8:5"
_turn = threading.Lock()
# What a name that nobody has is compared with: made by this method of a random word that was thrown away.
_NOBODYS = (
    "scrypt:16384:8:5$ySuAykOT3K3PW3Lm$cf9206688154faf4005ed2f72fcfeb315fd4bb53ea70d09ac26bb59734da6a7505"
    "788984de2c1cfa098d16a61f694b9d699653afb7be286bc6f8cfef116a79de"
)


def hash_of(secret: str) -> str:
    """A hash to keep."""
    with _turn:
        return generate_password_hash(secret, method=_METHOD)


def is_right(kept: str | None, secret: str) -> bool:
    """`secret` is what `kept` was made of. Takes as long when `kept` is None, and says no."""
    possible = kept is not None and len(secret) <= LONGEST and _is_text(secret)
    with _turn, contextlib.suppress(ValueError):  # raised when what was kept is no hash
        return check_password_hash(kept or _NOBODYS, secret if possible else "") and possible
    return False


def checked(password: str) -> str:
    """`password`, when it may be one. Raises UserError."""
    if not SHORTEST <= len(password) <= LONGEST or not _is_text(password):
        raise UserError(f"A password has {SHORTEST} to {LONGEST} characters.", todo="Choose another.")
    return password


def _is_text(words: str) -> bool:
    """Not so: bytes that were no text, or what no keyboard sends."""
    return words.isprintable()
