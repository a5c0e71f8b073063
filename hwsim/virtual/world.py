"""A pair in virtual time: two servers, one card, one line, cables, Heartbeat, and the shipped core deciding on both.

Time goes by in steps from one moment at which something happens to the next (`advance`), so that a quiet hour costs
nothing. After every step an observer looks at what is true (`hwsim/virtual/audit.py`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from random import Random

from appliance.core.decide import WatchPolicy
from appliance.core.engine_target import EngineTarget
from appliance.core.grant import Grant
from appliance.core.journal_rules import Violation
from appliance.core.model import Node, Pbx, Relay
from appliance.core.reading import Known, Reading
from appliance.core.transfer import Witness
from appliance.core.waking import Woke
from hwsim.virtual.audit import Kind, Observer
from hwsim.virtual.heartbeat import Heartbeat
from hwsim.virtual.lan import facts_of
from hwsim.virtual.links import Links
from hwsim.virtual.mailboxes import Mailboxes
from hwsim.virtual.metal import SETTLE, Card, Hands, Server
from hwsim.virtual.node import Agent
from hwsim.virtual.site import WATCH, Book, Site, policy_for
from hwsim.virtual.talk import Talk
from hwsim.virtual.words import in_words

P, S = Node.PRIMARY, Node.SECONDARY
STEP = 0.1  # what can go on at once does so after so long
LEAST = 0.001  # no step is shorter
LONGEST = 300.0
RESPAWN = 0.5  # init starts a dead agent again
REBOOT = 30.0  # from the end of a running system to the next one's kernel
BOOT = 3.0  # from power to a running agent; Heartbeat follows a second later
NEVER = 1e9
# What is due is looked at so much later, so that no difference of times falls short of its limit.
ROUNDING = 1e-6


class World:
    """The true state of the pair. Times in seconds from 1000."""

    def __init__(self, witness: Witness = Witness.OFF, watch: WatchPolicy = WATCH, seed: int = 0) -> None:
        self.now = 1000.0
        self.dice = Random(seed)
        self.telco = True
        self.links = Links()
        self.card = Card()
        self.servers = {node: Server(node) for node in Node}
        self.agents: dict[Node, Agent | None] = dict.fromkeys(Node)
        self.heartbeat = Heartbeat(
            self.servers, self.links, self.agents.get, self.alone_on, self.reboot, self.dice
        )
        self.books = {node: Book() for node in Node}
        self._watch = watch
        self.sites = {node: self._site(node, witness, watch) for node in Node}
        self.hands = {
            node: Hands(server, self.card, partial(self._address_elsewhere, node))
            for node, server in self.servers.items()
        }
        self.mailboxes = Mailboxes()
        self.audit = Observer(self)
        self.talk = Talk(self.agents, self.servers, self.heartbeat, self.links)
        self.stopped: set[Node] = set()  # where an operator has stopped the engine
        self.agenda: list[tuple[float, Callable[[], None]]] = []
        self._respawn_at: dict[Node, float] = dict.fromkeys(Node, self.now)
        self._engine_at: dict[Node, float | None] = dict.fromkeys(Node, self.now)
        self._stood_since: dict[Node, float | None] = dict.fromkeys(Node)

    def alone_on(self, node: Node) -> Agent:
        """Return a resource script that found no agent on `node` and drives the controller itself."""
        return Agent(self.sites[node], self.now, alone=True)

    # -- what can happen ----------------------------------------------------------------------------------

    def power_cut(self, node: Node) -> None:
        """Take the power from the node, and with it everything it remembers under /run."""
        self.servers[node].lose_power(self.now)
        self.heartbeat.kill_engine(node)
        self.agents[node] = None
        self.lose_grant(node)
        self._respawn_at[node] = self._engine_at[node] = self.now + NEVER
        if node is P:
            self.card.coil = Relay.RELEASED

    def power_on(self, node: Node) -> None:
        """Give the node its power back; it boots."""
        if not self.servers[node].power:
            self.servers[node].power = True
            self._respawn_at[node] = self.now + BOOT
            self._engine_at[node] = None if node in self.stopped else self.now + BOOT + 1.0

    def reboot(self, node: Node) -> None:
        """Reboot the node at once, as Heartbeat does with one that cannot let go."""
        self.power_cut(node)
        self.later(REBOOT, partial(self.power_on, node))

    def kill_agent(self, node: Node, *, with_hands: bool, after: float = RESPAWN) -> None:
        """kill -9. Commands that it had begun go on by themselves, unless they die `with_hands`."""
        if self.agents[node] is None:
            return
        self.agents[node] = None
        self._respawn_at[node] = self.now + after
        self.servers[node].jobs = [] if with_hands else [j for j in self.servers[node].jobs if j.ends]

    def pause_agent(self, node: Node, seconds: float) -> None:
        """Stop the agent (SIGSTOP) and let it go on later."""
        agent = self.agents[node]
        if agent is not None:
            agent.paused_until = self.now + seconds
            agent.wake(agent.paused_until, seconds)

    def lose_grant(self, node: Node) -> None:
        """Lose the grant's file; the journal still knows how far its generations were."""
        book = self.books[node]
        book.grant, book.lost = Grant(generation=book.grant.generation), True

    def kill_engine(self, node: Node) -> None:
        """kill -9 of Heartbeat's master; an operator starts it again later (`engine_on`)."""
        self.heartbeat.kill_engine(node)
        self._engine_at[node] = None

    def stop_engine(self, node: Node) -> None:
        """Do as an operator's `asha ha stop` says."""
        self.stopped.add(node)
        self.servers[node].engine_target = EngineTarget.STOPPED
        self._engine_at[node] = None
        self.heartbeat.stop_engine(node, self.now)

    def restart_engine(self, node: Node) -> None:
        """Restart the master, by an operator or by the node itself."""
        self.heartbeat.restart_engine(node, self.now)

    def ask_standby(self, node: Node) -> None:
        """Ask Heartbeat itself for a hand-over (`hb_standby`)."""
        self.heartbeat.ask_standby(node, self.now)

    def ask_takeover(self, node: Node) -> None:
        """Ask Heartbeat itself for a take-over (`hb_takeover`)."""
        self.heartbeat.ask_takeover(node, self.now)

    def engine_on(self, node: Node) -> None:
        """Do as an operator's `asha ha start` says."""
        self.stopped.discard(node)
        self.servers[node].engine_target = EngineTarget.STARTED
        if self.heartbeat.stops(node):
            self.later(1.0, partial(self.engine_on, node))  # the order to stop has not come back yet
        elif self.heartbeat.identity(node) is None and self._engine_at[node] is None:
            self._engine_at[node] = self.now

    def freeze(self, node: Node) -> None:
        """Have the whole node stand still, with its power on."""
        self.servers[node].frozen = self.servers[node].power

    def thaw(self, node: Node) -> None:
        """Let the node go on."""
        self.servers[node].frozen = False

    def pull_card(self) -> None:
        """Unplug the relay card."""
        self._plug(False)

    def plug_card(self) -> None:
        """Plug the relay card in."""
        self._plug(True)

    def pbx(self, node: Node, state: Pbx) -> None:
        """Have Asterisk die or hang, if it runs."""
        asterisk = self.servers[node].pbx
        if asterisk.state is Pbx.RUNNING or (state is Pbx.DEAD and asterisk.state is not Pbx.DEAD):
            asterisk.be(state, self.now)

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        """Have `what` happen after so many seconds, unless everything is repaired before."""
        self.agenda.append((self.now + seconds, what))

    def heal(self) -> None:
        """Repair everything that was broken."""
        self.agenda.clear()
        self.telco, self.talk.delay = True, 0.0
        self.talk.deaf.clear()
        self.links.heal()
        self.card.mute = self.card.stuck = self.card.tool_hangs = False
        self.mailboxes.full.clear()
        self.card.takes = 0.05
        self.plug_card()
        for node, server in self.servers.items():
            server.frozen = False
            server.blind.clear()
            server.pbx.starts_fail = server.pbx.starter = server.maintenance = False
            server.pbx.dies_after = None
            self.sites[node].watch = self._watch
            server.pbx.far_end = True
            self.power_on(node)
            self.engine_on(node)
            if (agent := self.agents[node]) is not None:
                agent.paused_until, agent.went_on = self.now, min(agent.went_on, self.now)
            if self._respawn_at[node] >= self.now + NEVER / 2:
                self._respawn_at[node] = self.now
        self.audit.cause_at = self.now

    # -- time ---------------------------------------------------------------------------------------------

    def advance(self, seconds: float, *, at_once: bool = True) -> None:
        """Let time go by. `at_once`: something was done to the world, and is to be seen before anything else."""
        end = self.now + seconds
        due, done = self.now + STEP if at_once else self._due(), at_once
        while self.now < end - 1e-9:
            due = max(due, self.now + LEAST)
            if due > end and not done:
                self.now = end
                self._pass_quietly()
                return
            self.now = min(end, due)
            self.tick()
            done = False
            due = self._due()

    def until_quiet(self, limit: float) -> bool:
        """Let time go by until one node serves and nothing moves for two seconds; False past `limit`."""
        quiet_since, end = self.now, self.now + limit
        while self.now < end:
            self.advance(STEP)
            if not (self.quiet and self.serving() is not None):
                quiet_since = self.now
            elif self.now - quiet_since >= 2.0:
                return True
        return False

    def sleep(self, seconds: float) -> None:
        """Let a quiet time go by at once, in which every node beats and speaks as before."""
        assert self.quiet, "only a quiet time can be slept through"
        self.now += seconds
        for agent in self.agents.values():
            if agent is not None:
                agent.sleep(self.now)
                agent.heard = (self.now, agent.heard[1]) if agent.heard else None

    @property
    def quiet(self) -> bool:
        """Nothing is on its way anywhere."""
        agents = all(
            agent.quiet if agent is not None else not self.servers[node].power
            for node, agent in self.agents.items()
        )
        return agents and self.heartbeat.quiet and not any(server.jobs for server in self.servers.values())

    def tick(self) -> None:
        """One moment: metal, Heartbeat, agents, messages, and what an observer sees of it all."""
        self._go_on()
        if self.agenda:
            self._follow_agenda()
        self.card.settle()
        leads_to = P if self.card.armature is Relay.ENERGISED else S
        for node, server in self.servers.items():
            self._boot(node)
            self._stand_still(node)
            bits = self.telco and server.power and node is leads_to
            agent = self.agents[node]
            server.follow_line(bits, agent is not None and self.now >= agent.paused_until, self.now)
            if server.jobs and server.runs:
                self.hands[node].work(self.now)
        self.heartbeat.turn(self.now)
        self.talk.look(self.now)
        turned = False
        for node, agent in self.agents.items():
            if agent is not None and self._is_due(node, agent):
                self._turn(node, agent)
                turned = True
        self.talk.exchange(self.now)
        self._look(leads_to, turned=turned)

    def _go_on(self) -> None:
        self.heartbeat.pass_time(self.now)
        self.talk.go_on(self.now)
        for node, agent in self.agents.items():
            if agent is not None and self.servers[node].runs:
                agent.now = self.now

    def _pass_quietly(self) -> None:
        """One moment at which nothing happens by itself: it is only looked at."""
        self._go_on()
        self._look(P if self.card.armature is Relay.ENERGISED else S, turned=False)

    def _look(self, leads_to: Node, *, turned: bool) -> None:
        answering = self.answering()
        if lost := self.mailboxes.look(answering, self.agents, self._talk, self.now):
            self.audit.find(Kind.LOST, lost)
        self.audit.look_at_service(answering)
        self.audit.look_at_line(leads_to, turned=turned)

    # -- what is true -------------------------------------------------------------------------------------

    def holders(self) -> list[Node]:
        """Return the nodes that act under a grant."""
        return [node for node, agent in self.agents.items() if agent is not None and agent.role.holds]

    def answering(self) -> list[Node]:
        """Return the nodes on which a telephone of the LAN, asking at the cluster address, finds an Asterisk."""
        return [
            node
            for node, server in self.servers.items()
            if server.address
            and server.pbx.state is Pbx.RUNNING
            and server.runs
            and self.links.phones_reach(node)
        ]

    def serving(self) -> Node | None:
        """Return the node on which the line is truly in service, if it is so on one."""
        for node, server in self.servers.items():
            settled = server.bits and self.now - server.bits_since >= SETTLE
            if settled and server.pbx.link_up and not server.pbx.ghost:
                return node
        return None

    def granted(self, node: Node) -> bool:
        """Tell whether the node has a grant; an agent that lives knows it, whatever became of the file."""
        agent, book = self.agents[node], self.books[node]
        held = agent.state.grant.held if agent is not None else self.heartbeat.engines[node].holds
        return book.grant.held or (book.lost and held)

    def violations(self) -> list[Violation | str]:
        """Return what did not hold of the rules of the line since the last call."""
        return self.audit.rules_broken()

    def picture(self) -> dict[Node, tuple[object, ...]]:
        """Return what a transfer ends in, for comparing ends."""
        return {
            node: (
                agent and agent.role,
                agent and agent.under_way,
                self.servers[node].pbx.state,
                self.servers[node].address,
                self.card.armature,
                self.books[node].grant.held,
            )
            for node, agent in self.agents.items()
        }

    def in_words(self) -> str:
        """Say where everything is."""
        return in_words(self)

    # -- inside -------------------------------------------------------------------------------------------

    def _site(self, node: Node, witness: Witness, watch: WatchPolicy) -> Site:
        policy = policy_for(node, witness)
        return Site(
            node, self.servers, self.card, self.books[node], policy, watch, self.heartbeat, self.links
        )

    def _address_elsewhere(self, node: Node) -> bool:
        return facts_of(node, self.servers, self.links).elsewhere

    def _due(self) -> float:
        """Return when something happens next."""
        now = self.now
        times = [now + LONGEST, self.heartbeat.due(now), self.audit.due()]
        times += [server.due(now) for server in self.servers.values()]
        times += [at for at, _ in self.agenda] + [at for at, _, _ in self.talk.post]
        if not self.card.settled:
            times.append(now + STEP)
        for node in self.agents:
            times += self._agent_due(node, now)
        return min(times) + ROUNDING

    def _agent_due(self, node: Node, now: float) -> list[float]:
        """Return when the agent of `node` turns, is started, starts its engine, or hears something or nothing more."""
        agent, engine_at = self.agents[node], self._engine_at[node]
        if not self.servers[node].runs:
            return []
        times = [] if engine_at is None else [engine_at]
        if agent is None:
            return [self._respawn_at[node]]
        if engine_at is not None and engine_at <= now:
            times = [now + STEP] if agent.quiet else []
        return [*times, self.talk.due(node, agent, now), max(agent.turn_at, agent.paused_until)]

    def _talk(self) -> bool:
        return all(self.servers[node].runs and self.links.carries(node) for node in Node)

    def _plug(self, plugged: bool) -> None:
        agent = self.agents[P]
        if self.card.plugged is not plugged:
            self.card.plugged, self.card.coil = plugged, Relay.RELEASED
            if agent is not None:
                agent.forget_relay("the card went away or came back")

    def _follow_agenda(self) -> None:
        due = [entry for entry in self.agenda if entry[0] <= self.now]
        self.agenda = [entry for entry in self.agenda if entry[0] > self.now]
        for _, what in due:
            self.audit.cause_at = self.now
            what()

    def _stand_still(self, node: Node) -> None:
        """Have an agent whose node has stood still know, when it goes on, for how long."""
        since, agent = self._stood_since[node], self.agents[node]
        if self.servers[node].frozen:
            self._stood_since[node] = self.now if since is None else since
        elif since is not None:
            self._stood_since[node] = None
            if agent is not None:
                agent.wake(self.now, self.now - since)
                agent.woke = Woke(
                    agent.away, self.now, self.heartbeat.alive(node) is True, self._elsewhere(node)
                )

    def _elsewhere(self, node: Node) -> Reading[bool]:
        """Return whether the other node answers when this one asks the LAN for the cluster address."""
        other, (here, there) = self.servers[node.other], map(self.links.phones_reach, (node, node.other))
        return Known(other.address and other.runs and here and there, self.now)

    def _boot(self, node: Node) -> None:
        if self.agents[node] is None and self.servers[node].runs and self.now >= self._respawn_at[node]:
            self.agents[node] = Agent(self.sites[node], self.now)
            # What came and went before its birth it cannot know; what is still away it can see.
            self.servers[node].pbx.ghost &= not self.servers[node].bits
        engine_at, agent = self._engine_at[node], self.agents[node]
        if engine_at is not None and self.now >= engine_at and agent is not None and agent.quiet:
            self._engine_at[node] = None
            self.heartbeat.start_engine(node, self.now)

    def _is_due(self, node: Node, agent: Agent) -> bool:
        agent.now = self.now
        return self.servers[node].runs and agent.due()

    def _turn(self, node: Node, agent: Agent) -> None:
        try:
            agent.turn(self.now)
        except (ValueError, AssertionError) as problem:
            self.audit.find(Kind.RAISED, f"on the {node.value}: {problem}")
            self.kill_agent(node, with_hands=True)  # as it is when the product's agent dies of it


def served(witness: Witness = Witness.OFF, seed: int = 0, **watch: float) -> World:
    """Return a world in which the primary has come into service."""
    world = World(witness, dataclasses.replace(WATCH, **watch), seed)  # type: ignore[arg-type]
    assert world.until_quiet(60.0), world.picture()
    assert world.serving() is P
    return world
