"""Heartbeat on both nodes: two masters, the words between them, and the resource scripts that they run.

A script speaks to the agent of its node. When none answers it works alone, with the same controller, as the product's
does. One script at a time runs on a node; Heartbeat waits for it without a limit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from appliance.core.engine_requests import DEATH_CALLED
from appliance.core.grant import Verb
from appliance.core.model import Node
from hwsim.virtual.engine import (
    AGAIN,
    DEADTIME,
    HOUR,
    JOINS,
    After,
    Engine,
    Member,
    Stage,
    Standby,
    Word,
    Work,
)
from hwsim.virtual.links import Links
from hwsim.virtual.metal import Server
from hwsim.virtual.node import Agent

SCRIPT = 0.2  # what starting a script costs
LATENCY = (0.03, 0.2)  # a word is acted on at a tick
RESENT = (0.3, 2.0)  # a word that a cut link kept back comes so long after the link, if it comes
LOST = 0.5
FORCED = 0.5  # a master that is ended by force runs again after so long
KEPT_OFF = DEADTIME + DEATH_CALLED  # and one that is kept off until the other one has called it dead
ALONE_AFTER = 2.0  # a script that finds no agent works alone after so long
SOON = 0.1  # what can go on at once does so after so long
NEVER = float("inf")


@dataclass
class Letter:
    """A word on its way to one life of a master. `at` is None while a cut link keeps it back."""

    word: Word
    to: Node
    life: int
    at: float | None


@dataclass
class Script:
    """A resource script under way: it speaks at `speaks`, then waits for its answer. `hand`: it was run by hand."""

    node: Node
    work: Work
    ticket: float
    speaks: float
    spoken: bool = False
    hand: bool = False
    alone: Agent | None = None

    @property
    def verb(self) -> Verb:
        """What it says."""
        return self.work.verb


@dataclass
class Heartbeat:
    """Both masters and what they do.

    `agent_of` gives a node's agent, which may be dead; `alone_on` a resource script that works as one; `reboot`
    reboots a node whose stop has failed.
    """

    servers: Mapping[Node, Server]
    links: Links
    agent_of: Callable[[Node], Agent | None]
    alone_on: Callable[[Node], Agent]
    reboot: Callable[[Node], None]
    dice: Random
    engines: dict[Node, Engine] = field(default_factory=dict)
    scripts: dict[Node, Script] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)
    reborn: dict[Node, float] = field(default_factory=dict)
    tickets: float = 0.0
    hearing: set[Node] = field(default_factory=set)  # who hears the other one, until something changes
    births: int = 0
    now: float = 0.0

    def __post_init__(self) -> None:
        for node in Node:
            self.engines[node] = self._none(node)

    # -- what is done to it -------------------------------------------------------------------------------

    def start_engine(self, node: Node, now: float) -> None:
        """Start a master, unless one runs."""
        if self.engines[node].identity is not None:
            return
        self.births += 1
        engine = self._none(node)
        engine.identity, engine.born = self.births, now
        engine.talks_at = now + self.dice.uniform(*JOINS)
        self.engines[node] = engine
        self.reborn.pop(node, None)

    def kill_engine(self, node: Node) -> None:
        """End the master as by kill -9: nothing on the node is stopped by it."""
        self.engines[node] = self._none(node)
        self.scripts.pop(node, None)
        self.reborn.pop(node, None)

    def restart_engine(self, node: Node, now: float, *, until_dead: bool = False) -> None:
        """End the master by force and start it again, as the product does when it obeys no order."""
        if self.engines[node].identity is None:
            return
        self.kill_engine(node)
        self.reborn[node] = now + (KEPT_OFF if until_dead else FORCED)

    def stop_engine(self, node: Node, now: float) -> None:
        """Tell the master to end: `asha ha stop`."""
        engine = self.engines[node]
        if engine.stage is Stage.WAITING:
            self.kill_engine(node)
        elif engine.stop_at is None:
            engine.stop_at, engine.starts_again = now, False

    def stops(self, node: Node) -> bool:
        """Tell whether an order to stop, or to stop and start, is under way: the next order waits for it."""
        engine = self.engines[node]
        if node in self.reborn:
            return True
        ends = engine.stop_at is not None or engine.stage is Stage.STOPPING
        return engine.identity is not None and ends and not engine.starts_again

    def ask_standby(self, node: Node, now: float) -> float:
        """Ask for a hand-over by the master of `node` (`hb_standby`); return for how long it drops that."""
        if self.engines[node].identity is None:
            return 0.0
        self._send(Word("ask", node, info="me"), now)
        return self.engines[node].seconds_dropped(now)

    def ask_takeover(self, node: Node, now: float) -> float:
        """Ask by the master of `node` that the other one hands over (`hb_takeover`); return as `ask_standby`.

        The other one asks in its own name, so the words of it are the same, and are dropped as they are.
        """
        if self.engines[node].identity is None:
            return 0.0
        self._send(Word("ask", node.other, info="me"), now, carrier=node)
        return self.engines[node].seconds_dropped(now)

    def trap(self, node: Node, now: float) -> None:
        """Have the master of `node` wait for the end of a hand-over: it ignores every request for an hour."""
        engine = self.engines[node]
        engine.standby, engine.standby_until = Standby.OTHER, now + HOUR

    def by_hand(self, node: Node, verb: Verb, now: float) -> None:
        """Run the resource script without Heartbeat."""
        if node not in self.scripts:
            self._begin(node, Work(verb, After.TELL), now, hand=True)

    # -- what it says -------------------------------------------------------------------------------------

    def identity(self, node: Node) -> int | None:
        """Return the master that runs on `node`."""
        return self.engines[node].identity

    def serves(self, node: Node) -> bool | None:
        """Its word on whether `node` serves; None while it runs not, or is moving something."""
        engine = self.engines[node]
        return engine.holds if engine.identity is not None and self._stable(node) else None

    def moving(self, node: Node) -> bool:
        """Tell whether it says that it is in transition."""
        return self.engines[node].identity is not None and not self._stable(node)

    def alive(self, node: Node) -> bool | None:
        """Return what `node`'s master says of its peer; None when it does not say."""
        peer = self.engines[node].peer
        return None if peer is Member.UNHEARD else peer is Member.ALIVE

    @property
    def quiet(self) -> bool:
        """Nothing is on its way."""
        engines = self.engines.values()
        idle = all(
            engine.identity is None
            or (
                engine.stage is Stage.STABLE
                and engine.standby is not Standby.ME  # the other states may last for an hour
                and engine.stop_at is None
                and not engine.work
            )
            for engine in engines
        )
        return idle and not self.scripts and not self.reborn and all(x.at is None for x in self.letters)

    def _stable(self, node: Node) -> bool:
        return self.engines[node].stable and node not in self.scripts

    # -- time ---------------------------------------------------------------------------------------------

    def pass_time(self, now: float) -> None:
        """Have the masters that hear each other do so until now, when something may change."""
        for node in self.hearing:
            self.engines[node].heard_at = now

    def turn(self, now: float) -> None:
        """Have everything happen that is due."""
        self.now = now
        for node in [node for node, at in self.reborn.items() if at <= now and self.servers[node].runs]:
            self.start_engine(node, now)
        for node in self.engines:
            if self._heard(node, now):
                self.engines[node].hear(self.engines[node.other].identity or 0, now)
        if self.letters:
            self._deliver(now)
        for node, engine in [*self.engines.items()]:
            if engine.identity is None or not self.servers[node].runs:
                continue
            if engine.heeds_no_stop(now):
                self.kill_engine(node)  # as the product does
                continue
            engine.turn(now)
            if engine.work and node not in self.scripts:
                self._begin(node, engine.work[0], now)
        for script in list(self.scripts.values()):
            self._advance(script, now)

    def due(self, now: float) -> float:
        """Return when something happens next by itself."""
        times = [*self.reborn.values()]
        for letter in self.letters:
            if letter.at is not None:
                times.append(letter.at)
        for node, engine in self.engines.items():
            if engine.identity is None:
                continue
            heard = self._heard(node, now)
            (self.hearing.add if heard else self.hearing.discard)(node)
            times.append(engine.due(now, carried=heard))
            if engine.talks_at > now:
                times.append(engine.talks_at)
            if engine.work and node not in self.scripts and self.servers[node].runs:
                times.append(now + SOON)
        times += [self._script_due(script, now) for script in self.scripts.values()]
        return min((time for time in times if time > now), default=NEVER)

    def _script_due(self, script: Script, now: float) -> float:
        """Return when a script goes on."""
        if not self.servers[script.node].runs:
            return NEVER
        if now < script.speaks:
            return script.speaks
        agent = script.alone or self.agent_of(script.node)
        if agent is None or not agent.answers:
            return NEVER if script.spoken else script.speaks + ALONE_AFTER
        waits = script.spoken and script.verb is Verb.STOP and agent is not script.alone
        return NEVER if waits and agent.stopped() is None else now + SOON

    def _heard(self, node: Node, now: float) -> bool:
        """Tell whether the master of `node` hears the other one now."""
        for each, engine in self.engines.items():
            if engine.identity is None or engine.talks_at > now or not self.servers[each].runs:
                return False
        return self.links.carries(node.other)

    def _none(self, node: Node) -> Engine:
        return Engine(node, self.dice, self.send_now)

    def send_now(self, word: Word) -> None:
        """Send a word of a master whose turn it is."""
        self._send(word, self.now)

    # -- words --------------------------------------------------------------------------------------------

    def _send(self, word: Word, now: float, carrier: Node | None = None) -> None:
        """Send a word to both masters; what a cut link keeps back is sent again, or lost.

        Args:
            word: What is said.
            now: Virtual seconds.
            carrier: Where it is said, when that is not the node that it speaks for.
        """
        source = carrier or word.sender
        for to in Node:
            life = self.engines[to].identity
            if life is None:
                continue
            at: float | None = now + self.dice.uniform(*LATENCY)
            if to is not source and not self.links.carries(source):
                if self.dice.random() < LOST:
                    continue
                at = None
            if at is not None:  # words come in their order, unless a cut link has kept one back
                at = max([at, *(x.at for x in self.letters if x.at is not None and x.to is to)])
            self.letters.append(Letter(word, to, life, at))

    def _deliver(self, now: float) -> None:
        kept: list[Letter] = []
        due: list[Letter] = []
        for letter in self.letters:
            if self.engines[letter.to].identity != letter.life:
                continue
            if letter.at is None and self.links.carries(letter.to.other):
                letter.at = now + self.dice.uniform(*RESENT)
            late = letter.at is None or letter.at > now or not self.servers[letter.to].runs
            (kept if late else due).append(letter)
        self.letters = kept
        for letter in due:
            self.engines[letter.to].read(letter.word, now)

    # -- scripts ------------------------------------------------------------------------------------------

    def _begin(self, node: Node, work: Work, now: float, *, hand: bool = False) -> None:
        self.tickets += 1.0
        self.scripts[node] = Script(node, work, self.tickets, now + SCRIPT, hand=hand)

    def _advance(self, script: Script, now: float) -> None:
        if not self.servers[script.node].runs or now < script.speaks:
            return
        agent = self._answering(script, now)
        if agent is None:
            return
        if not script.spoken:
            script.spoken = True
            if script.verb is Verb.START and agent.line_held():
                # Its status says that it runs; the address is a resource of its own.
                if not script.hand:
                    self.servers[script.node].granted_address()
                self._end(script, now)
            else:
                agent.script(script.verb, script.ticket, now)
            return
        self._hear(script, agent, now)

    def _answering(self, script: Script, now: float) -> Agent | None:
        """Return who answers the script: the agent, or the script itself when there was none for long."""
        agent = self.agent_of(script.node)
        if script.alone is not None:
            script.alone.turn(now)
            return script.alone
        if agent is not None and agent.answers:
            return agent
        if now - script.speaks >= ALONE_AFTER and not script.spoken:
            script.alone = self.alone_on(script.node)
        return script.alone

    def _hear(self, script: Script, agent: Agent, now: float) -> None:
        if script.verb is Verb.START:
            if agent is script.alone and agent.busy:
                return  # one that works alone answers when its orders are carried out
            if not script.hand:
                self.servers[script.node].granted_address()  # a resource of its own, that comes before
            self._end(script, now)
            return
        stopped = agent.stopped()
        if stopped is False:
            self._end(script, now)
            self.reboot(script.node)
        elif stopped:
            self.servers[script.node].address = self.servers[script.node].address and script.hand
            self._end(script, now)

    def _end(self, script: Script, now: float) -> None:
        self.scripts.pop(script.node, None)
        engine = self.engines[script.node]
        if script.hand or engine.identity is None or not engine.work:
            return
        engine.work.pop(0)
        match script.work.after:
            case After.TELL:
                self._send(
                    Word("resources", script.node, holds=engine.holds, stable=engine.stage is Stage.STABLE),
                    now,
                )
            case After.DONE:
                self._send(Word("ask", script.node, info="done"), now)
            case After.GO:
                self._send(Word("gone", script.node), now)
                again = engine.starts_again
                self.kill_engine(script.node)
                if again:
                    self.reborn[script.node] = now + AGAIN
