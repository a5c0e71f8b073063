"""Machines that are no node of this pair, and whose cluster engine's messages come to its nodes all the same.

Two pairs on one LAN whose engines share a UDP port hear each other: Heartbeat by broadcast, or when one of them has a
wrong address in its configuration. Neither is harmed while the names of the nodes differ. A machine that is a *copy* of
a node, with its name and the cluster's secret, is believed like that node. No engine can tell the two apart, so a pair
cannot be defended against it from inside; but somebody who looks at the wire sees two machines under one name, and a
person can be told which.

So each node overhears, every `LISTENED_EVERY` seconds for `LISTENS` seconds, what comes to the engine's port, and
judges by the senders' hardware addresses, names and lives (`strangers`). It does nothing but tell.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from appliance.core.engine_traits import ENGINE

LISTENS = 3.0
"""Seconds for which a node listens; Heartbeat sends every 2 s where nobody has set its keepalive."""

LISTENED_EVERY = 20.0
"""Seconds from the end of one such time to the beginning of the next."""

_MOST_TOLD = 3
_REMEDY = (
    "give one of the two clusters another HAUDPPORT on all its nodes, and see that its HAMEDIA names no address of "
    "this pair"
)
_COPY_REMEDY = (
    "stop the HA engine of the one that is not this pair's, a copy perhaps, and give it a name, a secret and an "
    "HAUDPPORT of its own before it is started again; then 'asha ha stop' on both nodes here, and 'asha ha start'"
)


@dataclass(frozen=True, slots=True)
class Sender:
    """The sender of an engine's message by its own words; `life` is another after each start of its engine.

    Both are "" where the messages cannot be read from outside.
    """

    name: str = ""
    life: str = ""


@dataclass(frozen=True, slots=True)
class Overheard:
    """A message that came to the engine's port: by its sender's words, and from which addresses."""

    sender: Sender
    mac: str
    ip: str


@dataclass(frozen=True, slots=True)
class PairOnWire:
    """What is known of the pair: the names of both nodes, this one's hardware addresses, and all addresses of HAMEDIA.

    Names are compared without regard to case.
    """

    own: str
    peer: str
    macs: Collection[str]
    addresses: Collection[str]


def strangers(heard: Collection[Overheard], pair: PairOnWire, port: int) -> tuple[str, ...]:
    """Return what is to be told of machines that are no node of `pair`, each with what ends it; `port`: HAUDPPORT."""
    others = [one for one in heard if one.mac not in pair.macs]
    return tuple(_told(others, pair, port))


def _told(heard: Collection[Overheard], pair: PairOnWire, port: int) -> Iterator[str]:
    if copies := sorted({one.ip for one in heard if _is(one, pair.own)}):
        yield (
            f"another machine sends {ENGINE} messages under this node's name, {pair.own}, so the pair cannot tell the "
            f"two apart, and both may serve (it is {_listed(copies)}): {_COPY_REMEDY}"
        )
    if copies := _copies([one for one in heard if _is(one, pair.peer)]):
        yield (
            f"two machines send {ENGINE} messages under the name {pair.peer}, so the pair cannot tell them apart, and "
            f"both may serve (they are {_listed(copies)}): {_COPY_REMEDY}"
        )
    if others := sorted({_described(one) for one in heard if _is_strange(one, pair)}):
        yield (
            f"{ENGINE} messages of a machine that is no node of this pair come to its UDP port {port} "
            f"({_listed(others)}): {_REMEDY}"
        )


def _is(one: Overheard, name: str) -> bool:
    return one.sender.name.lower() == name.lower() != ""


def _copies(under_one_name: Collection[Overheard]) -> list[str]:
    """Return the addresses of several machines under one name; none when they may be one with several interfaces.

    A machine's engine has one life at a time, and is heard from one interface by each path.
    """
    macs, lives = ({read(one) for one in under_one_name} for read in (_mac, _life))
    return sorted({one.ip for one in under_one_name}) if len(macs) > 1 and len(lives) > 1 else []


def _mac(one: Overheard) -> str:
    return one.mac


def _life(one: Overheard) -> str:
    return one.sender.life


def _is_strange(one: Overheard, pair: PairOnWire) -> bool:
    if one.sender.name:
        return not (_is(one, pair.own) or _is(one, pair.peer))
    return one.ip not in pair.addresses


def _described(one: Overheard) -> str:
    """Return its address, with the name that it gives, which is data."""
    name = "".join(each for each in one.sender.name[:64] if each.isalnum() or each in "-._")
    return f"{one.ip}, {name}" if name else one.ip


def _listed(found: Collection[str]) -> str:
    more = len(found) - _MOST_TOLD
    return "; ".join([*list(found)[:_MOST_TOLD], *([f"and {more} more"] if more > 0 else [])])
