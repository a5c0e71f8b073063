"""What telephones tell of what they see: one JSON object a line, from their process to the rack."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """What a telephone has seen at `t` monotonic seconds.

    `what`: registered, refused, options (one was answered), call (it called), rung (it was called), rang (the trunk
    called), "call failed", "rang failed", left (a message was left in a mailbox); subscribed (it will be told of
    `about`), unsubscribed (its subscription is not known, or was ended), voicemail (its mailbox's light: `state` is
    "yes 1/0" with one new message and no old one), lamp (the telephone `about` is `state`: terminated, early or
    confirmed). `by` is the address from which it was answered, rung or told; `code` SIP's code where it says more.
    """

    t: float
    what: str
    who: str = ""
    by: str = ""
    code: int = 0
    about: str = ""
    state: str = ""


def tell(what: str, **more: object) -> None:
    """Write an event to stdout, with the time of now."""
    os.write(1, (json.dumps({"t": round(time.monotonic(), 5), "what": what, **more}) + "\n").encode())
