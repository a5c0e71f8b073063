"""What a directory of DAHDI configuration asks of the hardware, as values with parsers that never raise.

Whether the text is valid is for dahdi_cfg to decide; here a line that cannot be understood asks for nothing.
Source: dahdi_cfg.c and the files that dahdi_genconf writes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from appliance.dahdi.span import parse_channels

# Keywords of system.conf that give channels a signalling. Other keywords that name channels (echocanceller,
# alaw, unused …) give them none.
_DATA = {"bchan", "indclear", "clear", "dchan", "hardhdlc", "rawhdlc", "nethdlc", "fcshdlc", "mtp2"}
_BITS = {"cas", "user", "dacs", "dacsrbs"}
# Keywords that end the section of the span line above, since analog ports have no span line. Source:
# chanconfig in dahdi_cfg.c.
_PLAIN = {"fxsls", "fxsgs", "fxsks", "fxols", "fxogs", "fxoks", "e&m", "e&me1"}
_SIGNALLINGS = _DATA | _BITS | _PLAIN
_NUMBER = re.compile(r"\d{1,4}", re.ASCII)
_BLOCK_COMMENT = re.compile(r";--(?!-).*?--;", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SpanLine:
    """A `span=` line of system.conf, with its words in lower case."""

    number: int
    framing: str = ""
    coding: str = ""
    options: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Use:
    """Channels and the signalling that the configuration gives them.

    `span` is the number of the span line above the entry in system.conf, or 0 when there is none.
    """

    signalling: str
    channels: tuple[int, ...]
    span: int = 0


@dataclass(frozen=True, slots=True)
class SystemConf:
    """The contents of system.conf.

    `dynamic` is the number of channels of its dynamic spans (TDMoE), which belong to no card of the node.
    """

    spans: tuple[SpanLine, ...] = ()
    uses: tuple[Use, ...] = ()
    dynamic: int = 0


@dataclass(frozen=True, slots=True)
class Configuration:
    """The contents of a whole DAHDI configuration directory.

    `files` holds the channel files by name; `modules` lists the drivers that the init script is to load.
    """

    system: SystemConf = SystemConf()
    files: Mapping[str, tuple[Use, ...]] = field(default_factory=dict)
    modules: tuple[str, ...] = ()

    @property
    def wants_hardware(self) -> bool:
        """True when the configuration names at least one span or channel."""
        return bool(self.system.spans or self.system.uses or self.system.dynamic or any(self.files.values()))


def parse_system_conf(text: str) -> SystemConf:
    """Return the spans, channel uses and dynamic channels that the text of a system.conf asks for."""
    spans: list[SpanLine] = []
    uses: list[Use] = []
    dynamic = current = 0
    for line in text.split("\n"):
        key, _, value = (part.strip().lower() for part in line.split("#")[0].partition("="))
        if key == "span" and (span := _span_line(value)) is not None:
            spans.append(span)
            current = span.number
        elif key == "dynamic":
            dynamic += _dynamic_channels(value)
            current = 0
        elif key in _SIGNALLINGS and (channels := parse_channels(value.split(":")[0])):
            current = 0 if key in _PLAIN else current
            uses.append(Use(key, channels, current))
    return SystemConf(tuple(spans), tuple(uses), dynamic)


def parse_channel_file(text: str) -> tuple[Use, ...]:
    """Return each `channel =>` entry of a chan_dahdi file, with the signalling last set before the entry."""
    uses: list[Use] = []
    signalling = ""
    for line in _BLOCK_COMMENT.sub("", text).split("\n"):
        words = line.split(";")[0].strip().lower()
        key, _, value = words.partition("=")
        key, value = key.strip(), value.removeprefix(">").strip()
        if words.startswith("["):
            signalling = ""
        elif key == "signalling":
            signalling = value
        elif key in ("channel", "channels", "dahdichan") and (channels := parse_channels(value)):
            uses.append(Use(signalling, channels))
    return tuple(uses)


def parse_modules(text: str) -> tuple[str, ...]:
    """Return the driver names in the text of the file `modules`, in the kernel's spelling (underscores).

    The file usually has one name a line, but the init script takes every word, so this parser does too.
    """
    words = (word for line in text.split("\n") for word in line.split("#")[0].split())
    return tuple(dict.fromkeys(word.replace("-", "_") for word in words))


def _span_line(value: str) -> SpanLine | None:
    number, _timing, _lbo, framing, coding, *options = [
        *(word.strip() for word in value.split(",")),
        *[""] * 5,
    ]
    if not _NUMBER.fullmatch(number):
        return None
    return SpanLine(int(number), framing, coding, frozenset(options) - {""})


def _dynamic_channels(value: str) -> int:
    """Return the number of channels in the value of a `dynamic=` line: `driver,address,channels,timing`."""
    words = [word.strip() for word in value.split(",")]
    return int(words[2]) if len(words) > 2 and _NUMBER.fullmatch(words[2]) else 0
