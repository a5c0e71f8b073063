"""How long each kind of failover may take at the most: a table of named phases, each a sum of figures with a source.

The table is data, and nothing else knows a worst case: `asha bound` prints it with a site's values, docs/bound.md is
made from it with the default ones, and `asha drill` compares with it what was measured. The property tests play each
kind in virtual time and hold every time that is seen against the same table.

What is assumed: one fault at a time, on a pair at rest. Both nodes are up and fit, this node has not handed over
within the last ten minutes, and no disk hangs. After several moves MOVEDWELL holds the next one up on purpose
(core/decide.py). A phase that has a deadline in the conf file and does not keep it is told as blocked, by both nodes.

A phase begins when the one above it has ended, with one exception: to the secondary the line falls by itself as soon
as the primary's relay lets go, so that the driver's settle time runs beside everything else.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from appliance.core import timing
from appliance.core.engine_requests import ENGINE_SETTLES, STANDBY_AGAIN, STANDBY_GIVEN_UP
from appliance.core.engine_traits import ENGINE
from appliance.core.health import CONSOLE_EVERY, SIP_ALONE, SIP_ALONE_WORKING, WORKING
from appliance.core.model import Node
from appliance.core.timing import FENCE_DWELL, IDLE_PERIOD, TimingPolicy
from appliance.core.transfer import Witness


@dataclass(frozen=True, slots=True)
class BoundInputs:
    """What of a site the bounds depend on.

    `sockets`: Asterisk is probed through AMI or SIP too, and not by its console alone. `follows_line`: service goes
    where the line has gone (HALINEFAIL=FAILOVER). `fences`: HAFENCE names a command. `fence_wait`: HAFENCEWAIT,
    seconds.
    """

    timing: TimingPolicy
    witness: Witness
    has_line: bool
    sockets: bool
    follows_line: bool = True
    fences: bool = False
    fence_wait: float = 20.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a sum: `formula` in words, its seconds at a site, and `source`, where it comes from."""

    formula: str
    seconds: Callable[[BoundInputs], float]
    source: str


_CONF = "conf file"
_HEARTBEAT = "docs/facts/heartbeat.md"
_LINE_FACTS = "docs/facts/pri-timing.md"
_OWN = "asha"


def _key(name: str, value: Callable[[TimingPolicy], float]) -> Figure:
    return Figure(name, lambda site: value(site.timing), _CONF)


def _own(what: str, seconds: float) -> Figure:
    return Figure(what, lambda site: seconds, _OWN)


def _measured(what: str, seconds: float) -> Figure:
    return Figure(what, lambda site: seconds, _HEARTBEAT)


def _rounds(site: BoundInputs) -> float:
    """Return how long the quiet console may not have been asked when it is the only probe."""
    return 0.0 if site.sockets else CONSOLE_EVERY * site.timing.probe_period


def _witness(site: BoundInputs) -> float:
    waits = {Witness.PREFER: site.timing.witness_wait, Witness.REQUIRE: site.timing.line_deadline}
    return waits.get(site.witness, 0.0) if site.has_line else 0.0


_PROCESS_LOOK = _own("a look at the process, where the kernel does not tell", timing.PROCESS_LOOK)
_ENGINE_LOOK = _own(f"a look at {ENGINE}, when the kernel has not told", timing.ENGINE_LOOK)
_LINE_LOOK = _own("a look at the spans", timing.LINE_LOOK)
_RED = Figure("the span's driver raises RED", lambda site: timing.RED_RAISED, _LINE_FACTS)
_TURN = _own("a turn of the controller", IDLE_PERIOD)
_TOLD = _own("a message of the other node's agent", timing.PEER_MESSAGE_PERIOD)
_SETTLED = _own(f"{ENGINE} is not asked sooner after its last move", ENGINE_SETTLES)
_ASKED_AGAIN = _own("a request that was lost is made again", STANDBY_AGAIN)
_GIVEN_UP = _own("nobody took over", STANDBY_GIVEN_UP)
_BEFORE_TAKEOVER = _own(f"{ENGINE} is not asked sooner after its last move", 2 * ENGINE_SETTLES)
_KILLED = _own("a killed process ends", timing.KILL_PATIENCE)
_RESPAWNED = _own("init starts the agent again, and it has looked", timing.AGENT_BACK)
_CONSOLE_QUIET = Figure(f"{CONSOLE_EVERY} * PROBEPERIOD, when only the console is probed", _rounds, _CONF)
_SILENT_ROUNDS = _key("PROBEFALL * PROBEPERIOD", lambda t: t.fall * t.probe_period)
_SILENT_SIP = _key(
    f"{SIP_ALONE_WORKING} * PROBEFALL * PROBEPERIOD", lambda t: SIP_ALONE_WORKING * t.fall * t.probe_period
)
_ANSWERS_LATE = _key("2 * PROBEDEADLINE", lambda t: 2 * t.probe_deadline)
_DEADTIME = _key("HADEADTIME", lambda t: t.deadtime)
_KEEPALIVE = _key("HAKEEPALIVE", lambda t: t.keepalive)
_TICK = _key("min(HAKEEPALIVE, 0.5 s)", lambda t: t.tick)
_TICKS = _key("3 * min(HAKEEPALIVE, 0.5 s)", lambda t: 3 * t.tick)
_LAG = _measured("a death is noticed late", timing.ENGINE_LAG)
_SCRIPTS = _measured(f"{ENGINE}'s scripts", timing.ENGINE_SCRIPTS)
_CARD = _key("CARDDEADLINE", lambda t: t.card_deadline)
_PBX_STOPS = _key("PBXSTOPDEADLINE", lambda t: t.pbx_stop_deadline)
_PBX_STARTS = _key("PBXSTARTDEADLINE", lambda t: t.pbx_start_deadline)
_LAN_DWELL = _key("LANDWELL", lambda t: t.lan_dwell)
_LAN_SILENT = Figure(
    f"PROBEFALL rounds of {timing.LAN_ROUND:g} s, when no carrier is lost and HAPING names hosts",
    lambda site: site.timing.fall * timing.LAN_ROUND,
    _CONF,
)
_LAN_LOOK = _own(
    "a round in which the hosts are asked, and one in which the dwell is over", 2 * timing.LAN_ROUND
)
_LINE_DWELL = _key("LINEDWELL", lambda t: t.line_dwell)
_LINE_CLEARS = _key("LINEDEADLINE", lambda t: t.line_deadline)
_LINKS = _key("DCHANNELDEADLINE", lambda t: t.dchannel_deadline)
_LINK_SEEN = _key(f"max(PROBEDEADLINE, {timing.UNHURRIED:g} s)", lambda t: timing.unhurried(t.probe_deadline))
_LINK_LOOK = _own("a look at the D-channel", timing.DCHANNEL_LOOK)
_MERGE = _key("MERGEDEADLINE", lambda t: t.merge_deadline)
_WITNESS = Figure("HAWITNESSWAIT with HAWITNESS=PREFER, LINEDEADLINE with REQUIRE", _witness, _CONF)

_LAN_ROUND = _own(
    "a round of the LAN, after which nobody is taken to serve at an address that is here", timing.LAN_ROUND
)
_FENCE_DWELL = _own("all of it has stood", FENCE_DWELL)
_FENCE_WAIT = Figure(
    "HAFENCEWAIT, in which a primary that lives would have cut", lambda site: site.fence_wait, _CONF
)
_FENCE_ENDS = Figure("HAFENCEWAIT, the command's deadline", lambda site: site.fence_wait, _CONF)

_Sum = tuple[Figure, ...]
_LINK_UP: _Sum = (_LINKS, _LINK_LOOK, _LINK_SEEN)
_SILENCE: _Sum = (_DEADTIME, _KEEPALIVE, _TICK, _LAG)
_FENCED: _Sum = (_LAN_ROUND, _FENCE_DWELL, _FENCE_WAIT, _TURN, _FENCE_ENDS)


class BoundPhase(enum.Enum):
    """A phase of a failover, in the order in which they follow each other."""

    DETECT = "detected"
    DECIDE = "decided"
    LET_GO = "let go"
    ENGINE = "engine moves"
    FENCE = "power cut"
    WITNESS = "witness heard"
    MERGE = "data merged"
    BOOT = "Asterisk boots"
    RELAY = "relay moves"
    SETTLE = "line settles"
    LINK = "D-channel up"


@dataclass(frozen=True, slots=True)
class FailoverKind:
    """One kind of failover.

    `before`: the sums of the phases until service is granted, in order. `falls`: from the beginning until the
    primary's relay has let go of the line; None when it keeps it. `stays`: service comes back on the node that had it.
    `silent`: the peer is silent, so that the line may be asked as a witness. `fenced`: HAFENCE cuts its power.
    `ways`: where service can come so. `planned`: telephones wait for the last data of the node that had service.
    """

    name: str
    title: str
    before: tuple[tuple[BoundPhase, _Sum], ...]
    falls: _Sum | None = ()
    stays: bool = False
    silent: bool = False
    fenced: bool = False
    ways: tuple[Node, ...] = (Node.SECONDARY, Node.PRIMARY)
    says: str = ""
    planned: bool = False

    def keeps_line(self, to: Node) -> bool:
        """Tell whether the line is in the end where it was, when service comes to `to`."""
        if self.stays:
            return self.falls is None or to is Node.SECONDARY
        return self.falls is None and to is Node.SECONDARY


def _handed_over(name: str, title: str, detect: _Sum, let_go: _Sum) -> FailoverKind:
    """Return a kind in which the node that serves decides: the relay lets go at once, then Heartbeat moves the rest."""
    before = (
        (BoundPhase.DETECT, detect),
        (BoundPhase.DECIDE, (_TURN,)),
        (BoundPhase.LET_GO, (_CARD, *let_go)),
        (BoundPhase.ENGINE, (_SETTLED, _ASKED_AGAIN, _TICKS, _SCRIPTS)),
    )
    return FailoverKind(name, title, before, (*detect, _TURN, _CARD))


def _taken(name: str, title: str, *, falls: _Sum | None, says: str = "") -> FailoverKind:
    """Return a kind in which the node that serves is silent, and Heartbeat has its peer take over."""
    before = ((BoundPhase.DETECT, _SILENCE), (BoundPhase.ENGINE, (_SCRIPTS,)))
    return FailoverKind(name, title, before, falls, silent=True, says=says)


_HANG: _Sum = (_CONSOLE_QUIET, _SILENT_ROUNDS, _ANSWERS_LATE)
_LINE_FALLS = "line-falls"
_FROZEN_FENCED = "frozen-fenced"
KINDS: tuple[FailoverKind, ...] = (
    _handed_over("asterisk-dies", "Asterisk dies", (_PROCESS_LOOK,), ()),
    _handed_over(
        "asterisk-hangs",
        "Asterisk hangs: its process lives, does nothing and answers no probe",
        _HANG,
        (_KILLED,),
    ),
    replace(
        _handed_over(
            "sip-hangs",
            "Asterisk answers on its console and no telephone, or nobody while it works",
            (_SILENT_SIP, _ANSWERS_LATE),
            (_PBX_STOPS, _KILLED),
        ),
        says=f"One whose console answers is given {SIP_ALONE} * PROBEFALL rounds while its threads do nothing; one "
        f"that answers nobody is given {WORKING} * PROBEFALL while they run, wait for a processor or a disk, or are "
        f"held by a debugger; {SIP_ALONE_WORKING} * PROBEFALL when both hold. Where its SIP port is read and the "
        "console answers, a packet filter keeps this node's questions from it: that is told, and nothing moves.",
    ),
    replace(
        _handed_over(
            _LINE_FALLS,
            "The relay card fails or is pulled, and the line falls to the secondary",
            (_RED, _LINE_LOOK, _TOLD, _LINE_DWELL),
            (_PBX_STOPS, _KILLED),
        ),
        falls=(),
        ways=(Node.SECONDARY,),
    ),
    replace(
        _handed_over(
            "lan-lost",
            "The active node is cut off from the LAN, and the standby reaches it",
            (_LAN_SILENT, _LAN_LOOK, _LAN_DWELL, _TOLD),
            (_PBX_STOPS, _KILLED),
        ),
        says="A cut behind the next switch is known only where HAPING names hosts to ask; else nothing moves, and the "
        "standby, which cannot call, says so.",
    ),
    _taken(
        "heartbeat-dies",
        "The HA engine dies on the active node",
        falls=(_ENGINE_LOOK, _TURN, _CARD),
        says="The agent beside it lets go of relay, Asterisk and address at once, without waiting for the other node.",
    ),
    _taken(
        "power-cut",
        "The active node loses its power",
        falls=(),
        says="A relay with a power supply and a watchdog of its own lets the line fall RELAYWATCHDOG later.",
    ),
    _taken(
        "frozen",
        "The active node is frozen, and keeps its power",
        falls=None,
        says="A frozen primary keeps the line, and after LINEDEADLINE the secondary says so and what frees it. With "
        "HAWITNESS=REQUIRE nobody serves until then. A relay with a watchdog of its own frees it after RELAYWATCHDOG.",
    ),
    replace(
        _taken(
            _FROZEN_FENCED,
            "The primary is frozen with its power on and holds the line, and HAFENCE cuts its power",
            falls=(*_SILENCE, _SCRIPTS, *_FENCED),
            says="The command begins HAFENCEWAIT later than the primary's would, and may take as long again; one that "
            "confirms nothing frees no line. Telephones wait for it with HAWITNESS=REQUIRE only.",
        ),
        fenced=True,
        ways=(Node.SECONDARY,),
    ),
    replace(
        _handed_over("standby", "Planned: 'asha standby' on the node that serves", (), (_PBX_STOPS, _KILLED)),
        planned=True,
    ),
    FailoverKind(
        "takeover",
        "Planned: 'asha takeover', 'asha failback' or HAAUTOFAILBACK on the standby",
        (
            (BoundPhase.DECIDE, (_BEFORE_TAKEOVER,)),
            (BoundPhase.ENGINE, (_TICKS, _SCRIPTS)),
            (BoundPhase.LET_GO, (_CARD, _PBX_STOPS, _KILLED)),
        ),
        (_BEFORE_TAKEOVER, _TICKS, _SCRIPTS, _CARD),
        says=f"From the request to {ENGINE}; what 'asha failback' merges before it takes as long as it takes.",
        planned=True,
    ),
    FailoverKind(
        "agent-dies",
        "The agent dies, and Asterisk before the agent is back",
        ((BoundPhase.DETECT, (_RESPAWNED, _TURN)),),
        falls=None,
        stays=True,
        says="The death of the agent alone moves nothing and ends no call.",
    ),
    FailoverKind(
        "not-taken",
        f"Asterisk dies, and {ENGINE} loses every request to hand over",
        (
            (BoundPhase.DETECT, (_PROCESS_LOOK,)),
            (BoundPhase.DECIDE, (_TURN,)),
            (BoundPhase.ENGINE, (_GIVEN_UP, _TURN, *_SILENCE, _SCRIPTS)),
        ),
        (_PROCESS_LOOK, _TURN, _CARD),
        silent=True,
        says=f"The node that cannot serve ends {ENGINE} on itself, so that the other node takes over as after a death.",
    ),
)


@dataclass(frozen=True, slots=True)
class PhaseBound:
    """A phase with its seconds at the most, the sum they come from, and where its figures come from."""

    phase: str
    seconds: float
    formula: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bound:
    """The worst case of one kind of failover to one node.

    `to`: the node that serves at the end. `telephones`: seconds until the telephones of the LAN can call.
    `line`: seconds until the line is in service; None when there is none, or when it does not come.
    """

    kind: str
    title: str
    to: str
    phases: tuple[PhaseBound, ...]
    telephones: float
    line: float | None
    says: str = ""

    @property
    def whole(self) -> float:
        """Seconds until everything is in service: the line where there is one, else the telephones."""
        return self.telephones if self.line is None else self.line

    def of(self, phase: BoundPhase) -> float:
        """Return the seconds of `phase`; 0 when this kind does not have it."""
        return sum(one.seconds for one in self.phases if one.phase == phase.value)


def bounds(site: BoundInputs) -> tuple[Bound, ...]:
    """Return the worst case of every kind of failover, each way, with the values of `site`."""
    return tuple(_bound(kind, to, site) for kind in KINDS if _applies(kind, site) for to in kind.ways)


def bound_of(site: BoundInputs, kind: str, to: Node) -> Bound:
    """Return the worst case of `kind` when service moves to `to`. Raises KeyError for what the table does not have."""
    for one in bounds(site):
        if (one.kind, one.to) == (kind, to.value):
            return one
    raise KeyError(kind)


def _applies(kind: FailoverKind, site: BoundInputs) -> bool:
    """Tell whether a site can have this kind at all."""
    if kind.name == _LINE_FALLS:
        return site.has_line and site.follows_line
    return not kind.fenced or (site.has_line and site.fences)


def _bound(kind: FailoverKind, to: Node, site: BoundInputs) -> Bound:
    to_telephones = tuple(_phase(*part, site) for part in (*kind.before, *_until_called(kind, to, site)))
    to_line = tuple(_phase(*part, site) for part in _until_linked(kind, to, site))
    telephones = sum(phase.seconds for phase in to_telephones)
    line = _line_in_service(kind, to, site, telephones) if to_line else None
    return Bound(
        kind.name,
        kind.title,
        to.value,
        tuple(phase for phase in (*to_telephones, *to_line) if phase.seconds),
        _round(telephones),
        None if line is None else _round(line),
        kind.says,
    )


def _until_called(kind: FailoverKind, to: Node, site: BoundInputs) -> Iterator[tuple[BoundPhase, _Sum]]:
    """Yield the phases from the grant until Asterisk answers."""
    if _waits_for_fence(kind, site):
        yield BoundPhase.FENCE, _FENCED
    elif kind.silent and to is Node.SECONDARY:
        yield BoundPhase.WITNESS, (_WITNESS,)
    if to is Node.PRIMARY and kind.planned:
        yield BoundPhase.MERGE, (_MERGE,)
    yield BoundPhase.BOOT, (_PBX_STARTS,)


def _until_linked(kind: FailoverKind, to: Node, site: BoundInputs) -> Iterator[tuple[BoundPhase, _Sum]]:
    """Yield the phases of the line; none when there is no line, or when it does not come."""
    kept = kind.keeps_line(to)
    if kind.fenced and not _waits_for_fence(kind, site):
        yield BoundPhase.FENCE, _FENCED
    if not site.has_line or (kept and not kind.stays):
        return
    if to is Node.PRIMARY and not kept:
        yield BoundPhase.RELAY, (_CARD,)  # energised under the grant, beside Asterisk's start
    if not kept:
        yield BoundPhase.SETTLE, (_LINE_CLEARS,)
    yield BoundPhase.LINK, _LINK_UP


def _waits_for_fence(kind: FailoverKind, site: BoundInputs) -> bool:
    """Tell whether the secondary starts Asterisk only when the primary is known to be off."""
    return kind.fenced and site.witness is Witness.REQUIRE


def _line_in_service(kind: FailoverKind, to: Node, site: BoundInputs, telephones: float) -> float:
    """Return when the line is in service: the D-channel waits for the clear alarm and for Asterisk."""
    if to is Node.SECONDARY and kind.falls is not None:
        moved = _seconds(kind.falls, site)
    else:
        moved = sum(_seconds(figures, site) for _, figures in kind.before) + _CARD.seconds(site)
    clear = 0.0 if kind.keeps_line(to) else moved + _LINE_CLEARS.seconds(site)
    return max(clear, telephones) + _seconds(_LINK_UP, site)


def _phase(phase: BoundPhase, figures: _Sum, site: BoundInputs) -> PhaseBound:
    counted = [figure for figure in figures if figure.seconds(site)]
    words = " + ".join(
        figure.formula if figure.source == _CONF else f"{figure.seconds(site):g} s ({figure.formula})"
        for figure in counted
    )
    sources = tuple(dict.fromkeys(figure.source for figure in counted))
    return PhaseBound(phase.value, _round(_seconds(figures, site)), words, sources)


def _seconds(figures: _Sum, site: BoundInputs) -> float:
    return sum(figure.seconds(site) for figure in figures)


def _round(seconds: float) -> float:
    return round(seconds, 3)
