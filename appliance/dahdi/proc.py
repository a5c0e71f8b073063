"""/proc/dahdi/N. Source: facts/dahdi and dahdi_seq_show; the name may hold spaces, so the quotes are the anchor."""

from __future__ import annotations

import re

from appliance.dahdi.alarms import from_words, is_alarm
from appliance.dahdi.span import Channel, Span

_HEAD = re.compile(r'^Span (?P<number>\d{1,9}): (?P<name>.*?) ?"(?P<description>.*)"(?P<rest>.*)$', re.ASCII)
_CHANNEL = re.compile(r"^\t\s*(?P<number>\d{1,9}) (?P<name>\S+)(?P<rest>.*)$", re.ASCII)
_BRACKETS = re.compile(r"\([^)]*\)")
_NOT_SIGNALLING = frozenset({"Master", "Reserved"})


def parse_span(text: str) -> Span | None:
    """The span in `text`, whole or cut off; None when not even its first line is whole.

    A line without its end is left out: half a line might have lost the very word that is the alarm.
    """
    return _parse(text, with_channels=True)


def parse_head(text: str) -> Span | None:
    """The span of the first line alone, without its channels: for looking often. None as above.

    A span that has no line coding is analog, dynamic or not yet configured: its channels are read all the same,
    since only they can tell.
    """
    head = _parse(text, with_channels=False)
    return head if head is None or head.line_config else parse_span(text)


def _parse(text: str, *, with_channels: bool) -> Span | None:
    first, end, rest_of_file = text.partition("\n")
    head = _HEAD.match(first) if end else None
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
        channels=_channels(rest_of_file) if with_channels else (),
    )


def _line_config(words: list[str]) -> frozenset[str]:
    """The word with slashes that is not an alarm: `ESF/B8ZS` and `B8ZS/ESF` are the same."""
    return frozenset(
        part for word in words if "/" in word for part in word.split("/") if part and not is_alarm(part)
    )


def _channels(text: str) -> tuple[Channel, ...]:
    whole_lines = text.split("\n")[:-1]
    return tuple(channel for line in whole_lines if (channel := _parse_channel(line)) is not None)


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
