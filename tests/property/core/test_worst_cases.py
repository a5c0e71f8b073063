"""The worst cases that `asha bound` prints are worst cases: no failover of the shipped controller is slower.

Each kind is played in virtual time, both ways, from every moment of a second. The site's deadlines are what the metal
of that world takes, so that nothing hides behind a generous deadline.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from appliance.config import Conf
from appliance.config.bounds import bound_inputs
from appliance.core.bound import KINDS, BoundInputs, BoundPhase, FailoverKind, bound_of
from appliance.core.health import IDLE, Activity, ProbePolicy, ProbeRecord, Witnesses, judge, observe
from appliance.core.lan import LanInterface, LanPolicy, LanState, follow, sign
from appliance.core.model import Node, Pbx
from appliance.core.reading import Known, Unknown, is_known
from appliance.core.timing import IDLE_PERIOD, LAN_ROUND
from appliance.core.transfer import Witness
from hwsim.virtual.engine import DEADTIME
from hwsim.virtual.metal import BOOT, LINK_UP, SETTLE, STOP
from hwsim.virtual.world import World, served

P, S = Node.PRIMARY, Node.SECONDARY
TIMING = replace(
    bound_inputs(Conf()).timing,
    deadtime=DEADTIME,
    card_deadline=0.05,
    pbx_start_deadline=BOOT,
    pbx_stop_deadline=STOP,
    line_deadline=SETTLE,
    dchannel_deadline=LINK_UP,
    merge_deadline=0.0,
)
OFFSETS = [0.2 * step for step in range(5)]
SILENT = ("heartbeat-dies", "power-cut", "frozen")


def inputs(witness: Witness) -> BoundInputs:
    return BoundInputs(TIMING, witness, has_line=True, sockets=True)


def _dies(world: World, node: Node) -> None:
    world.pbx(node, Pbx.DEAD)


def _hangs(world: World, node: Node) -> None:
    world.pbx(node, Pbx.HUNG)


def _freezes(world: World, node: Node) -> None:
    world.servers[node].frozen = True


def _handed_over(world: World, node: Node) -> None:
    agent = world.agents[node]
    assert agent is not None
    agent.hand_over()


def _agent_dies(world: World, node: Node) -> None:
    world.kill_agent(node, with_hands=True)
    world.pbx(node, Pbx.DEAD)


def _not_taken(world: World, node: Node) -> None:
    world.heartbeat.trap(node.other, world.now)
    world.pbx(node, Pbx.DEAD)


FAULTS: dict[str, Callable[[World, Node], None]] = {
    "asterisk-dies": _dies,
    "asterisk-hangs": _hangs,
    "sip-hangs": _hangs,
    "line-falls": lambda world, node: world.pull_card(),
    "heartbeat-dies": World.kill_engine,
    "power-cut": World.power_cut,
    "frozen": _freezes,
    "standby": _handed_over,
    "takeover": lambda world, node: world.heartbeat.ask_standby(node, world.now),
    "agent-dies": _agent_dies,
    "not-taken": _not_taken,
}


def pair(active: Node, witness: Witness) -> World:
    """A pair at rest on which `active` serves."""
    world = served(witness)
    if active is S:
        _handed_over(world, P)
        assert world.until_quiet(60.0)
    world.sleep(700.0)  # longer than moves are remembered
    world.advance(2.0)
    assert world.serving() is active
    return world


def play(world: World, target: Node, limit: float) -> tuple[float | None, float | None]:
    """Let `limit` seconds go by; return after how many telephones can call and the line is in service at `target`."""
    began, server = world.now, world.servers[target]
    telephones = line = None
    while world.now - began < limit:
        world.advance(0.1)
        if telephones is None and server.address and server.pbx.state is Pbx.RUNNING:
            telephones = world.now - began
        if line is None and world.serving() is target:
            line = world.now - began
    return telephones, line


@pytest.mark.parametrize("witness", [Witness.OFF, Witness.PREFER])
@pytest.mark.parametrize(
    ("kind", "to"),
    [(kind, to) for kind in KINDS if kind.name in FAULTS for to in kind.ways],
    ids=lambda value: value.name.lower(),
)
def test_no_failover_is_slower_than_its_bound(kind: FailoverKind, to: Node, witness: Witness) -> None:
    if witness is not Witness.OFF and not kind.silent:
        assert bound_of(inputs(witness), kind.name, to) == bound_of(inputs(Witness.OFF), kind.name, to)
        return
    bound = bound_of(inputs(witness), kind.name, to)
    active = to if kind.stays else to.other
    for offset in OFFSETS:
        world = pair(active, witness)
        world.advance(offset)
        FAULTS[kind.name](world, active)
        telephones, line = play(world, to, bound.telephones + LINK_UP + SETTLE + 5.0)
        assert telephones is not None and telephones <= bound.telephones, (offset, bound)
        if bound.line is None:
            assert line is None, "nobody but the frozen node has it"
        else:
            assert line is not None and line <= bound.line, (offset, bound)
        assert world.violations() == []


@pytest.mark.parametrize("active", [P, S])
@pytest.mark.parametrize("kind", ["asterisk-dies", "standby"])
def test_one_lost_request_is_within_the_bound(kind: str, active: Node) -> None:
    bound = bound_of(inputs(Witness.OFF), kind, active.other)
    for offset in OFFSETS:
        world = pair(active, Witness.OFF)
        world.advance(offset)
        agent, began = world.agents[active], world.now
        assert agent is not None
        FAULTS[kind](world, active)
        while agent.state.standby_asked < began:
            world.advance(0.1)
        world.heartbeat.letters.clear()  # both masters drop it
        spent = world.now - began
        telephones, line = play(world, active.other, 30.0)
        assert telephones is not None and telephones + spent <= bound.telephones
        assert line is not None and bound.line is not None and line + spent <= bound.line


def test_every_kind_is_played_but_those_that_need_a_lan() -> None:
    """The virtual world has no LAN: how late a cut is noticed is held against the judgement itself, below.

    So is a fence, which needs one to be allowed to shoot, in tests/unit/core/test_core_fencing.py.
    """
    assert {kind.name for kind in KINDS} - FAULTS.keys() == {"lan-lost", "frozen-fenced"}


@pytest.mark.parametrize("carrier", [True, False])
def test_no_cut_lan_is_noticed_later(carrier: bool) -> None:
    """The hosts are asked in their rounds and the LAN is judged in its own, out of step with each other."""
    bound = bound_of(inputs(Witness.OFF), "lan-lost", S)
    policy = LanPolicy(
        "10.0.0.5", TIMING.lan_dwell, ProbePolicy(2, TIMING.fall, TIMING.fall - 1.0), frozenset({"10.0.0.1"})
    )
    for asked in OFFSETS:
        for judged in OFFSETS:
            assert _lan_noticed(asked, judged, policy, carrier=carrier) <= bound.of(BoundPhase.DETECT)


def _lan_noticed(asked: float, judged: float, policy: LanPolicy, *, carrier: bool) -> float:
    """Return when the cut of 0 s is known, with hosts asked from `asked` and the LAN judged from `judged` on."""
    lan = LanInterface("eth0", exists=True, up=True, carrier=carrier, addresses=(("10.0.0.2", 24),))
    host, state, turn = ProbeRecord(ever_answered=True, answers=9), LanState(Known(True, 0.0), well=True), 0
    while True:
        now = judged + turn * LAN_ROUND
        while asked <= now:
            host, asked = observe(host, Unknown("silence", asked), policy.probe), asked + LAN_ROUND
        state = follow(state, sign(Known(lan, now), {"10.0.0.1": host}, policy), policy, now)
        if is_known(state.reading, False):
            return now
        turn += 1


@pytest.mark.parametrize("jitter", [0.0, 0.02])
@pytest.mark.parametrize(
    ("kind", "hung", "activity"),
    [
        ("asterisk-hangs", ("ami", "cli", "sip"), IDLE),
        ("sip-hangs", ("ami", "cli", "sip"), Activity(looks=1, working=1)),
        ("sip-hangs", ("sip",), IDLE),
        ("sip-hangs", ("sip",), Activity(looks=1, working=1)),
    ],
    ids=str,
)
def test_no_hang_is_noticed_later(
    kind: str, hung: tuple[str, ...], activity: Activity, jitter: float
) -> None:
    """Probes in their rounds, each out of step with the others; the console is asked as soon as one is silent."""
    bound = bound_of(inputs(Witness.OFF), kind, S)
    period, deadline = TIMING.probe_period, TIMING.probe_deadline
    policy = ProbePolicy(2, TIMING.fall, (TIMING.fall - 1) * period)
    for first in OFFSETS:
        for second in OFFSETS:
            asked = {"ami": first, "sip": second, "cli": min(first, second) + deadline}
            noticed = _noticed(asked, hung, activity, policy, jitter)
            assert noticed <= bound.of(BoundPhase.DETECT) + bound.of(BoundPhase.DECIDE)


def _noticed(
    asked: dict[str, float],
    hung: tuple[str, ...],
    activity: Activity,
    policy: ProbePolicy,
    jitter: float,
) -> float:
    """Return when a controller that turns once in IDLE_PERIOD sees HUNG; the hang begins at 0."""
    period, deadline, witnesses = TIMING.probe_period, TIMING.probe_deadline, Witnesses(activity)
    answers = sorted(
        (at + turn * period + (deadline + jitter / (turn + 1) if name in hung else 0.01), name)
        for name, at in asked.items()
        for turn in range(60)
    )
    records = {name: ProbeRecord(ever_answered=True) for name in asked}
    turn = 0.0
    for at, name in answers:
        while turn < at:
            if is_known(judge(Known(True, turn), True, records, policy, turn, witnesses=witnesses), Pbx.HUNG):
                return turn
            turn += IDLE_PERIOD
        reading = Unknown("silence", at) if name in hung else Known("it answers", at)
        records[name] = observe(records[name], reading, policy)
    raise AssertionError("it was never noticed")
