"""What an observer of the pair finds wrong, apart from any scenario: looked at after every step.

It looks at the true state of the world: relay, address, Asterisk, cables. Of the agents it asks one thing only: whether
they have an alert out, where rule 11 of the design lets them off with one.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from appliance.core.journal_rules import (
    Moment,
    Violation,
    audit_journal,
    energised_without_grant,
    two_owners,
)
from appliance.core.model import Node, Pbx, Relay
from appliance.core.progress import ENDING
from appliance.core.transfer import Order
from appliance.core.values import held_since
from hwsim.virtual.alarm import says_nobody_serves, says_two_may_serve
from hwsim.virtual.links import Links
from hwsim.virtual.metal import SETTLE, Card, Server
from hwsim.virtual.node import Agent
from hwsim.virtual.site import Book
from hwsim.virtual.talk import Talk

# From the end of a grant to a released relay: an agent to be respawned, a look, a command; and slack.
LETTING_GO = 5.0
NOBODY_BOUND = 60.0  # a settled split costs 27 s, a frozen node 27 s, a start 20 s
TWO_BOUND = 10.0  # after both can hear each other; Heartbeat itself takes 2.8 s after a split
APART_BOUND = 15.0  # without a link they cannot know of each other; then both must say so
AHEAD_BOUND = 4.0  # a message, a turn, and Asterisk's stop; and for how long messages are late
KNOWS_AFTER = 15.0  # an agent that has just been started, or could not turn until now, has seen nothing yet
MENDING = 10.0  # an alert ends when something has begun to mend its cause
CAUSE_LASTS = 180.0
LOOKS_AGAIN = 1.0  # what is wrong with the line is looked at so often: how long it lasts is what counts


class Kind(enum.Enum):
    """A kind of violation."""

    OWNERS = "two owners of the line, or one that does not have it"
    RELAY = "the relay is energised without a grant"
    GHOST = "a link that is dead is called alive, or one was restarted too soon"
    RAISED = "the controller raised an exception"
    JOURNAL = "a node's journal tells of what must not be"
    GENERATION = "the generation of a grant fell"
    TWO = "both nodes serve the telephones, and could hear each other"
    AHEAD = "two Asterisks run, and one of them was started ahead of a grant"
    BESIDE = "an Asterisk was started ahead of a grant beside one that had run for long"
    TWO_UNSAID = "both nodes serve the telephones, and one of them does not say so"
    NOBODY_UNSAID = "nobody serves the telephones, and no node says so"
    NOBODY_HALF_SAID = "nobody serves the telephones, and only one node says so"
    NO_CAUSE = "service moved without a cause"
    LOST = "a message was lost"
    APART = "the pair is whole, and messages are on one node only"
    ALARM = "the pair is whole, and a node still has a critical alert out"
    NEVER_WHOLE = "everything is repaired, and service does not return to one node"


@dataclass(frozen=True)
class Finding:
    """A violation in words."""

    kind: Kind
    at: float
    says: str


class Pair(Protocol):
    """What an observer looks at (see `hwsim/virtual/world.py`)."""

    now: float
    links: Links
    card: Card
    talk: Talk

    @property
    def servers(self) -> Mapping[Node, Server]:
        """The nodes."""
        ...

    @property
    def agents(self) -> Mapping[Node, Agent | None]:
        """The agents that live."""
        ...

    @property
    def books(self) -> Mapping[Node, Book]:
        """The grants on file."""
        ...

    @property
    def stopped(self) -> Collection[Node]:
        """The nodes on which an operator has stopped the engine."""
        ...

    def granted(self, node: Node) -> bool:
        """Tell whether the node has a grant."""
        ...

    def in_words(self) -> str:
        """Say where everything is."""
        ...


@dataclass
class Observer:
    """Everything found so far. `moments`: the true owner of the line over time."""

    world: Pair
    found: list[Finding] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    cause_at: float = 1000.0
    _nobody_since: float | None = None
    _two_since: float | None = None
    _silent_since: float | None = None
    _heard_since: float | None = None
    _told: set[Kind] = field(default_factory=set)
    _asked_at: float = 0.0
    _moves: int = 0
    _generations: dict[Node, int] = field(default_factory=lambda: dict.fromkeys(Node, 0))
    _ghost_since: dict[Node, float | None] = field(default_factory=lambda: dict.fromkeys(Node))
    _unexcused_since: float = 0.0
    _right: bool = False
    _ahead: set[Node] = field(default_factory=set)
    _ahead_since: float | None = None
    _ahead_late: float = 0.0
    _runs_since: dict[Node, float | None] = field(default_factory=lambda: dict.fromkeys(Node))
    _bounced: dict[Node, bool] = field(default_factory=lambda: dict.fromkeys(Node, False))

    def rules_broken(self) -> list[Violation | str]:
        """Return what did not hold of the rules of the line since the last call."""
        found: list[Violation | str] = list(self.problems)
        found += two_owners(self.moments)
        found += energised_without_grant(self.moments, LETTING_GO)
        self.moments = self.moments[-1:]
        return found

    def read_journals(self) -> None:
        """Find what the journals tell of that must not be, by the shipped audit (`asha events --verify`)."""
        for node, book in self.world.books.items():
            for broken in audit_journal(book.journal):
                self.find(
                    Kind.JOURNAL, f"{broken.rule}, on the {node.value} at {broken.at:.1f}: {broken.seen}"
                )

    def find(self, kind: Kind, says: str) -> None:
        """Note a violation."""
        self.found.append(Finding(kind, self.world.now, says))

    def due(self) -> float:
        """Return when something becomes too long."""
        times = []
        if self._nobody_since is not None and Kind.NOBODY_UNSAID not in self._told:
            times.append(max(self._nobody_since + NOBODY_BOUND, self._asked_at + 5.0))
        if self._two_since is not None and Kind.TWO_UNSAID not in self._told:
            times.append(max(self._two_since + APART_BOUND, self._asked_at + 5.0))
        if self._heard_since is not None and Kind.TWO not in self._told:
            times.append(self._heard_since + TWO_BOUND)
        if self._ahead_since is not None:
            times.append(self._ahead_since + AHEAD_BOUND + self._ahead_late)
        if not self._right or any(since is not None for since in self._ghost_since.values()):
            times.append(self.world.now + LOOKS_AGAIN)
        return min((time for time in times if time > self.world.now), default=float("inf"))

    # -- who serves the telephones ------------------------------------------------------------------------

    def look_at_service(self, answering: list[Node]) -> None:
        """Look at how many answer at the cluster address, and for how long that has been so."""
        if len(answering) == 1:
            self._nobody_since = self._two_since = self._heard_since = self._silent_since = None
            self._told.clear()
        elif answering:
            self._look_at_two()
        else:
            self._look_at_nobody()
        self._look_at_moves()
        self._look_at_grants()
        self._look_ahead()

    def _look_ahead(self) -> None:
        """Look at Asterisks that were started ahead of a grant, and for how long another one has run meanwhile."""
        world, before = self.world, self._ahead_since
        for node, server in world.servers.items():
            agent = world.agents[node]
            ended = agent is not None and agent.busy & ENDING  # a planned move tells of it as it begins
            runs = server.runs and server.pbx.state is Pbx.RUNNING and not ended
            self._runs_since[node] = held_since(self._runs_since[node], world.now, runs)
        for node, agent in world.agents.items():
            if agent is not None and agent.state.prepared.since is not None:
                if node not in self._ahead:
                    self._look_beside(node)
                self._ahead.add(node)
            if world.granted(node) or world.servers[node].pbx.state is Pbx.DEAD:
                self._ahead.discard(node)
        # Who stands still, or has no agent until init starts one, can end nothing: the time counts from when
        # that is over. And what something else starts is no start of asha's.
        acts = all(server.runs and not server.pbx.starter for server in world.servers.values())
        acts = acts and all(agent is not None and agent.answers for agent in world.agents.values())
        two = acts and all(server.pbx.state is not Pbx.DEAD for server in world.servers.values())
        self._ahead_since = (world.now if before is None else before) if self._ahead and two else None
        if self._ahead_since is None:
            self._ahead_late = 0.0
            return
        self._ahead_late = max(self._ahead_late, world.talk.delay)
        if before is not None and world.now - before >= AHEAD_BOUND + self._ahead_late:
            self._tell(Kind.AHEAD, f"for {world.now - before:.1f} s; {world.in_words()}")

    def _look_beside(self, node: Node) -> None:
        """Look whether the Asterisk that `node` starts ahead of a grant stands beside one that nothing has ended.

        Whether the other node's agent is there does not matter here: it is telephones and callers who meet two. One
        without the cluster address meets nobody. While nothing comes from the other node, or its agent is away and the
        LAN too, over which a telephone would have asked, a line that falls cannot be told from a loss of power.
        """
        since, world, other = self._runs_since[node.other], self.world, self.world.servers[node.other]
        lan = all(world.links.phones_reach(each) for each in Node)
        told = lan and other.address and world.links.carries(node.other)
        if since is None or other.pbx.starter or not told:
            return
        if world.now - since >= AHEAD_BOUND + world.talk.delay:
            self._tell(Kind.BESIDE, f"which had run for {world.now - since:.1f} s; {world.in_words()}")

    def _look_at_two(self) -> None:
        now, world = self.world.now, self.world
        self._nobody_since = None
        self._two_since = now if self._two_since is None else self._two_since
        # A node without an agent can let go of nothing; init starts one again, and until then the other one tells.
        acts = all(agent is not None and agent.answers for agent in world.agents.values())
        hear = acts and any(world.links.carries(node) for node in Node)
        self._heard_since = (self._heard_since if self._heard_since is not None else now) if hear else None
        if self._heard_since is not None and now - self._heard_since >= TWO_BOUND:
            self._tell(Kind.TWO, f"both have served for {now - self._two_since:.0f} s")
        if now - self._two_since >= APART_BOUND and now - self._asked_at >= 5.0:
            self._asked_at = now
            silent = [agent for agent in self._who_could_say() if not says_two_may_serve(agent)]
            if silent:
                self._tell(Kind.TWO_UNSAID, f"{_names(silent)} does not say so")

    def _look_at_nobody(self) -> None:
        now = self.world.now
        self._two_since = self._heard_since = None
        if self._told & {Kind.NOBODY_UNSAID, Kind.NOBODY_HALF_SAID}:
            return
        switched_off = all(
            not server.power or node in self.world.stopped for node, server in self.world.servers.items()
        )
        self._nobody_since = now if switched_off or self._nobody_since is None else self._nobody_since
        if now - self._nobody_since < NOBODY_BOUND or now - self._asked_at < 5.0:
            return
        self._asked_at = now
        asked = self._who_could_say()
        silent = [agent for agent in asked if not says_nobody_serves(agent)]
        since = f"for {now - self._nobody_since:.0f} s"
        self._silent_since = (now if self._silent_since is None else self._silent_since) if silent else None
        if self._silent_since is None or now - self._silent_since < MENDING:
            return
        if len(silent) == len(asked):
            self._tell(Kind.NOBODY_UNSAID, f"{since}; {self.world.in_words()}")
        else:
            self._tell(
                Kind.NOBODY_HALF_SAID, f"{since}; {_names(silent)} says nothing; {self.world.in_words()}"
            )

    def _who_could_say(self) -> list[Agent]:
        """Return the agents that run for long enough; an engine that an operator has stopped is nothing to tell of."""
        world = self.world
        return [
            agent
            for node, agent in world.agents.items()
            if agent is not None
            and agent.answers
            and world.servers[node].runs
            and world.now - agent.went_on >= KNOWS_AFTER
            and node not in world.stopped
        ]

    def _tell(self, kind: Kind, says: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            self.find(kind, says)

    def _look_at_moves(self) -> None:
        if self.world.card.moves == self._moves:
            return
        self._moves = self.world.card.moves
        if self.world.now - self.cause_at > CAUSE_LASTS:
            self.find(Kind.NO_CAUSE, f"nothing has happened for {self.world.now - self.cause_at:.0f} s")

    def _look_at_grants(self) -> None:
        for node, book in self.world.books.items():
            generation = book.grant.generation
            if generation < self._generations[node]:
                self.find(
                    Kind.GENERATION, f"{generation} after {self._generations[node]} on the {node.value}"
                )
            self._generations[node] = generation

    # -- the line -----------------------------------------------------------------------------------------

    def look_at_line(self, leads_to: Node, *, turned: bool) -> None:
        """Look at who says that the line is in service on it, and who truly has it. `turned`: an agent has."""
        world = self.world
        if not turned and self._right and self.moments and self.moments[-1].relay is world.card.armature:
            return  # only what is wrong counts by its length
        claims = {node: agent is not None and agent.claims_line for node, agent in world.agents.items()}
        frozen = {node for node, server in world.servers.items() if server.frozen}
        excused = (
            not world.card.obeys
            or Node.PRIMARY in frozen
            or "card" in world.servers[Node.PRIMARY].blind
            or world.agents[Node.PRIMARY] is None  # until init starts one again
        )
        granted = {node: world.granted(node) for node in world.books}
        if excused:
            self._unexcused_since = world.now
        if world.now - self._unexcused_since < 3.0:
            granted[Node.PRIMARY] = True  # no one could let go: the card or its whole node did not obey
        for node, agent in world.agents.items():
            if node in frozen or (agent is not None and not agent.answers):
                claims[node] = False  # it says nothing at all
        moment = Moment(world.now, world.card.armature, granted, claims)
        self._right = self._same(moment)
        if not self._right:
            self.moments.append(moment)
        for node, agent in world.agents.items():
            if agent is not None:
                self._watch_patience(node, agent)
        for node, claimed in claims.items():
            ghost = claimed and world.servers[node].pbx.ghost and leads_to is node
            self._watch_ghost(node, ghost)
            self._right = self._right and not ghost

    def _same(self, moment: Moment) -> bool:
        """Tell whether nothing is new, and nothing is wrong whose length counts."""
        if not self.moments:
            return False
        last, energised = self.moments[-1], moment.relay is Relay.ENERGISED
        right = moment.granted[Node.PRIMARY] if energised else not moment.claims_line[Node.PRIMARY]
        alike = (last.relay, last.granted, last.claims_line) == (
            moment.relay,
            moment.granted,
            moment.claims_line,
        )
        return alike and right and not (energised and moment.claims_line[Node.SECONDARY])

    def _watch_patience(self, node: Node, agent: Agent) -> None:
        """See that a link, or Asterisk for its sake, is restarted only for a ghost or after its D-channel's time."""
        server = self.world.servers[node]
        up_at = max(server.bits_since + SETTLE, server.pbx.since, server.pbx.fell_at)
        for at, order, _ in agent.given[agent.audited :]:
            waits = {Order.RESTART_SPANS: 15.5, Order.RESTART_PBX: 7.5}.get(order)
            suspicious = self._bounced[node]  # the line was away while Asterisk held its link up
            if waits is not None and at - up_at < waits and not suspicious:
                self.problems.append(
                    f"{at:.1f}: the {node.value} gave {order.name} {at - up_at:.1f} s after it could"
                )
        agent.audited = len(agent.given)
        unseen = "dchannel" in server.blind and server.pbx.state is Pbx.RUNNING
        if not server.bits and (server.pbx.link_up or unseen):
            self._bounced[node] = True
        elif not server.pbx.link_up and agent.answers and "dchannel" not in server.blind:
            self._bounced[node] = (
                False  # the agent has seen it go down: one that was stopped meanwhile has not
            )

    def _watch_ghost(self, node: Node, ghost: bool) -> None:
        since = self._ghost_since[node]
        self._ghost_since[node] = (self.world.now if since is None else since) if ghost else None
        if ghost and since is not None and self.world.now - since > 1.0:
            self.problems.append(f"{self.world.now:.1f}: the {node.value} claims a ghost link")


def _names(agents: list[Agent]) -> str:
    return " and ".join(f"the {agent.this_node.node.value}" for agent in agents)
