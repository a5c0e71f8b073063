"""The status document: everything a node knows of itself and its peer, as values with names and types.

The agent makes one `Status` for whoever asks; `to_json` is how it travels over the control socket and what
`asha status --json` and the page's API print, and `from_json` is how the command line and the page read it. The names
of the fields are the keys of the JSON, so a key that is renamed here is renamed for users: that needs a line in the
changelog and a reader of the old one.

A key that is missing, as from an older agent, takes its default, which says nothing (core/as_json.py).
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from appliance.core.as_json import read_as
from appliance.core.held_back import HeldBack
from appliance.core.stray import Strays

T_co = TypeVar("T_co", covariant=True)
NOT_SET_UP = "not set up"


@dataclass(frozen=True, slots=True)
class StatusValue(Generic[T_co]):
    """Something that may be unknown: its `value`, or None. `why`: what is behind the value, or why it is unknown."""

    value: T_co | None = None
    why: str = "it was not said"


def _unsaid() -> StatusValue[Any]:
    return StatusValue()


def _empty() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class NodeNames:
    """The host names of the two nodes, as the conf file has them."""

    primary: str = ""
    secondary: str = ""

    def of(self, node: str) -> str:
        """Return the name of the `primary` or the `secondary`; "" for anything else."""
        return {"primary": self.primary, "secondary": self.secondary}.get(node, "")


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """The cluster engine of this node.

    `holds`: its own word for what this node holds. `waits_another`: for how many seconds more it waits for the peer
    before this node goes on alone; None when it does not wait.
    """

    running: StatusValue[bool] = field(default_factory=_unsaid)
    holds: StatusValue[str] = field(default_factory=_unsaid)
    waits_another: float | None = None


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """The other node: what the engine says of it (`alive`, `links`), and what its agent has told of itself.

    `heard`: seconds since its agent spoke. `data_age`: seconds since that node last had all of this node's data.
    `hears_us`: that node hears this one, and `deaf_links`: the links over which it does not, by its own word.
    """

    node: str = ""
    name: str = ""
    alive: StatusValue[bool] = field(default_factory=_unsaid)
    fit: StatusValue[bool] = field(default_factory=_unsaid)
    unfit_because: str = ""
    granted: StatusValue[bool] = field(default_factory=_unsaid)
    role: str = ""
    line: StatusValue[str] = field(default_factory=_unsaid)
    relay: StatusValue[str] = field(default_factory=_unsaid)
    lan: StatusValue[bool] = field(default_factory=_unsaid)
    calls: StatusValue[bool] = field(default_factory=_unsaid)
    maintenance: bool | None = None
    generation: int = 0
    version: str = ""
    data_age: float | None = None
    heard: float | None = None
    links: Mapping[str, str] = field(default_factory=_empty)
    hears_us: StatusValue[bool] = field(default_factory=_unsaid)
    deaf_links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AddressStatus:
    """The cluster address. `duplicate`: the hardware address of another machine that has it too.

    `trouble`: why a node that serves has it not, and what is done about that; "" when nothing is wrong. `put_back`: for
    how many seconds it has been here again after it was taken away in this service; None when it was not.
    """

    ip: str = ""
    here: StatusValue[bool] = field(default_factory=_unsaid)
    duplicate: str = ""
    trouble: str = ""
    put_back: float | None = None


@dataclass(frozen=True, slots=True)
class LanStatus:
    """The LAN. `reached`: this node reaches it. `calls`: seen from here, a telephone could call the cluster address.

    `ip`: this node's own address there, "" when it has none.
    """

    device: str = ""
    ip: str = ""
    reached: StatusValue[bool] = field(default_factory=_unsaid)
    calls: StatusValue[bool] = field(default_factory=_unsaid)


@dataclass(frozen=True, slots=True)
class RelayStatus:
    """The relay card. `card`: it is there; None on a node that has none. `commanded`: what it was told last."""

    card: StatusValue[bool] | None = None
    place: str = ""
    commanded: StatusValue[str] | None = None


@dataclass(frozen=True, slots=True)
class SpanStatus:
    """One DAHDI span. `in_use`: how many of its channels a program has open."""

    number: int
    name: str = ""
    kind: str = ""
    alarms: tuple[str, ...] = ()
    line: str = ""
    channels: int = 0
    in_use: int = 0


@dataclass(frozen=True, slots=True)
class ProbeStatus:
    """One way of asking Asterisk. `ms`: milliseconds of its last answer. `silences`: questions in a row without one."""

    ms: float | None = None
    silences: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class PbxStatus:
    """Asterisk. `silent`: the probes that get no answer."""

    state: StatusValue[str] = field(default_factory=_unsaid)
    pid: int | None = None
    silent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TransferStatus:
    """The transfer of service under way, or the last one. `began`, `since`: seconds ago; `since` that of its phase."""

    goal: str
    phase: str
    note: str = ""
    reason: str = ""
    generation: int = 0
    began: float = 0.0
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class PairFaultStatus:
    """Something wrong with the pair as a whole (docs/pair-states.md).

    `fault`: its name. `since`: for how many seconds it is there. `tried`: how often this node has tried to end it.
    `overdue`: it has outlasted its bound. `says`, `todo`: what it is, and what to do when it stays.
    """

    fault: str
    since: float = 0.0
    tried: int = 0
    overdue: bool = False
    says: str = ""
    todo: str = ""


@dataclass(frozen=True, slots=True)
class DataStatus:
    """The data that both nodes are to have.

    `duty`: what the agent has done about them now, and `why`, which is a note and no problem (HASYNCH=LOOSE, say).
    `age`: seconds since this node was last known to have all of the peer's data; `stale` when that is too long ago.
    `problem` and `kind`: why they do not follow. `phase`, `done`, `total`: how far a pass is that runs now.
    `served`: the mark of data that only this node has is on its disk. `newer`: this node stands by and has such data,
    so nothing is fetched over it. `peer_newer`: the peer has such data. `held_back`: what is left out of the passes,
    the first hundred of it; `held_back_more`: how many more there are.
    """

    duty: str = "none"
    why: str = ""
    age: float | None = None
    stale: bool = False
    generation: int = 0
    problem: str = ""
    kind: str = ""
    unsettled: str = ""
    warnings: tuple[str, ...] = ()
    telephony: str = ""
    postsync: str = ""
    phase: str = ""
    done: int = 0
    total: int = 0
    served: bool = False
    newer: bool = False
    peer_newer: bool = False
    conflicts: int = 0
    held_back: tuple[HeldBack, ...] = ()
    held_back_more: int = 0


@dataclass(frozen=True, slots=True)
class MaintenanceStatus:
    """Maintenance that lasts: until when in seconds since the epoch, the seconds `left` of it, who asked, and why."""

    until: float
    left: float
    by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class PermitStatus:
    """Whether an operator may give a command now; `says`: what would come of it, or why not."""

    allowed: bool = False
    says: str = ""


@dataclass(frozen=True, slots=True)
class DrillStatus:
    """The drill under way or the last one that was held: a value of `core.drill.Outcome`, when, and what it came to.

    `at`: seconds since the epoch. `failed`: it did not come back, or was slower than its bound. `skipped`: why the last
    scheduled one was not held, when that is newer. `lines`: what was said of the one under way so far.
    """

    outcome: str = ""
    at: float = 0.0
    says: str = ""
    failed: bool = False
    skipped: str = ""
    running: bool = False
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AgentUsage:
    """The agent's use of the machine: processor seconds, memory in bytes, and for how many seconds it is `up`."""

    cpu: float = 0.0
    memory: int = 0
    up: float = 0.0


@dataclass(frozen=True, slots=True)
class NotifyStatus:
    """How alerts go out. `waiting`: how many wait, None when nobody has looked yet. `problems`: by the way out."""

    waiting: int | None = None
    problems: Mapping[str, str] = field(default_factory=_empty)


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A command that the agent runs for the page, or the last one: when it began (epoch seconds), how long it took."""

    name: str
    state: str = ""
    lines: tuple[str, ...] = ()
    began: float = 0.0
    took: float | None = None


@dataclass(frozen=True, slots=True, order=True)
class FileTrouble:
    """What is wrong with the file or directory at `path` of asha's own, in a sentence."""

    path: str
    says: str


@dataclass(frozen=True, slots=True)
class Status:
    """The whole document. Times are seconds ago.

    `headline`: the state in one sentence. `problems`: what somebody is to see to, each in a sentence. `trouble`: what a
    node that serves is about to act on, or can do nothing about. `ungranted`: Asterisk runs here without a grant,
    and `strays` what has started it, and how often asha has ended one lately. `misnamed`: why this machine's name is
    not that by which the engine knows it. `line` and `spans` are None where there is no line to move. `pair`: what is
    wrong with both nodes as one. `busy`: the orders under way. `permits`: by command.
    """

    version: str = ""
    node: str = ""
    names: NodeNames = field(default_factory=NodeNames)
    set_up: bool = True
    job: JobStatus | None = None
    files: tuple[FileTrouble, ...] = ()
    role: str = NOT_SET_UP
    headline: str = ""
    granted: bool = False
    generation: int = 0
    fit: bool = False
    unfit_because: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    trouble: str = ""
    ungranted: bool = False
    strays: Strays = field(default_factory=Strays)
    misnamed: str = ""
    engine: EngineStatus = field(default_factory=EngineStatus)
    peer: PeerStatus = field(default_factory=PeerStatus)
    address: AddressStatus = field(default_factory=AddressStatus)
    lan: LanStatus = field(default_factory=LanStatus)
    relay: RelayStatus = field(default_factory=RelayStatus)
    line: StatusValue[str] | None = None
    dchannel: StatusValue[str] = field(default_factory=_unsaid)
    spans: StatusValue[tuple[SpanStatus, ...]] | None = None
    probes: Mapping[str, ProbeStatus] = field(default_factory=_empty)
    pbx: PbxStatus = field(default_factory=PbxStatus)
    transfer: TransferStatus | None = None
    busy: tuple[str, ...] = ()
    maintenance: MaintenanceStatus | None = None
    data: DataStatus = field(default_factory=DataStatus)
    pair: tuple[PairFaultStatus, ...] = ()
    permits: Mapping[str, PermitStatus] = field(default_factory=_empty)
    agent: AgentUsage | None = None
    notify: NotifyStatus = field(default_factory=NotifyStatus)
    drill: DrillStatus | None = None

    def permit(self, command: str) -> PermitStatus:
        """Return whether `command` may be given; one that this node does not know may not."""
        return self.permits.get(command, PermitStatus(False, "this node's agent does not know it"))

    def with_problems(self, found: typing.Iterable[str]) -> Status:
        """Return the status with `found` behind its problems."""
        return dataclasses.replace(self, problems=(*self.problems, *found))


def from_json(document: object) -> Status:
    """Read what `to_json` has made of a Status, by this version or another. Raises ValueError when it is none."""
    if not isinstance(document, Mapping) or "role" not in document:
        raise ValueError("it is no status document")
    return read_as(Status, document)
