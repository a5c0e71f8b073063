"""The interface to a cluster engine such as Heartbeat: all that the agent needs of one.

The engine decides which node is active. It starts and stops one resource, `asha`, with the cluster address; a start is
the *grant*. The agent needs four things of it: to know whether it runs and what it believes (`EngineWatch`), to tell
the other node's agent what it sees over the engine's own authenticated links, to ask it to move service, and to set it
up. Nothing outside `cluster/` knows an engine's files, commands or words; what users read is in the engine's own
vocabulary, through `traits` and `log`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from appliance.config import Conf
from appliance.core.engine_traits import EngineTraits
from appliance.core.model import Node
from appliance.core.reading import Reading
from appliance.core.stranger import Sender

Names = Callable[[], Sequence[str]]
CurrentConf = Callable[[], Conf]


@dataclass(frozen=True, slots=True)
class PeerMessage:
    """A message of the other node's agent.

    `at`: when its sender sent it, at the latest, in seconds of our own monotonic clock.
    """

    source: str
    fields: Mapping[str, str]
    at: float


@dataclass(frozen=True, slots=True)
class EngineView:
    """The state of the engine as the agent knows it, and the engine's own beliefs.

    `identity` names the master process that runs, such as `pid:starttime`, so that a grant does not outlive it; ""
    when none runs. `peer_alive` is the engine's word for the other node. `holds` is its own word for what this node
    holds, for people; `serves`: by that word this node is the active one. Both are what it believes, not what is.
    `moving`: it says that resources are on their way. `links`: the ways to the other node by name, and whether each is
    up. `troubles`: what keeps it from doing its work, such as a setting of an administrator's, each with what ends it.
    """

    runs: Reading[bool]
    identity: str
    peer_alive: Reading[bool]
    holds: Reading[str]
    serves: Reading[bool]
    moving: bool = False
    links: Mapping[str, bool] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineNews:
    """What was heard since the last look: messages of the peer's agent, and whether the view has changed."""

    messages: tuple[PeerMessage, ...] = ()
    changed: bool = False


class Source(Protocol):
    """Something that the kernel tells of: its descriptor is readable then; None or -1 never is."""

    def fileno(self) -> int | None:
        """Return the descriptor."""


class EngineWatch(Protocol):
    """A standing connection to the engine of this node. Nothing of it blocks, and nothing raises."""

    def look(self, now: float) -> None:
        """Find the engine, notice that it is gone, connect to it; called at least once a second."""

    def sources(self) -> tuple[Source, ...]:
        """Return what is readable when the engine has something to say or has died.

        A new connection is a new object, though the kernel may give it the number of one that was closed.
        """

    def read(self, now: float) -> EngineNews:
        """Take in what it has said; called when a source is readable."""

    def view(self, now: float) -> EngineView:
        """Return what is known now."""

    def beats(self) -> int | None:
        """Return a count that grows at least once in each keepalive while the engine works; None when unknown.

        It grows by no burst after the engine stood still, else it is None (`core/waking.py`).
        """

    def tell(self, fields: Mapping[str, str], now: float) -> None:
        """Tell the other node's agent `fields`; nothing happens while the engine does not listen."""

    def claim(self, claims: bool, now: float) -> None:
        """Note whether this node claims that service stays with it; an engine that can leaves it with one that does.

        What a claim is, `core.roles.claims_service` says. Called at least once a second, and cheap when nothing has
        changed.
        """

    def close(self) -> None:
        """Let go of everything."""


class ClusterEngine(Protocol):
    """An engine installed on this machine. Every method may block for seconds: call it in a thread.

    Every method but `identity`, `sender` and `set_up_at` raises HostError when the engine is not installed, and
    ClusterError with the engine's own words when it does not do what is asked.
    """

    traits: EngineTraits
    log: Path
    script: str
    """The module of `appliance.cli` that the engine runs as its resource `asha`."""
    services: tuple[str, ...]
    """The names of the services of the engine under init, in the order in which they are started."""

    def identity(self) -> str:
        """Return the identity of the master that runs now, "" when none does."""

    def watch(self, node: Node, own_name: str, peer_name: str, conf: CurrentConf) -> EngineWatch:
        """Return a connection of `node` that is not made yet. `conf`: the conf file as it counts, asked when needed."""

    def sender(self, datagram: bytes, *, to_all: bool) -> Sender | None:
        """Return who sent a datagram to its UDP port; None for one that it would not look at. Raises nothing.

        `to_all`: it was sent to every machine on the LAN. What a message says of its sender is not verified.
        """

    def place(self) -> str:
        """Return where it is installed, for people."""

    def set_up_at(self) -> float:
        """Return when its files were last written on this node, in seconds since the epoch; 0.0 when they never were.

        Raises nothing.
        """

    def version(self) -> str:
        """Return its version, for people."""

    def install(self, conf: Conf, node: Node, script: Sequence[str | Path]) -> None:
        """Write its files from the conf file, and have its resource `asha` run `script`."""

    def in_the_way(self, conf: Conf) -> str:
        """Return why its files may not be written, such as another cluster that has them in use; "" when they may.

        Raises ClusterError, as `install` would, for values of the conf that it cannot use on this machine.
        """

    def retire(self) -> None:
        """Take its files away without which it does not start, by hand or at boot; `install` makes them again.

        Only files of asha's making go, and the secret stays. It does not run, or this is not called. Raises HostError.
        """

    def start(self) -> None:
        """Start it, and see that it lives; do nothing when it already does."""

    def stop(self, releasing: Callable[[], bool] = lambda: False) -> bool:
        """Stop it; it has the resource script let go of everything first. Return whether it has heeded that.

        One that does not heed it in its time is ended by force, unless `releasing` tells that it is on its way.
        """

    def restart(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """End it by force and start it again, whatever it waits for; it forgets every order it was given.

        It is started when `meanwhile` has returned.
        Let go of everything before: it does not. The other node takes what this one held.
        """

    def standby(self) -> None:
        """Ask it to hand everything to the other node. Return when it is asked, not when it is done."""

    def takeover(self) -> None:
        """Ask it to bring everything here. Return when it is asked, not when it is done."""

    def has_secret(self) -> bool:
        """Return whether this node has the secret with which the nodes sign their messages."""

    def secret_file(self) -> Path:
        """Return where the secret is on this node, or would be."""

    def secret(self) -> tuple[str, str]:
        """Return the secret as (method, secret); make one when there is none."""

    def take_secret(self, method: str, secret: str) -> None:
        """Keep the secret that the other node has given, unless there is one by now."""
