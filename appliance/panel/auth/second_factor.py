"""Second factor: the codes of an authenticator (TOTP, RFC 6238), six digits every 30 seconds, by HMAC-SHA-1.

All authenticators know these values; some ignore any other that the address names.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
from urllib.parse import quote

STEP = 30.0
_DIGITS = 6
# RFC 4226 recommends 160 bits for the secret.
_SECRET_BYTES = 20
# A code of the step before and of the one after counts too, for a telephone whose clock is not quite right.
_SKEW = 1
_CODE = re.compile(rf"[0-9]{{{_DIGITS}}}", re.ASCII)


def new_secret() -> str:
    """Return a new secret, in base32 as people type it into an authenticator."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")


def is_secret(secret: str) -> bool:
    """Return whether `secret` is one that `new_secret` could have made."""
    try:
        return len(base64.b32decode(secret)) == _SECRET_BYTES
    except (binascii.Error, ValueError):
        return False


def address(secret: str, name: str, host: str) -> str:
    """Return the otpauth address by which an authenticator takes the `secret` of the user `name` on `host`."""
    issuer = quote(f"asha {host}", safe="")
    return f"otpauth://totp/{issuer}:{quote(name, safe='')}?secret={secret}&issuer={issuer}"


def code(secret: str, step: int) -> str:
    """Return the code of a `step`: the time since the epoch in units of STEP (RFC 6238, 4.2; RFC 4226, 5.3)."""
    digest = hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}}"


def accepted_step(secret: str, typed: str, wall: float, used: int) -> int | None:
    """Return the step whose code `typed` is, or None when it is not accepted.

    `wall`: the time in epoch seconds. `used`: the step of the last code that was accepted; neither it nor one before it
    is accepted again (RFC 6238, 5.2).
    """
    digits = typed.replace(" ", "")
    if not _CODE.fullmatch(digits):
        return None
    now = int(wall // STEP)
    steps = range(max(now - _SKEW, used + 1, 0), now + _SKEW + 1)
    return next((step for step in steps if hmac.compare_digest(code(secret, step), digits)), None)
