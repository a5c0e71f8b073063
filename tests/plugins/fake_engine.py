"""A cluster engine that does nothing by itself: what it sees is set by hand, what it is asked is written down."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from appliance.cluster.engine import (
    ClusterEngine,
    CurrentConf,
    EngineNews,
    EngineView,
    EngineWatch,
    PeerMessage,
    Source,
)
from appliance.config import Conf
from appliance.core.engine_traits import EngineTraits
from appliance.core.model import Node
from appliance.core.reading import Known, Unknown

SILENT = Unknown("the engine does not run", 0.0)
OFF = EngineView(Known(False, 0.0), "", SILENT, SILENT, SILENT)


class FakeSource:
    """A connection that is known by its descriptor to the kernel, and by itself to the agent."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor


@dataclass
class FakeWatch:
    """The connection: readable whenever something was said."""

    engine: FakeEngine
    conf: CurrentConf
    told: list[Mapping[str, str]] = field(default_factory=list)
    claimed: list[bool] = field(default_factory=list)
    closed: bool = False
    reconnects: bool = False

    def __post_init__(self) -> None:
        self._ear, self._mouth = os.pipe()
        self._source = FakeSource(self._ear)
        self._waiting: list[PeerMessage] = []

    def say(self, *messages: PeerMessage) -> None:
        """Have the engine say that something has changed, and bring `messages`."""
        self._waiting += messages
        os.write(self._mouth, b"!")

    def look(self, now: float) -> None:
        """Connect anew when `reconnects` says so: the system gives the new connection the old one's number."""
        if self.reconnects:
            self.close()
            self.closed = self.reconnects = False
            self.__post_init__()

    def sources(self) -> tuple[Source, ...]:
        return () if self.closed else (self._source,)

    def read(self, now: float) -> EngineNews:
        os.read(self._ear, 1 << 10)
        messages, self._waiting = tuple(self._waiting), []
        return EngineNews(messages, changed=not messages)

    def view(self, now: float) -> EngineView:
        return self.engine.seen

    def beats(self) -> int | None:
        return self.engine.beats

    def tell(self, fields: Mapping[str, str], now: float) -> None:
        self.told.append(fields)

    def claim(self, serves: bool, now: float) -> None:
        self.claimed.append(serves)

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            os.close(self._ear)
            os.close(self._mouth)


_TRAITS = EngineTraits("Corosync")


@dataclass
class FakeEngine:
    """An engine named Corosync, so that no text of Heartbeat's can come from it."""

    seen: EngineView = OFF
    asked: list[str] = field(default_factory=list)
    watches: list[FakeWatch] = field(default_factory=list)
    kept: tuple[str, str] | None = None
    beats: int | None = None
    heeds_stop: bool = True
    on_restart: Callable[[], None] = lambda: None
    traits: EngineTraits = _TRAITS
    script: str = "resource"
    services: tuple[str, ...] = ("corosync",)
    log: Path = Path("/var/log/cluster/corosync.log")

    def run(self, identity: str, **fields: object) -> None:
        """Have it run from now on, under that identity."""
        known: dict[str, object] = {"runs": Known(True, 0.0), **fields}
        self.seen = replace(self.seen, identity=identity, **known)  # type: ignore[arg-type]

    def identity(self) -> str:
        return self.seen.identity

    def watch(self, node: Node, own_name: str, peer_name: str, conf: CurrentConf) -> EngineWatch:
        self.watches.append(FakeWatch(self, conf))
        return self.watches[-1]

    def place(self) -> str:
        return "/usr/sbin/corosync"

    def set_up_at(self) -> float:
        return 0.0

    def version(self) -> str:
        return "3.1.6"

    def install(self, conf: Conf, node: Node, script: Sequence[str | Path]) -> None:
        self.asked.append(f"install {conf.cluster_ip} {node.value}")

    def in_the_way(self, conf: Conf) -> str:
        return ""

    def retire(self) -> None:
        self.asked.append("retire")

    def start(self) -> None:
        self.asked.append("start")

    def stop(self, releasing: Callable[[], bool] = lambda: False) -> bool:
        self.asked.append("stop")
        return self.heeds_stop

    def restart(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.asked.append("restart")
        meanwhile()
        self.on_restart()

    def standby(self) -> None:
        self.asked.append("standby")

    def takeover(self) -> None:
        self.asked.append("takeover")

    def has_secret(self) -> bool:
        return self.kept is not None

    def secret_file(self) -> Path:
        return Path("/etc/fake-engine/secret")

    def secret(self) -> tuple[str, str]:
        self.kept = self.kept or ("aes256", "made here")
        return self.kept

    def take_secret(self, method: str, secret: str) -> None:
        self.kept = self.kept or (method, secret)


def as_engine(fake: FakeEngine) -> ClusterEngine:
    """Return `fake` as what it stands for: mypy holds it to the interface here."""
    return fake
