"""Heartbeat as an `EngineWatch`.

The master is watched by a pidfd, everything else over the API socket.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from appliance.cluster.engine import EngineNews, EngineView, Names, PeerMessage, Source
from appliance.cluster.heartbeat.api import HeartbeatApi
from appliance.cluster.heartbeat.installation import find_heartbeat
from appliance.cluster.heartbeat.messages import HeartbeatMailbox, send
from appliance.cluster.heartbeat.status import Heartbeat, identity_of, times_run
from appliance.cluster.heartbeat.view import ClusterView, Held, NodeStatus, ask_everything
from appliance.core.errors import ClusterError, HostError
from appliance.core.model import Node
from appliance.core.reading import Known, Reading, Unknown, is_known
from appliance.host.pidwatch import PidWatch

# Heartbeat reports a link only when it changes, and a change from before asha listened is missed: so ask
# again in the first look after so many seconds.
_ASK_AGAIN = 9.5


class HeartbeatWatch:
    """The connection of one node to its Heartbeat, made again whenever a new master is found."""

    def __init__(
        self, node: Node, own_name: str, peer_name: str, links: Names, root: Path = Path("/")
    ) -> None:
        self._node = node
        # Heartbeat turns the names of nodes into lower case, in its files and in all that it says.
        self._own = own_name.lower()
        self._peer = peer_name.lower()
        self._links = links
        self._root = root
        self._heartbeat: Heartbeat | None = None
        self._missing = ""  # the reason why Heartbeat counts as not installed
        self._master: PidWatch | None = None
        self._identity = ""
        self._api: HeartbeatApi | None = None
        self._asked_at = float("-inf")
        self._mailbox = HeartbeatMailbox(self._own)
        self._view = ClusterView(self._peer)

    def look(self, now: float) -> None:
        if self._api is not None and self._api.closed:  # it was lost while something was sent
            self._disconnect()
        if not self._find():
            self._lose_master()
            return
        self._look_for_master()
        if self._master is not None and self._api is None:
            self._connect()
        self._ask(now)

    def sources(self) -> tuple[Source, ...]:
        api = None if self._api is None or self._api.closed else self._api
        return tuple(source for source in (self._master, api) if source is not None)

    def read(self, now: float) -> EngineNews:
        if self._master is not None and self._master.drain():
            self._disconnect()
            self._lose_master()
            self.look(now)
        if self._api is None:
            return EngineNews(changed=True)
        try:
            said = self._api.drain()
            self._api.flush()
        except ClusterError:
            self._disconnect()
            return EngineNews(changed=True)
        news = self._take_in(said, now)
        self._ask(now)
        return news

    def view(self, now: float) -> EngineView:
        if not self._identity:
            silent = Unknown(self._missing or "Heartbeat does not run here", now)
            return EngineView(Known(False, now), "", silent, silent, silent)
        held = self._view.held(self._own, now)
        return EngineView(
            runs=Known(True, now),
            identity=self._identity,
            peer_alive=_alive(self._view.peer_status(now), now),
            holds=held if isinstance(held, Unknown) else Known(held.value.value, held.at),
            serves=serves(self._node, held),
            moving=is_known(held, Held.TRANSITION),
            links=self._view.links(),
        )

    def beats(self) -> int | None:
        return times_run(self._master.pid) if self._master is not None else None

    def tell(self, fields: Mapping[str, str], now: float) -> None:
        if self._api is not None and self._api.signed_on:
            with contextlib.suppress(ClusterError):
                send(self._api, fields, now)

    def claim(self, serves: bool, now: float) -> None:
        """Do nothing: Heartbeat knows no preference but its own."""

    def close(self) -> None:
        self._disconnect()
        self._lose_master()

    def _find(self) -> bool:
        if self._heartbeat is None:
            try:
                self._heartbeat = Heartbeat(find_heartbeat(self._root))
            except HostError as problem:
                self._missing = str(problem)
                return False
            self._missing = ""
        return True

    def _look_for_master(self) -> None:
        if self._master is not None and not self._master.drain():
            return
        before = self._identity
        self._close_master()
        pid = self._heartbeat.master_pid() if self._heartbeat is not None else None
        self._identity = identity_of(pid) if pid is not None else ""
        if pid is not None and self._identity:
            try:
                self._master = PidWatch(pid)
            except HostError:
                self._identity = ""
        if before and not self._identity:
            self._view = ClusterView(self._peer)

    def _lose_master(self) -> None:
        self._close_master()
        self._identity = ""
        self._view = ClusterView(self._peer)

    def _close_master(self) -> None:
        if self._master is not None:
            self._master.close()
            self._master = None

    def _connect(self) -> None:
        if self._heartbeat is not None:
            with contextlib.suppress(ClusterError):
                self._api = HeartbeatApi.connect(self._heartbeat.paths.api_sockets)
                self._asked_at = float("-inf")

    def _disconnect(self) -> None:
        if self._api is not None:
            self._api.close()
            self._api = None

    def _ask(self, now: float) -> None:
        if self._api is None or not self._api.signed_on or now - self._asked_at < _ASK_AGAIN:
            return
        self._asked_at = now
        with contextlib.suppress(ClusterError):
            ask_everything(self._api, self._own, self._peer, dict.fromkeys(self._links()))

    def _take_in(self, said: Sequence[Mapping[str, str]], now: float) -> EngineNews:
        messages: list[PeerMessage] = []
        changed = False
        for message in said:
            word = self._mailbox.accept(message, now)
            if word is not None and word.source == self._peer:
                messages.append(word)
            elif self._view.learn(message, now):
                changed = True
        return EngineNews(tuple(messages), changed)


def serves(node: Node, held: Reading[Held]) -> Reading[bool]:
    """Return whether `node` serves, judged by what Heartbeat says it holds.

    There is one resource, and haresources gives it to the primary: of the resources of the two nodes, it is
    the primary's own (`local`) one and the secondary's `foreign` one. A resource that Heartbeat is moving, or
    a word never seen before, gives Unknown.
    """
    if isinstance(held, Unknown):
        return held
    own = Held.LOCAL if node is Node.PRIMARY else Held.FOREIGN
    if held.value in (Held.ALL, own):
        return Known(True, held.at)
    if held.value is Held.NONE:
        return Known(False, held.at)
    return Unknown(f"Heartbeat says '{held.value.value}' of what this node holds", held.at)


def _alive(status: Reading[NodeStatus], now: float) -> Reading[bool]:
    """Return Heartbeat's status as alive or not; a node that is still starting is Unknown."""
    if isinstance(status, Unknown):
        return status
    if status.value is NodeStatus.INIT:
        return Unknown("the other node is still starting", now)
    return Known(status.value is not NodeStatus.DEAD, status.at)
