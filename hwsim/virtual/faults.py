"""The faults of the campaign: what each does to a world, and how it is told.

A fault names a node and lasts for some seconds; what those mean is the fault's. A fault that does not end by itself
lasts until everything is repaired.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random

from appliance.core.model import Node, Pbx, Relay
from hwsim.virtual import operators
from hwsim.virtual.links import LAN_OF, Cable
from hwsim.virtual.world import World

Act = Callable[[World, Node, float], None]


@dataclass(frozen=True)
class FaultKind:
    """What can happen. `says`: a sentence with {node}, {peer} and {seconds}. `lasts`: seconds it may last."""

    says: str
    act: Act
    lasts: tuple[float, ...] = (0.0,)
    weight: int = 2


@dataclass(frozen=True)
class Fault:
    """One fault that happens to `node` (primary or secondary)."""

    name: str
    node: str = "primary"
    seconds: float = 0.0

    def happen(self, world: World) -> None:
        """Do it to the world."""
        world.audit.cause_at = world.now
        KINDS[self.name].act(world, Node(self.node), self.seconds)

    def __str__(self) -> str:
        node = Node(self.node)
        return KINDS[self.name].says.format(
            node=node.value, peer=node.other.value, seconds=f"{self.seconds:g}"
        )


def any_fault(dice: Random) -> Fault:
    """Return a fault by chance."""
    name = dice.choices(_NAMES, _WEIGHTS)[0]
    return Fault(name, dice.choice(_NODES), dice.choice(KINDS[name].lasts))


# -- Asterisk, agent, Heartbeat -----------------------------------------------------------------------------


def _asterisk_dies(world: World, node: Node, _: float) -> None:
    world.pbx(node, Pbx.DEAD)


def _asterisk_hangs(world: World, node: Node, _: float) -> None:
    world.pbx(node, Pbx.HUNG)


def _starts_fail(world: World, node: Node, seconds: float) -> None:
    world.servers[node].pbx.starts_fail = True
    world.later(seconds, partial(setattr, world.servers[node].pbx, "starts_fail", False))


def _agent_dies(world: World, node: Node, seconds: float) -> None:
    world.kill_agent(node, with_hands=world.dice.random() < 0.5, after=seconds or 1e9)


def _agent_stops(world: World, node: Node, seconds: float) -> None:
    world.pause_agent(node, seconds)


def _heartbeat_dies(world: World, node: Node, _: float) -> None:
    world.kill_engine(node)


def _heartbeat_dies_and_returns(world: World, node: Node, seconds: float) -> None:
    world.kill_engine(node)
    world.later(seconds, partial(world.engine_on, node))


# -- the machine --------------------------------------------------------------------------------------------


def _power_cut(world: World, node: Node, _: float) -> None:
    world.power_cut(node)


def _power_cycle(world: World, node: Node, seconds: float) -> None:
    world.power_cut(node)
    world.later(seconds, partial(world.power_on, node))


def _both_power_cycle(world: World, node: Node, seconds: float) -> None:
    _power_cycle(world, node, seconds)
    _power_cycle(world, node.other, seconds + world.dice.uniform(0.0, 5.0))


def _freeze(world: World, node: Node, seconds: float) -> None:
    world.freeze(node)
    world.later(seconds, partial(world.thaw, node))


def _thaw_with_engine_killed(world: World, node: Node, seconds: float) -> None:
    world.freeze(node)
    world.later(seconds, partial(world.kill_engine, node))
    world.later(seconds, partial(world.thaw, node))
    world.later(seconds + 20.0, partial(world.engine_on, node))


# -- cables -------------------------------------------------------------------------------------------------


def _lan_cut(world: World, node: Node, seconds: float) -> None:
    world.links.cut(LAN_OF[node])
    world.later(seconds, partial(world.links.mend, LAN_OF[node]))


def _direct_cut(world: World, node: Node, seconds: float) -> None:
    world.links.cut(Cable.DIRECT)
    world.later(seconds, partial(world.links.mend, Cable.DIRECT))


def _all_links_cut(world: World, node: Node, seconds: float) -> None:
    world.links.cut_all()
    world.later(seconds, world.links.heal)


def _nodes_apart(world: World, node: Node, seconds: float) -> None:
    """Cut the direct cable and the path over the LAN, which still reaches both with telephones."""
    world.links.walled |= set(Node)
    world.later(seconds, world.links.heal)


def _deaf(world: World, node: Node, seconds: float) -> None:
    world.links.walled.add(node)
    world.later(seconds, world.links.heal)


def _lan_deaf(world: World, node: Node, seconds: float) -> None:
    world.links.cut(LAN_OF[node], node)
    world.later(seconds, partial(world.links.mend, LAN_OF[node]))


def _switch_off(world: World, node: Node, seconds: float) -> None:
    world.links.switch = False
    world.later(seconds, world.links.heal)


def _messages_late(world: World, _: Node, seconds: float) -> None:
    world.talk.delay = seconds


def _cold_start_apart(world: World, node: Node, seconds: float) -> None:
    _power_cycle(world, node, 1.0)
    _all_links_cut(world, node, seconds)


def _both_start_apart(world: World, node: Node, seconds: float) -> None:
    _both_power_cycle(world, node, 1.0)
    _all_links_cut(world, node, seconds)


# -- card and line ------------------------------------------------------------------------------------------


def _card_out(world: World, node: Node, seconds: float) -> None:
    world.pull_card()
    world.later(seconds, world.plug_card)


def _card_mute(world: World, _: Node, __: float) -> None:
    world.card.mute = True


def _card_slow(world: World, _: Node, seconds: float) -> None:
    world.card.takes = seconds


def _relay_stuck(world: World, _: Node, __: float) -> None:
    world.card.stuck = True


def _relay_drops(world: World, _: Node, __: float) -> None:
    world.card.coil = Relay.RELEASED


def _line_dead(world: World, node: Node, seconds: float) -> None:
    world.telco = False
    world.later(seconds, partial(setattr, world, "telco", True))


def _far_end_silent(world: World, node: Node, _: float) -> None:
    world.servers[node].pbx.far_end = False


def _blind(world: World, node: Node, _: float) -> None:
    world.servers[node].blind = {world.dice.choice(["line", "dchannel", "pbx", "card"])}


# -- what else runs on the machine ----------------------------------------------------------------------------


def _flapping(world: World, _: Node, seconds: float) -> None:
    for server in world.servers.values():
        server.pbx.dies_after = 20.0
        world.later(seconds, partial(setattr, server.pbx, "dies_after", None))


def _stray_starter(world: World, node: Node, seconds: float) -> None:
    """Have something start Asterisk whenever it does not run, as safe_asterisk and Restart=always do."""
    world.servers[node].pbx.starter = True
    world.later(seconds, partial(setattr, world.servers[node].pbx, "starter", False))


def _clock_leaps(world: World, node: Node, seconds: float) -> None:
    world.servers[node].clock += seconds


def _disk_full(world: World, node: Node, seconds: float) -> None:
    world.mailboxes.full.add(node)
    world.later(seconds, partial(world.mailboxes.full.discard, node))


def _tool_hangs(world: World, _: Node, seconds: float) -> None:
    world.card.tool_hangs = True
    world.later(seconds, partial(setattr, world.card, "tool_hangs", False))


def _card_renumbered(world: World, _: Node, __: float) -> None:
    world.pull_card()
    world.later(0.3, world.plug_card)


def _line_flickers(world: World, _: Node, seconds: float) -> None:
    """Have the provider's line go away for a second, every four."""
    for at in range(0, int(seconds), 4):
        world.later(at + 0.1, partial(setattr, world, "telco", False))
        world.later(at + 1.1, partial(setattr, world, "telco", True))


SPELLS = (0.5, 1.5, 3.0, 8.0, 20.0, 60.0)
LONG = (8.0, 20.0, 60.0)
KINDS: Mapping[str, FaultKind] = {
    "asterisk dies": FaultKind("Asterisk dies on the {node}", _asterisk_dies, weight=6),
    "asterisk hangs": FaultKind("Asterisk hangs on the {node}", _asterisk_hangs, weight=4),
    "starts fail": FaultKind("Asterisk does not start on the {node} for {seconds} s", _starts_fail, LONG),
    "agent dies": FaultKind(
        "the agent of the {node} is killed, and started again after {seconds} s (0: not before the repair)",
        _agent_dies,
        (0.0, 0.5, 0.5, 8.0, 20.0),
        weight=4,
    ),
    "agent stops": FaultKind("the agent of the {node} is stopped for {seconds} s", _agent_stops, SPELLS),
    "heartbeat dies": FaultKind("Heartbeat's master is killed on the {node}", _heartbeat_dies),
    "heartbeat dies and returns": FaultKind(
        "Heartbeat's master is killed on the {node} and started again after {seconds} s",
        _heartbeat_dies_and_returns,
        (0.5, 3.0, 8.0, 20.0),
    ),
    "power cut": FaultKind("the {node} loses its power", _power_cut),
    "power cycle": FaultKind("the {node} loses its power for {seconds} s", _power_cycle, SPELLS, weight=4),
    "both power cycle": FaultKind(
        "both nodes lose their power for about {seconds} s", _both_power_cycle, SPELLS
    ),
    "frozen": FaultKind("the {node} stands still for {seconds} s", _freeze, (1.0, 3.0, 10.0, 60.0), weight=4),
    "frozen, heartbeat killed": FaultKind(
        "the {node} stands still for {seconds} s, and its Heartbeat is killed before it goes on",
        _thaw_with_engine_killed,
        (10.0, 30.0),
        weight=1,
    ),
    "lan cut": FaultKind(
        "the LAN cable of the {node} is out for {seconds} s", _lan_cut, (*LONG, 200.0), weight=4
    ),
    "direct cut": FaultKind("the direct cable is out for {seconds} s", _direct_cut, SPELLS),
    "all links cut": FaultKind("all cables are out for {seconds} s", _all_links_cut, SPELLS, weight=4),
    "nodes apart": FaultKind(
        "a firewall keeps the nodes apart for {seconds} s, and telephones reach both", _nodes_apart, SPELLS
    ),
    "deaf": FaultKind(
        "nothing that the {peer} says reaches the {node} for {seconds} s", _deaf, SPELLS, weight=3
    ),
    "lan deaf": FaultKind(
        "the LAN cable of the {node} carries nothing to it for {seconds} s", _lan_deaf, LONG
    ),
    "switch off": FaultKind("the switch of the LAN is off for {seconds} s", _switch_off, LONG, weight=1),
    "messages late": FaultKind(
        "the agents' messages come {seconds} s late", _messages_late, (0.3, 2.0, 4.0), weight=1
    ),
    "cold start apart": FaultKind(
        "the {node} reboots behind cut cables, which are mended after {seconds} s",
        _cold_start_apart,
        (5.0, 20.0, 60.0),
        weight=3,
    ),
    "both start apart": FaultKind(
        "both nodes boot before the switch does, which takes {seconds} s",
        _both_start_apart,
        (5.0, 20.0, 60.0),
    ),
    "card out": FaultKind("the relay card is out for {seconds} s", _card_out, (*SPELLS, 200.0)),
    "card mute": FaultKind("the relay card does not answer", _card_mute),
    "card slow": FaultKind("the relay card takes {seconds} s for a command", _card_slow, (0.3, 1.5)),
    "relay stuck": FaultKind("the relay is stuck", _relay_stuck, weight=1),
    "relay drops": FaultKind("the relay drops by itself", _relay_drops),
    "line dead": FaultKind("the provider's line is dead for {seconds} s", _line_dead, (0.5, 3.0, 8.0, 90.0)),
    "far end silent": FaultKind(
        "the provider's layer 2 does not answer the {node}", _far_end_silent, weight=1
    ),
    "blind": FaultKind("the {node} does not see one of its sensors", _blind, weight=1),
    "standby": FaultKind("an operator asks for standby", operators.standby, weight=5),
    "standby cut short": FaultKind(
        "an operator asks for standby, and a moment later all cables are out for {seconds} s",
        operators.standby_cut_short,
        (0.3, 1.0, 1.5),
        weight=3,
    ),
    "standby and dark": FaultKind(
        "an operator asks for standby, and after {seconds} s the node that is to take over loses its power",
        operators.standby_and_dark,
        (0.5, 1.0, 1.5, 2.0, 2.5, 3.0),
        weight=3,
    ),
    "ha stop": FaultKind(
        "an operator stops the HA engine of the {node} for {seconds} s", operators.ha_stop, SPELLS
    ),
    "ha restart": FaultKind("an operator restarts the HA engine of the {node}", operators.ha_restart),
    "script stop by hand": FaultKind(
        "somebody runs 'resource.d/asha stop' on the {node} by hand", operators.script_stop_by_hand
    ),
    "address taken": FaultKind("the cluster address is taken off the {node}", operators.address_taken),
    "script start by hand": FaultKind(
        "somebody runs 'resource.d/asha start' on the {node} by hand",
        operators.script_start_by_hand,
        weight=1,
    ),
    "pbx stop": FaultKind("an operator says 'asha pbx stop' on the {node}", operators.pbx_stop),
    "line release": FaultKind("an operator says 'asha line release' on the {node}", operators.line_release),
    "takeover": FaultKind("an operator says 'asha takeover' on the {node}", operators.takeover, weight=3),
    "failback": FaultKind("an operator says 'asha failback' on the primary", operators.failback, weight=3),
    "maintenance": FaultKind(
        "an operator works on the {node} for {seconds} s (maintenance)", operators.maintenance, (20.0, 60.0)
    ),
    "reload": FaultKind(
        "RESTART=YES is set on the {node} and the agent reloads (SIGHUP), for {seconds} s",
        operators.reload,
        LONG,
    ),
    "flapping": FaultKind(
        "for {seconds} s Asterisk dies 20 s after each start, on both nodes",
        _flapping,
        (60.0, 240.0),
        weight=1,
    ),
    "stray starter": FaultKind(
        "for {seconds} s something starts Asterisk on the {node} whenever it does not run",
        _stray_starter,
        LONG,
    ),
    "clock leaps": FaultKind(
        "the clock of the {node} leaps by {seconds} s", _clock_leaps, (-3600.0, -5.0, 5.0, 3600.0)
    ),
    "disk full": FaultKind("the disk of the {node} is full for {seconds} s", _disk_full, LONG),
    "tool hangs": FaultKind(
        "for {seconds} s the relay card's tool does what it is told and does not end",
        _tool_hangs,
        LONG,
        weight=1,
    ),
    "card renumbered": FaultKind("the relay card comes back under another number", _card_renumbered),
    "line flickers": FaultKind(
        "for {seconds} s the provider's line goes away for a second, every four", _line_flickers, (8.0, 20.0)
    ),
    "grant lost": FaultKind(
        "the grant's file on the {node} is lost, and its agent with it", operators.grant_lost
    ),
}
_NAMES = tuple(KINDS)
_WEIGHTS = tuple(kind.weight for kind in KINDS.values())
_NODES = tuple(node.value for node in Node)
