"""Declaration of a key of the conf file, in one place: the field of `Conf` that holds its value.

The field's default is the comment that stands above the key in the conf file, followed by the key itself:

    udp_port: int = Comment("UDP port of the HA engine's messages").key(
        "HAUDPPORT", PORT, 694, Group.HEARTBEAT, "695", tab=Tab(5, "HA UDP Port")
    )

The parser, the shipped file, the reference, the manual page, the High Availability tab and the list of keys
that a running engine holds fast follow from it (`schema`).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, NamedTuple, TypeVar

from appliance.config.quotes import QUOTES, in_quotes
from appliance.config.value_types import ValueType

T = TypeVar("T")


class Group(enum.Enum):
    """Group of keys that belong together, in the order people meet them."""

    PAIR = "The pair and its address"
    DATA = "Data kept in step"
    CARD = "The relay card"
    HEARTBEAT = "HA engine"
    WATCHING = "Watching and moving"
    PBX = "Asterisk"
    NOTIFY = "Being told"
    PANEL = "The panel"
    REST = "Everything else"


class Effect(enum.Enum):
    """Time at which a changed value takes effect, as people are told it behind the key's name."""

    ENGINE_OFF = "at once; it can be changed only while the HA engine is off."
    ENGINE_START = "when the HA engine is next started; stop and start it on both nodes."
    AGENT_START = "when the agent is restarted: service asha restart."
    PANEL_START = "when the panel is restarted: service asha-panel restart."
    AT_ONCE = "at once."


class Tab(NamedTuple):
    """Place of a key on the High Availability tab.

    Keys with a lower `place` come first, those with the same in file order. `first`: on the page the key is in
    the first group, as on the tab of asha 1.0.0-2, and not in the group of its own.
    """

    place: int
    label: str
    first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """Key of the conf file: where its value lives in `Conf`, how it is written, and what people are told.

    `may_be_off`: a blank value means "none"; for all other keys blank means the default. `slot`: this key is
    one element of a tuple field (OTHER1 to OTHER3 are `Conf.others`). `earlier`: its default where the file gives
    another key that has an `earlier` one: such keys belong together, and what a file says of one of them was
    written with these in mind. `original`: the key was in the conf file
    of asha 1.0.0-2. `per_node`: each node may have a value of its own.
    `tab`: None for a key that only root may set, in the file.
    """

    name: str
    field: str
    kind: ValueType[Any]
    default_value: Any
    group: Group
    comment: tuple[str, ...]
    example: str
    tab: Tab | None = None
    effect: Effect = Effect.AT_ONCE
    may_be_off: bool = False
    slot: int | None = None
    original: bool = False
    secret: bool = False
    per_node: bool = False
    earlier: Any = None

    @property
    def label(self) -> str:
        """The name by which the page calls this key."""
        return self.tab.label if self.tab else self.name

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
        return type(self.default_value)() if self.may_be_off else self.default_value

    @property
    def default(self) -> str:
        """The default as it is written in the file."""
        return self._text(self.default_value)

    def text(self, conf: object) -> str:
        """Return this key's value in the Conf `conf`, as it is written in the file, but without quotes."""
        return self._text(getattr(conf, self.field))

    def _text(self, value: Any) -> str:
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

    def shown(self, conf: object) -> str:
        """Return this key's value as `text` does, fit for a screen: a secret is not shown."""
        return self.hide(self.text(conf))

    def hide(self, text: str) -> str:
        """Return `text`, or a mark in its place when this key is a secret."""
        return "(hidden)" if self.secret and text else text


class Comment:
    """Comment on a key: the lines that stand above it in the conf file, and explain it everywhere else."""

    def __init__(self, *lines: str) -> None:
        self._lines = lines

    def key(
        self,
        name: str,
        kind: ValueType[T],
        default: T,
        group: Group,
        example: str,
        *,
        tab: Tab | None = None,
        effect: Effect = Effect.AT_ONCE,
        may_be_off: bool = False,
        original: bool = False,
        secret: bool = False,
        per_node: bool = False,
        earlier: T | None = None,
    ) -> T:
        """Return the dataclass field of the key `name`. See `Key` for the arguments."""
        key = partial(
            Key,
            name=name,
            kind=kind,
            default_value=default,
            group=group,
            comment=self._lines,
            example=example,
            tab=tab,
            effect=effect,
            may_be_off=may_be_off,
            original=original,
            secret=secret,
            per_node=per_node,
            earlier=earlier,
        )
        return field(default=default, repr=not secret, metadata={"keys": (key,)})

    def slots(
        self, examples: Mapping[str, str], kind: ValueType[T], group: Group, *, more: str, original: bool
    ) -> tuple[T, ...]:
        """Return the dataclass field of several keys with one value each, which is empty by default.

        `examples` has the keys' names. This comment is the first key's; the others have `more`.
        """
        keys = tuple(
            partial(
                Key,
                name=name,
                kind=kind,
                default_value=(),
                group=group,
                comment=(more,) if slot else self._lines,
                example=example,
                may_be_off=True,
                slot=slot,
                original=original,
            )
            for slot, (name, example) in enumerate(examples.items())
        )
        return field(default=(), metadata={"keys": keys})


def declared_keys(conf: type[Any]) -> tuple[Key, ...]:
    """Return the keys that the fields of the dataclass `conf` declare, in order."""
    return tuple(key(field=declared.name) for declared in fields(conf) for key in declared.metadata["keys"])
