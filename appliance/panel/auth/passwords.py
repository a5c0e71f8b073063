"""Password hashes: scrypt, computed one at a time.

One hash costs 16 MB and a fifth of a second. Door, with the limits of appliance/core/login_limit.py, decides
which login attempt is next, and keeps a flood of logins from taking the processors of a server that has calls
to carry.
"""

from __future__ import annotations

import contextlib
import threading

from werkzeug.security import check_password_hash, generate_password_hash

from appliance.core.errors import UserError

SHORTEST = 10
LONGEST = 200
# The parameters are n, r and p. The memory used is 128 * n * r bytes; p makes hashing slower without using
# more memory.
_METHOD = "scrypt:16384:8:5"
_turn = threading.Lock()
# Hash with which the password is compared when the user does not exist. The hash was made by the method
# above, of a random word that was thrown away.
_NOBODYS = (
    "scrypt:16384:8:5$ySuAykOT3K3PW3Lm$cf9206688154faf4005ed2f72fcfeb315fd4bb53ea70d09ac26bb59734da6a7505"
    "788984de2c1cfa098d16a61f694b9d699653afb7be286bc6f8cfef116a79de"
)


def hash_of(secret: str) -> str:
    """Return a hash of `secret` to be kept."""
    with _turn:
        return generate_password_hash(secret, method=_METHOD)


def is_right(kept: str | None, secret: str) -> bool:
    """Return whether `kept` is a hash of `secret`.

    When `kept` is None, the answer is False and takes just as long.
    """
    possible = kept is not None and len(secret) <= LONGEST and _is_text(secret)
    with _turn, contextlib.suppress(ValueError):  # check_password_hash raises it when `kept` is not a hash
        return check_password_hash(kept or _NOBODYS, secret if possible else "") and possible
    return False


def checked(password: str) -> str:
    """Return `password` if it is acceptable. Raises UserError."""
    if not SHORTEST <= len(password) <= LONGEST or not _is_text(password):
        raise UserError(f"A password has {SHORTEST} to {LONGEST} characters.", todo="Choose another.")
    return password


def _is_text(words: str) -> bool:
    """Return whether `words` is printable: not undecodable bytes, and nothing that a keyboard cannot send."""
    return words.isprintable()
