"""The status document: everything a node knows of itself and its peer, as values with names and types.

The agent makes one `Status` for whoever asks; `to_json` is how it travels over the control socket and what
`asha status --json` and the page's API print, and `from_json` is how the command line and the page read it. The names
of the fields are the keys of the JSON, so a key that is renamed here is renamed for users: that needs a line in the
changelog and a reader of the old one.

A key that is missing, as from an older agent, takes its default, which says nothing (core/as_json.py).

The values are named tuples, because every `asha status` makes these classes anew: as frozen dataclasses they took a
quarter of its time (docs/adr/0019-the-status-is-a-type.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar

from appliance.core.as_json import read_as
from appliance.core.engine_traits import ENGINE
from appliance.core.held_back import HeldBack
from appliance.core.stray import Strays

T_co = TypeVar("T_co", covariant=True)
NOT_SET_UP = "not set up"


class StatusValue(NamedTuple, Generic[T_co]):
    """Something that may be unknown: its `value`, or None. `why`: what is behind the value, or why it is unknown."""

    value: T_co | None = None
    why: str = "it was not said"


ONE_PATH = "one path only: a cut cable makes both nodes active"
"""What is said of an engine that has a single link."""

_UNSAID: StatusValue[Any] = StatusValue()
_EMPTY: Mapping[str, Any] = MappingProxyType({})


class NodeNames(NamedTuple):
    """The host names of the two nodes, as the conf file has them."""

    primary: str = ""
    secondary: str = ""

    def of(self, node: str) -> str:
        """Return the name of the `primary` or the `secondary`; "" for anything else."""
        return {"primary": self.primary, "secondary": self.secondary}.get(node, "")


class EngineStatus(NamedTuple):
    """The cluster engine of this node.

    `holds`: its own word for what this node holds. `waits_another`: for how many seconds more it waits for the peer
    before this node goes on alone; None when it does not wait. `lost`: it ended, and no operator had stopped it.
    `drops_requests`: for how many minutes more, at most, the engine of either node drops requests to move service.
    `title`: its name for people, which stands there when the document leaves the agent.
    `troubles`: what keeps it from doing its work.
    """

    running: StatusValue[bool] = _UNSAID
    holds: StatusValue[str] = _UNSAID
    waits_another: float | None = None
    lost: bool = False
    drops_requests: int = 0
    title: str = ENGINE
    troubles: tuple[str, ...] = ()


class PeerStatus(NamedTuple):
    """The other node: what the engine says of it (`alive`, `links`), and what its agent has told of itself.

    `heard`: seconds since its agent spoke. `data_age`: seconds since that node last had all of this node's data.
    `doubts`: why it is not known to be ready, though it is fit.
    `hears_us`: that node hears this one, and `deaf_links`: the links over which it does not, by its own word.
    """

    node: str = ""
    name: str = ""
    alive: StatusValue[bool] = _UNSAID
    fit: StatusValue[bool] = _UNSAID
    unfit_because: str = ""
    doubts: str = ""
    granted: StatusValue[bool] = _UNSAID
    role: str = ""
    line: StatusValue[str] = _UNSAID
    relay: StatusValue[str] = _UNSAID
    lan: StatusValue[bool] = _UNSAID
    calls: StatusValue[bool] = _UNSAID
    maintenance: bool | None = None
    generation: int = 0
    version: str = ""
    data_age: float | None = None
    heard: float | None = None
    links: Mapping[str, str] = _EMPTY
    hears_us: StatusValue[bool] = _UNSAID
    deaf_links: tuple[str, ...] = ()

    @property
    def links_down(self) -> tuple[str, ...]:
        """The engine's links that are not up, by name."""
        return tuple(sorted(name for name, state in self.links.items() if state != "up"))

    @property
    def links_say(self) -> str:
        """How the engine's links are, and what a single one means."""
        if not self.links:
            return "none seen yet"
        down, many = self.links_down, len(self.links)
        if down:
            return f"{many - len(down)} of {many} up; down: {', '.join(down)}"
        alone = f" ({ONE_PATH})" if many == 1 else ""
        return f"{many} of {many} up: {', '.join(sorted(self.links))}{alone}"


class AddressStatus(NamedTuple):
    """The cluster address. `duplicate`: the hardware address of another machine that has it too.

    `trouble`: why a node that serves has it not, and what is done about that; "" when nothing is wrong. `put_back`: for
    how many seconds it has been here again after it was taken away in this service; None when it was not.
    """

    ip: str = ""
    here: StatusValue[bool] = _UNSAID
    duplicate: str = ""
    trouble: str = ""
    put_back: float | None = None


class LanStatus(NamedTuple):
    """The LAN. `reached`: this node reaches it. `calls`: seen from here, a telephone could call the cluster address.

    `ip`: this node's own address there, "" when it has none.
    """

    device: str = ""
    ip: str = ""
    reached: StatusValue[bool] = _UNSAID
    calls: StatusValue[bool] = _UNSAID


class RelayStatus(NamedTuple):
    """The relay card. `card`: it is there; None on a node that has none. `commanded`: what it was told last.

    `driver`: by what it is driven, `title`: what that drives, and `evidence`: how well its language is known:
    documented, inferred or assumed. `register`: what the device says of its own relays, which is no proof of where the
    line is; None where it cannot be asked. `asked`: seconds since it was asked. `put_right`: how often it was commanded
    again lately because of what it said, and `trouble`: what that tells people (see `core/relay_position.py`).
    """

    card: StatusValue[bool] | None = None
    place: str = ""
    commanded: StatusValue[str] | None = None
    driver: str = ""
    title: str = ""
    evidence: str = ""
    register: StatusValue[str] | None = None
    asked: float | None = None
    put_right: int = 0
    trouble: str = ""


class SpanStatus(NamedTuple):
    """One DAHDI span. `in_use`: how many of its channels a program has open."""

    number: int
    name: str = ""
    kind: str = ""
    alarms: tuple[str, ...] = ()
    line: str = ""
    channels: int = 0
    in_use: int = 0


class ProbeStatus(NamedTuple):
    """One way of asking Asterisk. `ms`: milliseconds of its last answer. `silences`: questions in a row without one."""

    ms: float | None = None
    silences: int = 0
    why: str = ""


class PbxStatus(NamedTuple):
    """Asterisk. `silent`: the probes that get no answer.

    `kept_off`: why it is not asked by SIP though it lives; "" when it is asked.
    """

    state: StatusValue[str] = _UNSAID
    pid: int | None = None
    silent: tuple[str, ...] = ()
    kept_off: str = ""


class TransferStatus(NamedTuple):
    """The transfer of service under way, or the last one. `began`, `since`: seconds ago; `since` that of its phase."""

    goal: str
    phase: str
    note: str = ""
    reason: str = ""
    generation: int = 0
    began: float = 0.0
    since: float = 0.0


class PairFaultStatus(NamedTuple):
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


class MovesStatus(NamedTuple):
    """How often service has moved within an hour, as this node counts, and nobody has acknowledged it.

    `within_hour`: how often. `limit`: MOVELIMIT, 0 for none. `held`: the limit is reached, so that service moves by
    itself only in need. `says`: that as a sentence with what ends it; "" when it is not so. `failback_wait`: for how
    many seconds this node must be fit before it takes service back by itself (HAAUTOFAILBACK).
    """

    within_hour: int = 0
    limit: int = 0
    held: bool = False
    says: str = ""
    failback_wait: float = 0.0


class DataStatus(NamedTuple):
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


class MaintenanceStatus(NamedTuple):
    """Maintenance that lasts: until when in seconds since the epoch, the seconds `left` of it, who asked, and why."""

    until: float
    left: float
    by: str = ""
    why: str = ""


class PermitStatus(NamedTuple):
    """Whether an operator may give a command now; `says`: what would come of it, or why not."""

    allowed: bool = False
    says: str = ""


class DrillStatus(NamedTuple):
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


class AgentUsage(NamedTuple):
    """The agent's use of the machine: processor seconds, memory in bytes, and for how many seconds it is `up`."""

    cpu: float = 0.0
    memory: int = 0
    up: float = 0.0


class NotifyStatus(NamedTuple):
    """How alerts go out. `waiting`: how many wait, None when nobody has looked yet. `problems`: by the way out."""

    waiting: int | None = None
    problems: Mapping[str, str] = _EMPTY


class JobStatus(NamedTuple):
    """A command that the agent runs for the page, or the last one: when it began (epoch seconds), how long it took."""

    name: str
    state: str = ""
    lines: tuple[str, ...] = ()
    began: float = 0.0
    took: float | None = None


class FileTrouble(NamedTuple):
    """What is wrong with the file or directory at `path` of asha's own, in a sentence."""

    path: str
    says: str


class StateStatus(NamedTuple):
    """The state of the pair (core/pair_state.py): its `name`, and `says`, it in a sentence with what stands behind it.

    `health`: the exit code that reports it to a program.
    """

    name: str = "not known"
    says: str = "Not known how the pair is: the agent is of an older version, which does not say."
    health: int = 3


class Status(NamedTuple):
    """The whole document. Times are seconds ago.

    `state`: how the pair is. `headline`: what this node does, in one sentence. `unfit_because`: why this node could not
    serve; `doubts`: why it is not known to be ready, though it could. `problems`: what somebody is to see to, each in a
    sentence. `hints`: what should be set right while the pair is well, such as that nobody would be told of a failover;
    they make no pair degraded. `trouble`: what a node that serves is about to act on, or can do nothing about.
    `ungranted`: Asterisk runs here without a grant, and `strays` what has started it, and how often asha has ended one
    lately. `misnamed`: why this machine's name is not that by which the engine knows it. `line` and `spans` are None
    where there is no line to move. `pair`: what is wrong with both nodes as one. `busy`: the orders under way.
    `permits`: by command.
    """

    version: str = ""
    node: str = ""
    names: NodeNames = NodeNames()
    set_up: bool = True
    job: JobStatus | None = None
    files: tuple[FileTrouble, ...] = ()
    state: StateStatus = StateStatus()
    role: str = NOT_SET_UP
    headline: str = ""
    granted: bool = False
    generation: int = 0
    fit: bool = False
    unfit_because: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    trouble: str = ""
    ungranted: bool = False
    strays: Strays = Strays()
    misnamed: str = ""
    engine: EngineStatus = EngineStatus()
    peer: PeerStatus = PeerStatus()
    address: AddressStatus = AddressStatus()
    lan: LanStatus = LanStatus()
    relay: RelayStatus = RelayStatus()
    line: StatusValue[str] | None = None
    dchannel: StatusValue[str] = _UNSAID
    spans: StatusValue[tuple[SpanStatus, ...]] | None = None
    probes: Mapping[str, ProbeStatus] = _EMPTY
    pbx: PbxStatus = PbxStatus()
    transfer: TransferStatus | None = None
    busy: tuple[str, ...] = ()
    maintenance: MaintenanceStatus | None = None
    data: DataStatus = DataStatus()
    pair: tuple[PairFaultStatus, ...] = ()
    moves: MovesStatus = MovesStatus()
    permits: Mapping[str, PermitStatus] = _EMPTY
    agent: AgentUsage | None = None
    notify: NotifyStatus = NotifyStatus()
    drill: DrillStatus | None = None

    def permit(self, command: str) -> PermitStatus:
        """Return whether `command` may be given; one that this node does not know may not."""
        return self.permits.get(command, PermitStatus(False, "this node's agent does not know it"))

    def with_problems(self, found: Iterable[str]) -> Status:
        """Return the status with `found` behind its problems."""
        return self._replace(problems=(*self.problems, *found))


def from_json(document: object) -> Status:
    """Read what `to_json` has made of a Status, by this version or another. Raises ValueError when it is none."""
    if not isinstance(document, Mapping) or "role" not in document:
        raise ValueError("it is no status document")
    return read_as(Status, document)
