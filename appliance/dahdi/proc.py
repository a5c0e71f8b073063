"""Parser for /proc/dahdi/N.

Source: docs/facts/dahdi.md and dahdi_seq_show. The name of a span may hold spaces, so the quotes around the
description are the anchor. Text that a driver or an old DAHDI prints and this parser does not understand is
kept (`Span.strange`), because it may be the very word that says that the line is dead.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from appliance.dahdi.alarms import from_words, is_alarm
from appliance.dahdi.span import LINE_CODES, Channel, Span

_HEAD = re.compile(r'^Span (?P<number>\d{1,9}): (?P<name>.*?) ?"(?P<description>.*)"(?P<rest>.*)$', re.ASCII)
_CHANNEL = re.compile(r"^\t\s*(?P<number>\d{1,9}) (?P<name>\S+)(?P<rest>.*)$", re.ASCII)
# Counters such as "BPV count: 3" and "IRQ misses: 2" tell how often something went wrong, not what is wrong
# now.
_COUNTER = re.compile(r"^\t[A-Za-z][\w -]*: \d+\s*$", re.ASCII)
_BRACKETS = re.compile(r"\([^)]*\)")
_NOT_SIGNALLING = frozenset({"Master", "Reserved"})
_HEAD_WORDS = frozenset({"ClockSource"})
_CUT_OFF = "the text ends in the middle of a line"


def parse_span(text: str) -> Span | None:
    """Return the span that `text` describes, whole or cut off; None when its first line is incomplete.

    A line without its newline is left out: half a line might have lost the very word that is the alarm.
    """
    first, end, body = text.partition("\n")
    head = _HEAD.match(first) if end else None
    if head is None:
        return None
    words = _BRACKETS.sub(" ", head["rest"]).split()
    channels, strange = _parse_body(body)
    return Span(
        number=int(head["number"]),
        name=head["name"],
        description=head["description"],
        alarms=from_words(" ".join(words)),
        line_config=frozenset(code for word in words if _is_line_config(word) for code in _codes(word)),
        is_master="(MASTER)" in head["rest"],
        channels=channels,
        strange=(*(word for word in words if not _is_head_word(word)), *strange),
    )


def _is_head_word(word: str) -> bool:
    return word in _HEAD_WORDS or _is_line_config(word) or all(map(is_alarm, _codes(word)))


def _is_line_config(word: str) -> bool:
    """Return True when `word` consists of line codes only, joined by slashes.

    `ESF/B8ZS` and `B8ZS/ESF` are the same. An E1 with CAS prints `HDB3` alone, since the kernel has no bit
    for CAS.
    """
    return bool(_codes(word)) and LINE_CODES.issuperset(_codes(word))


def _codes(word: str) -> list[str]:
    return [part for part in word.split("/") if part]


# Cached because the text does not change while the line is quiet, and is read again and again.
@functools.lru_cache(maxsize=128)
def _parse_body(text: str) -> tuple[tuple[Channel, ...], tuple[str, ...]]:
    """Return the channels, and the lines that are neither a channel nor a counter."""
    *lines, rest = text.split("\n")
    channels = [_parse_channel(line) for line in lines]
    strange = [line.strip() for line, found in zip(lines, channels, strict=True) if _is_strange(line, found)]
    cut_off = [_CUT_OFF] if rest else []
    return tuple(filter(None, channels)), (*strange, *cut_off)


def _is_strange(line: str, channel: Channel | None) -> bool:
    return channel is None and bool(line.strip()) and not _COUNTER.match(line)


def _parse_channel(line: str) -> Channel | None:
    found = _CHANNEL.match(line)
    if found is None:
        return None
    words = _BRACKETS.sub(" ", found["rest"]).split()
    return Channel(
        number=int(found["number"]),
        name=found["name"],
        signalling=_signalling(words),
        in_use="(In use)" in found["rest"],
        alarms=from_words(" ".join(words)),
    )


def _signalling(words: Iterable[str]) -> str:
    return " ".join(word for word in words if not is_alarm(word) and word not in _NOT_SIGNALLING)
