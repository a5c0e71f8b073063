"""Spans as DAHDI numbers them, and the text of /proc/dahdi/N.

Source: docs/facts/dahdi.md, dahdi_seq_show.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hwsim.dahdi.cards import SpanCard

_FIRST_SLOT = 8


@dataclass(frozen=True, slots=True)
class TreeSpan:
    """Span `number` of a node: the `local`th of the card in `slot`.

    The card is the `of_model`th of its model.
    """

    number: int
    base: int
    card: SpanCard
    slot: int
    local: int
    of_model: int

    @property
    def name(self) -> str:
        """The span's NAME."""
        return self.card.span_name(self.local, self.of_model)

    @property
    def description(self) -> str:
        """The span's DESC."""
        return self.card.description(self.local, self.of_model)

    @property
    def is_master(self) -> bool:
        """True for the first span, which leads the timing, unless it is a Rhino analog card's."""
        return self.number == 1 and not (self.card.line == "ANALOG" and self.card.make == "Rhino")


def slots(cards: Sequence[SpanCard]) -> Iterator[tuple[int, SpanCard]]:
    """Return each card with its PCI slot."""
    return enumerate(cards, _FIRST_SLOT)


def number_spans(cards: Sequence[SpanCard]) -> Iterator[TreeSpan]:
    """Yield the spans of `cards` in the order of their slots, numbered from 1 without holes."""
    number = base = 1
    for slot, card in slots(cards):
        of_model = sum(other.model == card.model for other in cards[: slot - _FIRST_SLOT])
        for local in range(1, card.spans + 1):
            yield TreeSpan(number, base, card, slot, local, of_model)
            number += 1
            base += card.channels


def proc_text(span: TreeSpan, alarm: str, channel_alarm: str) -> str:
    """Return the text of /proc/dahdi/N.

    `alarm` is the span's alarm words, `channel_alarm` what its channels still (or again) show.
    """
    config = f" {span.card.line_config}" if span.card.line_config else ""
    master = " (MASTER)" if span.is_master else ""
    clock = "ClockSource " if span.is_master and span.card.raises_alarms else ""
    head = f'Span {span.number}: {span.name} "{span.description}"{master}{config} {_word(alarm)}{clock}\n\n'
    channels = range(1, span.card.channels + 1)
    return head + "".join(_channel_line(span, channel, channel_alarm) for channel in channels)


def sysfs_values(span: TreeSpan) -> dict[str, str]:
    """Return the files of span-N in sysfs, except its alarms."""
    card = span.card
    return {
        "name": span.name,
        "desc": span.description,
        "spantype": card.span_type,
        "local_spanno": str(span.local),
        "basechan": str(span.base),
        "channels": str(card.channels),
        "is_digital": str(int(card.line in ("T1", "E1"))),
        "is_sync_master": str(int(span.is_master)),
        "lineconfig": card.line_config,
        "lbo": "0",
        "linecompat": card.line_compat,
        "syncsrc": str(int(span.is_master)),
    }


def _channel_line(span: TreeSpan, channel: int, alarm: str) -> str:
    card = span.card
    name = card.channel_name(span.local, channel, span.of_model)
    signalling = card.signalling(channel)
    in_use = "(In use) " if signalling else ""
    alarm = "" if card.line == "ANALOG" and card.ports[channel - 1] != "FXO" else alarm
    echo = "(EC: MG2 - INACTIVE) " if signalling == "Clear" else ""
    return f"\t{span.base + channel - 1:4d} {name} {_word(signalling)}{in_use}{_word(alarm)}{echo}\n"


def _word(word: str) -> str:
    return f"{word} " if word else ""
