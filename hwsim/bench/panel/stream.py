"""The page's event stream, read as a browser reads it, and the meaning of the picture in it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# The position of a text in the drawn picture tells what the text is about.
_RELAY = re.compile(r'<text x="234" y="352">([^<]*)</text>')
_STATE = re.compile(r'<text class="state"[^>]*>([^<]*)</text>')


@dataclass(frozen=True, slots=True)
class Drawn:
    """The picture's text for the relay ("line at the primary", …), and the nodes' states, left and right."""

    relay: str
    states: tuple[str, ...]

    def leads_to(self, side: str, *, surely: bool) -> bool:
        """Return True when the relay is drawn at `side`.

        With `surely`, the spans must confirm it; else the command given to the card is enough.
        """
        confirmed = self.relay == f"line at the {side}"
        return confirmed or (not surely and self.relay.startswith(f"told: {side};"))


def events(lines: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """Yield kind and data of each server-sent event (HTML standard, 9.2), at its blank line.

    The end of the stream ends the iteration.
    """
    kind = "message"
    data: list[str] = []
    for raw in lines:
        line = raw.decode().rstrip("\r\n")
        if not line:
            if data:
                yield kind, "\n".join(data)
            kind, data = "message", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data.append(value)


def drawn(kind: str, data: str) -> Drawn | None:
    """Return the picture that an event draws; None where the picture stays as it was."""
    if kind != "sections":
        return None
    picture = json.loads(data).get("diagram")
    if picture is None:
        return None
    relay = _RELAY.search(picture)
    states = tuple(html.unescape(state) for state in _STATE.findall(picture))
    return Drawn(html.unescape(relay.group(1)) if relay else "", states)
