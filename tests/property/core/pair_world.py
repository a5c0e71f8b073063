"""A pair in virtual time: two servers, one card, one line, Heartbeat, and the real core deciding on both."""

from __future__ import annotations

import dataclasses

from pair_heartbeat import Heartbeat
from pair_metal import SETTLE, Card, Hands, Server
from pair_node import Agent
from pair_site import WATCH, Book, Site, Word, policy_for

from appliance.core.decide import WatchPolicy
from appliance.core.grant import Grant
from appliance.core.journal_rules import Moment, Violation, energised_without_grant, two_owners
from appliance.core.model import Node, Pbx, Relay
from appliance.core.transfer import Order, Witness

P, S = Node.PRIMARY, Node.SECONDARY
BUSY, IDLE = 0.1, 0.5
RESPAWN = 0.5  # init starts a dead agent again
BOOT = 3.0  # from power to a running agent and Heartbeat
# From the end of a grant to a released relay: an agent to be respawned, a look, a command; and slack.
LETTING_GO = 5.0


class World:
    """The true state of the pair. Times in seconds from 1000."""

    def __init__(self, witness: Witness = Witness.OFF, watch: WatchPolicy = WATCH) -> None:
        self.now = 1000.0
        self.telco = True
        self.deaf: set[Node] = set()  # nodes to which the peer's messages do not come
        self.delay = 0.0
        self.card = Card()
        self.servers = {node: Server(node) for node in Node}
        self.heartbeat = Heartbeat(self.servers, self.agents_get, self.power_cut)
        self.agents: dict[Node, Agent | None] = dict.fromkeys(Node)
        self.books = {node: Book() for node in Node}
        self.sites = {node: self._site(node, witness, watch) for node in Node}
        self.hands = {node: Hands(server, self.card) for node, server in self.servers.items()}
        self.moments: list[Moment] = []
        self.problems: list[str] = []
        self.post: list[tuple[float, Node, Word]] = []
        self.said: dict[Node, tuple[float, Word | None]] = dict.fromkeys(Node, (0.0, None))
        self._respawn_at: dict[Node, float] = dict.fromkeys(Node, self.now)
        self._engine_at: dict[Node, float | None] = dict.fromkeys(Node, self.now)
        self._ghost_since: dict[Node, float | None] = dict.fromkeys(Node)
        self._unexcused_since = self.now
        self._bounced: dict[Node, bool] = dict.fromkeys(Node, False)

    def agents_get(self, node: Node) -> Agent | None:
        """The node's agent, if it lives."""
        return self.agents[node]

    # -- what can happen --------------------------------------------------------------------------------

    def power_cut(self, node: Node) -> None:
        """The node loses its power, and with it everything it remembers under /run; it boots by itself."""
        self.servers[node].lose_power(self.now)
        self.heartbeat.kill_engine(node)
        self.agents[node] = None
        self.lose_grant(node)
        self._respawn_at[node] = self._engine_at[node] = self.now + 1e9
        if node is P:
            self.card.coil = Relay.RELEASED

    def power_on(self, node: Node) -> None:
        if not self.servers[node].power:
            self.servers[node].power = True
            self._respawn_at[node] = self.now + BOOT
            self._engine_at[node] = self.now + BOOT + 1.0

    def kill_agent(self, node: Node, *, with_hands: bool, after: float = RESPAWN) -> None:
        """kill -9. Commands that it had begun go on by themselves, unless they die `with_hands`."""
        if self.agents[node] is None:
            return
        self.agents[node] = None
        self._respawn_at[node] = self.now + after
        self.servers[node].jobs = [] if with_hands else [j for j in self.servers[node].jobs if j.ends]

    def lose_grant(self, node: Node) -> None:
        """The file of the grant is gone; the journal still knows how far its generations were."""
        book = self.books[node]
        book.grant, book.lost = Grant(generation=book.grant.generation), True

    def kill_engine(self, node: Node) -> None:
        """kill -9 of Heartbeat's master; an operator starts it again later (`engine_on`)."""
        self.heartbeat.kill_engine(node)
        self._engine_at[node] = None

    def restart_engine(self, node: Node) -> None:
        """Heartbeat is stopped, its stop script first, and started again."""
        self.heartbeat.stop_engine(node, self.now)
        self._engine_at[node] = self.now

    def engine_on(self, node: Node) -> None:
        if self.heartbeat.identity(node) is None and self._engine_at[node] is None:
            self._engine_at[node] = self.now

    def pull_card(self) -> None:
        self._plug(False)

    def plug_card(self) -> None:
        self._plug(True)

    def pbx(self, node: Node, state: Pbx) -> None:
        """Asterisk dies or hangs, if it runs."""
        asterisk = self.servers[node].pbx
        if asterisk.state is Pbx.RUNNING or (state is Pbx.DEAD and asterisk.state is not Pbx.DEAD):
            asterisk.be(state, self.now)

    def heal(self) -> None:
        """Everything that was broken works again."""
        self.telco, self.delay = True, 0.0
        self.deaf.clear()
        self.card.mute = self.card.stuck = False
        self.card.takes = 0.05
        self.plug_card()
        for node, server in self.servers.items():
            server.frozen = False
            server.blind.clear()
            server.pbx.starts_fail = False
            server.pbx.far_end = True
            self.power_on(node)
            self.engine_on(node)

    # -- time -------------------------------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Let time go by."""
        end = self.now + seconds
        while self.now < end - 1e-9:
            self.now = min(end, self.now + (IDLE if self.quiet else BUSY))
            self.tick()

    def until_quiet(self, limit: float) -> bool:
        """Let time go by until one node serves and nothing moves for two seconds; False past `limit`."""
        quiet_since, end = self.now, self.now + limit
        while self.now < end:
            self.advance(BUSY)
            if not (self.quiet and self.serving() is not None):
                quiet_since = self.now
            elif self.now - quiet_since >= 2.0:
                return True
        return False

    def sleep(self, seconds: float) -> None:
        """Let a quiet time go by at once, in which every node beats and speaks as before."""
        assert self.quiet, "only a quiet time can be slept through"
        self.now += seconds
        for node, agent in self.agents.items():
            if agent is not None:
                agent.sleep(self.now)
                agent.heard = (self.now, agent.heard[1]) if agent.heard else None
            self.said[node] = (self.now, self.said[node][1])
            if self.servers[node].runs:
                self.heartbeat.engines[node].heard_at = self.now

    @property
    def quiet(self) -> bool:
        agents = all(
            agent.quiet if agent is not None else not self.servers[node].power
            for node, agent in self.agents.items()
        )
        return agents and self.heartbeat.quiet and not any(server.jobs for server in self.servers.values())

    def tick(self) -> None:
        """One moment: metal, Heartbeat, agents, messages, and what an observer sees of it all."""
        self.card.settle()
        leads_to = P if self.card.armature is Relay.ENERGISED else S
        for node, server in self.servers.items():
            self._boot(node)
            bits = self.telco and server.power and node is leads_to
            server.follow_line(bits, self.agents[node] is not None, self.now)
            if server.runs:
                self.hands[node].work(self.now)
        self.heartbeat.turn(self.now)
        for node, agent in self.agents.items():
            if agent is not None and self.servers[node].runs:
                agent.turn(self.now)
        self._exchange()
        self._observe(leads_to)

    # -- what is true -----------------------------------------------------------------------------------

    def holders(self) -> list[Node]:
        return [node for node, agent in self.agents.items() if agent is not None and agent.role.holds]

    def serving(self) -> Node | None:
        """The node on which the line is truly in service, if it is so on one."""
        for node, server in self.servers.items():
            settled = server.bits and self.now - server.bits_since >= 5.0
            if settled and server.pbx.link_up and not server.pbx.ghost:
                return node
        return None

    def violations(self) -> list[Violation | str]:
        """Every invariant that did not hold so far."""
        found: list[Violation | str] = list(self.problems)
        found += two_owners(self.moments)
        found += energised_without_grant(self.moments, LETTING_GO)
        self.moments = self.moments[-1:] if self.moments else []
        return found

    def picture(self) -> dict[Node, tuple[object, ...]]:
        """What a transfer ends in, for comparing ends."""
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

    # -- inside -----------------------------------------------------------------------------------------

    def _site(self, node: Node, witness: Witness, watch: WatchPolicy) -> Site:
        return Site(
            server=self.servers[node],
            card=self.card,
            book=self.books[node],
            policy=policy_for(node, witness),
            watch=watch,
            engine=lambda: self.heartbeat.identity(node),
            alive=lambda: self.heartbeat.alive(node, self.now),
            ask_standby=lambda: self.heartbeat.ask_standby(node, self.now),
            ask_takeover=lambda: self.heartbeat.ask_standby(node.other, self.now),
            restart_engine=lambda: self.restart_engine(node),
            engine_moving=lambda: bool(self.heartbeat.scripts),
            engine_serves=lambda: self.heartbeat.serves(node),
        )

    def _plug(self, plugged: bool) -> None:
        agent = self.agents[P]
        if self.card.plugged is not plugged:
            self.card.plugged, self.card.coil = plugged, Relay.RELEASED
            if agent is not None:
                agent.card_changed()

    def _boot(self, node: Node) -> None:
        if self.agents[node] is None and self.servers[node].runs and self.now >= self._respawn_at[node]:
            self.agents[node] = Agent(self.sites[node], self.now)
            # What came and went before its birth it cannot know; what is still away it can see.
            self.servers[node].pbx.ghost &= not self.servers[node].bits
        engine_at, agent = self._engine_at[node], self.agents[node]
        stopped = self.heartbeat.identity(node) is None
        if engine_at is not None and stopped and self.now >= engine_at and agent is not None and agent.quiet:
            self._engine_at[node] = None
            self.heartbeat.start_engine(node, self.now)

    def _exchange(self) -> None:
        for node, agent in self.agents.items():
            silent = agent is None or not agent.awake or not self.servers[node].runs
            if agent is None or silent or self.heartbeat.identity(node) is None:
                continue
            at, word = self.said[node]
            new = agent.word()
            if new != word or self.now - at >= 1.0:
                self.said[node] = (self.now, new)
                self.post.append((self.now + self.delay, node.other, new))
        due = [letter for letter in self.post if letter[0] <= self.now]
        self.post = [letter for letter in self.post if letter[0] > self.now]
        for _, node, word in due:
            reader = self.agents[node]
            if reader is not None and node not in self.deaf and self.servers[node].runs:
                reader.heard = (self.now, word)

    def _observe(self, leads_to: Node) -> None:
        claims = {node: agent is not None and agent.claims_line for node, agent in self.agents.items()}
        frozen = {node for node, server in self.servers.items() if server.frozen}
        excused = not self.card.obeys or P in frozen or "card" in self.servers[P].blind
        relay = self.card.armature
        granted = {node: self._granted(node) for node in Node}
        if excused or self.now - self._unexcused_since < 3.0:
            granted[P] = True  # no one could let go: the card or its whole node did not obey
        if excused:
            self._unexcused_since = self.now
        for node in frozen:
            claims[node] = False  # it says nothing at all
        self.moments.append(Moment(self.now, relay, granted, claims))
        for node, agent in self.agents.items():
            if agent is not None:
                self._watch_patience(node, agent)
        for node, claimed in claims.items():
            self._watch_ghost(node, claimed and self.servers[node].pbx.ghost and leads_to is node)

    def _granted(self, node: Node) -> bool:
        """An agent that lives knows its grant, whatever became of the file."""
        agent, book = self.agents[node], self.books[node]
        known = book.lost and agent is not None and agent.state.grant.held
        return book.grant.held or known

    def _watch_patience(self, node: Node, agent: Agent) -> None:
        """A link is restarted only for a ghost, or once its D-channel had its time; Asterisk after twice that."""
        server = self.servers[node]
        up_at = max(server.bits_since + SETTLE, server.pbx.since, server.pbx.fell_at)
        for at, order, _ in agent.given[agent.audited :]:
            waits = {Order.RESTART_SPANS: 7.5, Order.RESTART_PBX: 15.5}.get(order)
            suspicious = self._bounced[node]  # the line was away while Asterisk held its link up
            if waits is not None and at - up_at < waits and not suspicious:
                self.problems.append(
                    f"{at:.1f}: the {node.value} gave {order.name} {at - up_at:.1f} s after it could"
                )
        agent.audited = len(agent.given)
        if not server.bits and server.pbx.link_up:
            self._bounced[node] = True
        elif not server.pbx.link_up and "dchannel" not in server.blind:
            self._bounced[node] = False

    def _watch_ghost(self, node: Node, ghost: bool) -> None:
        since = self._ghost_since[node]
        self._ghost_since[node] = (since or self.now) if ghost else None
        if ghost and since is not None and self.now - since > 1.0:
            self.problems.append(f"{self.now:.1f}: the {node.value} claims a ghost link")


def served(witness: Witness = Witness.OFF, **watch: float) -> World:
    """A world in which the primary has come into service."""
    world = World(witness, dataclasses.replace(WATCH, **watch))  # type: ignore[arg-type]
    assert world.until_quiet(60.0), world.picture()
    assert world.serving() is P
    return world
