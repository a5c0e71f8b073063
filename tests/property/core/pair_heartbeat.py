"""Heartbeat simplified, after docs/facts/heartbeat.md: one action at a time, stop answered before the peer's start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pair_metal import Server
from pair_node import Agent

from appliance.core.grant import Verb
from appliance.core.model import Node

DEADTIME = 2.0
INITDEAD = 4.0
SCRIPT = 0.2  # what starting a script costs
CANCELLED = 10.0  # hb_standby to a dead peer


@dataclass
class Engine:
    """Heartbeat's master on one node: `identity` is None while it does not run; `owns` is its own belief."""

    identity: int | None = None
    up_since: float = 0.0
    heard_at: float = 0.0
    silent_before: float = 0.0
    owns: bool = False
    owns_since: float = 0.0


@dataclass
class Script:
    """A resource script under way: it speaks at `speaks`, then waits for its answer."""

    node: Node
    verb: Verb
    ticket: float
    speaks: float
    spoken: bool = False
    then_start: Node | None = None
    ends: bool = False


@dataclass
class Heartbeat:
    """Both engines and what they do. `agent_of` gives a node's agent, which may be dead; `fence` reboots."""

    servers: Mapping[Node, Server]
    agent_of: Callable[[Node], Agent | None]
    fence: Callable[[Node], None]
    engines: dict[Node, Engine] = field(default_factory=lambda: {node: Engine() for node in Node})
    scripts: list[Script] = field(default_factory=list)
    tickets: float = 0.0
    births: int = 0
    standbys: dict[Node, float] = field(default_factory=dict)
    afresh: Node | None = None
    ignores_requests: bool = False  # as for the second after a move (docs/adr/0009)

    def start_engine(self, node: Node, now: float) -> None:
        self.births += 1
        self.engines[node] = Engine(self.births, now, now, now)

    def kill_engine(self, node: Node) -> None:
        """The master dies: nothing on the node is stopped by it."""
        self.engines[node] = Engine(heard_at=self.engines[node].heard_at)
        self.scripts = [script for script in self.scripts if script.node is not node]
        self.standbys.pop(node, None)
        self.afresh = None

    def stop_engine(self, node: Node, now: float) -> None:
        """`heartbeat -k`: what it owns is stopped by its script, then it ends."""
        if self.engines[node].identity is None:
            return
        self.scripts = [script for script in self.scripts if script.node is not node]
        self._begin(node, Verb.STOP, now, ends=True)

    def identity(self, node: Node) -> int | None:
        return self.engines[node].identity

    def serves(self, node: Node) -> bool | None:
        """Its word on whether `node` serves; None while it runs not, or is moving something."""
        moving = bool(self.scripts) or self.engines[node].identity is None
        return None if moving else self.engines[node].owns

    def alive(self, node: Node, now: float) -> bool | None:
        """What `node`'s Heartbeat says of its peer; None when it does not run."""
        if self.engines[node].identity is None:
            return None
        return now - self.engines[node.other].heard_at < DEADTIME

    def ask_standby(self, node: Node, now: float) -> None:
        if not self.ignores_requests:
            self.standbys[node] = now

    @property
    def quiet(self) -> bool:
        return not self.scripts and not self.standbys and self.afresh is None

    def turn(self, now: float) -> None:
        for node, engine in self.engines.items():
            if engine.identity is not None and self.servers[node].runs:
                engine.silent_before = now if now - engine.heard_at >= DEADTIME else engine.silent_before
                engine.heard_at = now
        for script in list(self.scripts):
            self._advance(script, now)
        if not self.scripts:
            self._resolve(now)

    def _resolve(self, now: float) -> None:
        """What the engines want next, one action at a time."""
        self._standby(now)
        owners = [node for node in Node if self.engines[node].owns]
        both_up = all(self._up(node, now) for node in Node)
        if len(owners) == 2 and both_up:
            # After a split or a thaw the one that was away gives up, and the other one starts afresh
            # (docs/facts/heartbeat.md).
            away = max(owners, key=lambda node: self.engines[node].silent_before)
            self._begin(away, Verb.STOP, now)
            self.afresh = away.other
        elif self.afresh is not None and both_up and not self.scripts:
            self._begin(self.afresh, Verb.STOP, now, then_start=self.afresh)
            self.afresh = None
        for node in () if self.scripts else Node:
            if not self._up(node, now) or self.engines[node].owns:
                continue
            if (both_up and not owners and node is Node.PRIMARY) or (
                not self._up(node.other, now) and now - self.engines[node].up_since >= INITDEAD
            ):
                self._begin(node, Verb.START, now)

    def _standby(self, now: float) -> None:
        for node, asked in list(self.standbys.items()):
            if not self.engines[node].owns or now - asked >= CANCELLED:
                del self.standbys[node]
            elif self._up(node, now) and self._up(node.other, now) and not self.scripts:
                del self.standbys[node]
                self._begin(node, Verb.STOP, now, then_start=node.other)

    def _up(self, node: Node, now: float) -> bool:
        engine = self.engines[node]
        return engine.identity is not None and now - engine.heard_at < DEADTIME

    def _begin(
        self, node: Node, verb: Verb, now: float, then_start: Node | None = None, *, ends: bool = False
    ) -> None:
        self.tickets += 1.0
        self.scripts.append(Script(node, verb, self.tickets, now + SCRIPT, then_start=then_start, ends=ends))

    def _advance(self, script: Script, now: float) -> None:
        if not self.servers[script.node].power:
            self._end(script, now)
            return
        agent = self.agent_of(script.node)
        answers = self.servers[script.node].runs and agent is not None and agent.awake
        if not answers or agent is None or now < script.speaks:
            return  # with no agent the script works alone; here init brings the agent back first
        if not script.spoken:
            agent.script(script.verb, script.ticket, now)
            script.spoken = True
            return
        self._hear(script, agent, now)

    def _hear(self, script: Script, agent: Agent, now: float) -> None:
        if script.verb is Verb.START:
            self.servers[script.node].address = True
            self._end(script, now)
            return
        stopped = agent.stopped()
        if stopped is False:
            self._end(script, now)
            self.fence(script.node)
        elif stopped:
            self.servers[script.node].address = False
            self._end(script, now)

    def _end(self, script: Script, now: float) -> None:
        self.scripts.remove(script)
        engine = self.engines[script.node]
        engine.owns = script.verb is Verb.START and engine.identity is not None
        engine.owns_since = now
        if script.ends:
            self.kill_engine(script.node)
        if script.then_start is not None and self._up(script.then_start, now):
            self._begin(script.then_start, Verb.START, now)
