"""/proc/dahdi/N. Source: facts/dahdi; the name may hold spaces, so the quotes are the anchor."""

from __future__ import annotations

import re

from appliance.dahdi.alarms import Alarm, from_words, is_alarm
from appliance.dahdi.span import Channel, Span

_HEAD = re.compile(r'^Span (?P<number>\d+): (?P<name>.*?) "(?P<description>.*)"(?P<rest>.*)$')
_CHANNEL = re.compile(r"^\t\s*(?P<number>\d+) (?P<name>\S+)(?P<rest>.*)$")
_BRACKETS = re.compile(r"\([^)]*\)")
_NOT_SIGNALLING = frozenset({"Master", "Reserved"})


def parse_span(text: str) -> Span | None:
    """The span in `text`, whole or cut off; None when not even its first line is there."""
    lines = text.split("\n")
    head = _HEAD.match(lines[0])
    if head is None:
        return None
    words = _BRACKETS.sub(" ", head["rest"]).split()
    return Span(
        number=int(head["number"]),
        name=head["name"],
        description=head["description"],
        alarms=from_words(" ".join(words)),
        line_config=_line_config(words),
        is_master="(MASTER)" in head["rest"],
        channels=tuple(channel for line in lines[1:] if (channel := _parse_channel(line)) is not None),
    )


def head_alarms(line: str) -> Alarm | None:
    """The alarms in a span's first line alone; None when it is none. For looking often."""
    head = _HEAD.match(line)
    return None if head is None else from_words(_BRACKETS.sub(" ", head["rest"]))


def _line_config(words: list[str]) -> frozenset[str]:
    """The word with slashes that is not an alarm: `ESF/B8ZS` and `B8ZS/ESF` are the same."""
    return frozenset(
        part for word in words if "/" in word for part in word.split("/") if part and not is_alarm(part)
    )


def _parse_channel(line: str) -> Channel | None:
    found = _CHANNEL.match(line)
    if found is None:
        return None
    rest = _BRACKETS.sub(" ", found["rest"]).split()
    signalling = [word for word in rest if not is_alarm(word) and word not in _NOT_SIGNALLING]
    return Channel(
        number=int(found["number"]),
        name=found["name"],
        signalling=" ".join(signalling),
        in_use="(In use)" in found["rest"],
        alarms=from_words(" ".join(rest)),
    )
