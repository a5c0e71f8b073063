"""Description of one key of the conf file."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from appliance.config.conf import Conf
from appliance.config.quotes import QUOTES, in_quotes
from appliance.config.value_types import ValueType


class Group(enum.Enum):
    """Group of keys that belong together, in the order people meet them."""

    PAIR = "The pair and its address"
    DATA = "Data kept in step"
    CARD = "The relay card"
    HEARTBEAT = "Heartbeat"
    WATCHING = "Watching and moving"
    PBX = "Asterisk"
    NOTIFY = "Being told"
    PANEL = "The panel"
    REST = "Everything else"


@dataclass(frozen=True, slots=True)
class Key:
    """Key of the conf file: where its value lives in `Conf`, how it is written, and what people are told.

    `may_be_off`: a blank value means "none"; for all other keys blank means the default. `slot`: this key is
    one element of a tuple field (OTHER1 to OTHER3 are `Conf.others`). `seed`: the key was in the asha 1.0.0-2
    conf file.
    """

    name: str
    field: str
    kind: ValueType
    group: Group
    comment: tuple[str, ...]
    example: str
    may_be_off: bool = False
    slot: int | None = None
    seed: bool = False
    secret: bool = False

    def parse(self, text: str) -> object:
        """Return the value of `text`, which has no quotes around it.

        Raises ValueError whose message says what would be right.
        """
        if not text:
            return self._blank()
        try:
            return self.kind.parse(text)
        except ValueError as problem:
            raise ValueError(str(problem) or self.kind.want) from None

    def _blank(self) -> object:
        if self.slot is not None:
            return ""
        default = getattr(Conf(), self.field)
        return type(default)() if self.may_be_off else default

    @property
    def default(self) -> str:
        """The default as it is written in the file; `Conf` is its only source."""
        return self.text(Conf())

    def text(self, conf: Conf) -> str:
        """Return this key's value in `conf`, as it is written in the file, but without quotes."""
        value: Any = getattr(conf, self.field)
        if self.slot is not None:
            value = value[self.slot] if self.slot < len(value) else ""
        return self.kind.render(value) if value != "" else ""

    def written(self, value: str, quote: str = "") -> str:
        """Return `value` as it stands behind `KEY=`, in the quotes `quote`.

        Without `quote` the value is written bare, unless a bare value would be read differently; then it gets
        quotes.
        """
        if not quote and (value[:1] in QUOTES or value != value.strip() or self.kind.bare(value)):
            quote = "'"
        return in_quotes(value, quote)

    def shown(self, conf: Conf) -> str:
        """Return this key's value as `text` does, fit for a screen: a secret is not shown."""
        return self.hide(self.text(conf))

    def hide(self, text: str) -> str:
        """Return `text`, or a mark in its place when this key is a secret."""
        return "(hidden)" if self.secret and text else text
