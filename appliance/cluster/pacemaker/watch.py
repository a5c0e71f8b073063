"""Pacemaker on Corosync as an `EngineWatch`.

Corosync is watched by a pidfd: when it dies, Pacemaker leaves everything running while the peer takes over, so this
node must let go at once. Nodes, agents and messages come through the process group, what Pacemaker believes from
crm_mon, which a thread runs.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Mapping

from appliance.cluster.engine import CurrentConf, EngineNews, EngineView, PeerMessage, Source
from appliance.cluster.messages import Mailbox, pack
from appliance.cluster.pacemaker import links, troubles, view
from appliance.cluster.pacemaker.commands import begin_alone, clear_failures, publish
from appliance.cluster.pacemaker.group import AgentGroup
from appliance.cluster.pacemaker.installation import PacemakerPaths, Processes, find_pacemaker, is_ours
from appliance.cluster.pacemaker.links import LinkState
from appliance.cluster.pacemaker.view import Belief
from appliance.core.errors import HostError
from appliance.core.model import Node
from appliance.core.reading import Known, Reading, Unknown
from appliance.host.pidwatch import PidWatch

_IDS = {Node.PRIMARY: 1, Node.SECONDARY: 2}
# How often crm_mon is asked while nothing is heard, in seconds; it costs some 20 ms of processor time.
_ASK_AGAIN = 2.0
# So long after a failure, and after the last time, Pacemaker is told to forget what has failed here, in seconds.
_CLEAR_AGAIN = 30.0
# So long after it has told Pacemaker or Corosync of itself a node waits before it does again, in seconds.
_TELL_AGAIN = 0.5
# How often the constraints are looked at, in seconds.
_LOOK_AGAIN = 10.0
# Pacemaker that has told nothing for so long is in trouble, in seconds: a start takes 7 s.
_SILENT = 15.0
_MUTE = (
    "Pacemaker does not answer on this node, and nobody can be told what it believes. A full /dev/shm is one cause: "
    "see 'df /dev/shm', and the logs of corosync and pacemaker"
)
_NEVER = float("-inf")


class PacemakerWatch:
    """The connection of one node to its Corosync, made again whenever a new one is found."""

    def __init__(self, node: Node, own_name: str, peer_name: str, conf: CurrentConf) -> None:
        self._own, self._peer = own_name.lower(), peer_name.lower()
        self._own_id = _IDS[node]
        self._peer_id = 3 - self._own_id
        self._conf = conf
        self._paths: PacemakerPaths | None = None
        self._missing = ""
        self._processes = Processes()
        self._corosync: PidWatch | None = None
        self._identity = ""
        self._controlled = False
        self._group: AgentGroup | None = None
        self._mailbox = Mailbox(self._own)
        self._alone_since: float | None = None
        self._belief = _BeliefAsked(self._peer_id, conf)
        self._claim = _Told(publish)
        self._alone = _Told(lambda paths, _: begin_alone(paths))

    def look(self, now: float) -> None:
        if not self._find():
            return
        self._look_for_corosync(now)
        if not self._identity:
            return
        self._controlled = self._processes.controls()
        if self._group is not None and self._group.closed:
            self._leave_group()
        if self._group is None:
            self._join_group()
        self._wait_for_peer(now)
        self._belief.ask(self._paths, self._own, now)

    def sources(self) -> tuple[Source, ...]:
        group = None if self._group is None or self._group.closed else self._group
        return tuple(source for source in (self._corosync, group, self._belief) if source is not None)

    def read(self, now: float) -> EngineNews:
        if self._corosync is not None and self._corosync.drain():
            self._lose_corosync()
            self.look(now)
            return EngineNews(changed=True)
        changed = self._belief.drain()
        messages: list[PeerMessage] = []
        if self._group is not None:
            said, members_changed = self._group.drain()
            changed |= members_changed
            if members_changed:
                self._belief.hurry()
                self._belief.ask(self._paths, self._own, now)
            messages = [word for number, fields in said for word in self._accept(number, fields, now)]
        return EngineNews(tuple(messages), changed)

    def view(self, now: float) -> EngineView:
        if not self._identity or not self._controlled:
            silent = Unknown(self._missing or self._why_off(), now)
            return EngineView(Known(False, now), self._identity, silent, silent, silent)
        belief = self._belief.reading(now)
        alive = self._peer_alive(now)
        return EngineView(
            runs=Known(True, now),
            identity=self._identity,
            peer_alive=alive,
            holds=view.holds(self._own, belief),
            serves=view.serves(self._own, belief),
            moving=isinstance(belief, Known) and belief.value.moving,
            links=self._link_names(),
            troubles=self._troubles(belief, now),
        )

    def _troubles(self, belief: Reading[Belief], now: float) -> tuple[str, ...]:
        if isinstance(belief, Unknown):
            return (f"{_MUTE} ({belief.reason})",) if self._belief.is_silent(now) else ()
        return tuple(troubles.troubles(belief.value, self._belief.constraints, self._conf()))

    def _link_names(self) -> dict[str, bool]:
        """Return whether each link is up, by the device of HAMEDIA that it leaves by."""
        devices = {medium.argument: medium.device for medium in self._conf().media}
        return {devices.get(link.address, f"link{link.number}"): link.up for link in self._belief.links}

    def beats(self) -> int | None:
        return None

    def tell(self, fields: Mapping[str, str], now: float) -> None:
        if self._group is not None and not self._group.closed:
            self._group.send(pack(fields, now))

    def claim(self, claims: bool, now: float) -> None:
        if self._paths is not None and self._identity and self._controlled:
            self._claim.tell(self._paths, claims, now)

    def close(self) -> None:
        self._lose_corosync()
        self._belief.close()

    def _find(self) -> bool:
        if self._paths is None:
            try:
                self._paths = find_pacemaker()
            except HostError as problem:
                self._missing = str(problem)
                return False
            self._missing = ""
        return True

    def _why_off(self) -> str:
        return "Pacemaker does not run beside Corosync" if self._identity else "Corosync does not run here"

    def _look_for_corosync(self, now: float) -> None:
        if self._corosync is not None and not self._corosync.drain():
            return
        self._lose_corosync()
        ours = self._paths is not None and is_ours(self._paths.conf_dir)
        pid = self._processes.corosync() if ours else None
        identity = self._processes.identity(pid) if pid is not None else ""
        if pid is None or not identity:
            return
        try:
            self._corosync = PidWatch(pid)
        except HostError:
            return
        self._identity = identity
        self._alone_since = now

    def _lose_corosync(self) -> None:
        if self._corosync is not None:
            self._corosync.close()
            self._corosync = None
        self._identity = ""
        self._controlled = False
        self._alone_since = None
        self._leave_group()
        self._belief.forget()
        self._claim = _Told(publish)
        self._alone = _Told(lambda paths, _: begin_alone(paths))

    def _join_group(self) -> None:
        if self._paths is not None:
            with contextlib.suppress(HostError):
                self._group = AgentGroup(self._paths.python)

    def _leave_group(self) -> None:
        if self._group is not None:
            self._group.close()
            self._group = None
        self._mailbox.forget(self._peer)

    def _accept(self, number: int, fields: dict[str, str], now: float) -> list[PeerMessage]:
        if number != self._peer_id:
            return []
        word = self._mailbox.take_in(self._peer, fields, now)
        return [] if word is None else [word]

    def _peer_alive(self, now: float) -> Reading[bool]:
        nodes = self._group.nodes if self._group is not None else None
        if nodes is None:
            return Unknown("Corosync has not told of its nodes yet", now)
        if self._peer_id in nodes:
            return Known(True, now)
        if self._alone_since is not None and now - self._alone_since < self._conf().initdead:
            return Unknown("the other node has not been seen since Corosync began", now)
        return Known(False, now)

    def _wait_for_peer(self, now: float) -> None:
        """End Corosync's wait for a peer that it has never seen, after HAINITDEAD."""
        if self._alone_since is None:
            return
        if self._group is not None and self._group.nodes is not None and self._peer_id in self._group.nodes:
            self._alone_since = None
        elif now - self._alone_since >= self._conf().initdead and self._paths is not None:
            self._alone.tell(self._paths, True, now)


class _Told:
    """What Corosync or Pacemaker was told last, by `say`, in a thread and once at a time.

    Nothing was told before the first True: a node without the attribute counts as one that claims nothing, and saying
    so could undo what an operator has just wished of a node that joins.
    """

    def __init__(self, say: Callable[[PacemakerPaths, bool], bool]) -> None:
        self._say = say
        self._told = False
        self._tried_at = _NEVER
        self._telling: threading.Thread | None = None

    def tell(self, paths: PacemakerPaths, value: bool, now: float) -> None:
        """Tell `value`, when it is news; what was not taken is told again after a while."""
        busy = self._telling is not None and self._telling.is_alive()
        if busy or value == self._told or now - self._tried_at < _TELL_AGAIN:
            return
        self._tried_at = now
        self._telling = threading.Thread(target=self._tell, args=(paths, value), daemon=True)
        self._telling.start()

    def _tell(self, paths: PacemakerPaths, value: bool) -> None:
        if self._say(paths, value):
            self._told = value


class _BeliefAsked:
    """What Pacemaker believes, and how the links to the node `peer_id` are, asked in a thread.

    Readable when there is an answer. `constraints`: those on where the resource may be, as they were last.
    """

    def __init__(self, peer_id: int, conf: CurrentConf) -> None:
        self._peer_id = peer_id
        self._conf = conf
        self.constraints: frozenset[str] | None = None
        self._looked_at = _NEVER
        self._known_at: float | None = None
        self.links: tuple[LinkState, ...] = ()
        self._ear, self._mouth = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._reading: Reading[Belief] | None = None
        self._answers: list[Reading[Belief] | tuple[LinkState, ...]] = []
        self._asked_at = _NEVER
        self._cleared_at = _NEVER
        self._busy = False
        self._again = False
        self._generation = 0

    def fileno(self) -> int:
        return self._ear

    def ask(self, paths: PacemakerPaths | None, own: str, now: float) -> None:
        """Ask, unless that was done a moment ago or is being done."""
        if paths is None or self._busy or (not self._again and now - self._asked_at < _ASK_AGAIN):
            return
        self._busy, self._again, self._asked_at = True, False, now
        self._known_at = now if self._known_at is None else self._known_at
        clear = self._is_failed(own) and now - self._cleared_at >= _CLEAR_AGAIN
        if clear:
            self._cleared_at = now
        threading.Thread(target=self._ask, args=(paths, self._generation, now, clear), daemon=True).start()

    def hurry(self) -> None:
        """Have the next call ask at once."""
        self._again = True

    def drain(self) -> bool:
        """Take in the answer; return whether it says anything new."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._ear, 1 << 10)
        before = _value(self._reading), self.links
        while self._answers:
            answer = self._answers.pop(0)
            if isinstance(answer, tuple):
                self.links = answer
                continue
            self._reading = answer
            if isinstance(answer, Known):
                self._known_at = answer.at
        return before != (_value(self._reading), self.links)

    def reading(self, now: float) -> Reading[Belief]:
        if self._reading is None:
            return Unknown("Pacemaker has not been asked yet", now)
        if now - self._reading.at >= _SILENT:
            return Unknown(f"Pacemaker's last answer is {now - self._reading.at:.0f} s old", now)
        return self._reading

    def is_silent(self, now: float) -> bool:
        """Tell whether Pacemaker has told nothing for a while, although it was asked."""
        return self._known_at is not None and now - self._known_at >= _SILENT

    def forget(self) -> None:
        """Forget everything: Corosync is gone."""
        self._generation += 1
        self._reading, self._asked_at, self._known_at, self.links = None, _NEVER, None, ()
        self._answers.clear()

    def close(self) -> None:
        """Stop being readable. A thread that is still asking finds its answer unwanted."""
        self._generation += 1
        ear, mouth, self._ear, self._mouth = self._ear, self._mouth, -1, -1
        if ear >= 0:
            os.close(ear)
            os.close(mouth)

    def _ask(self, paths: PacemakerPaths, generation: int, now: float, clear: bool) -> None:
        """Hand on what Pacemaker believes, then what takes longer to find out."""
        try:
            belief = view.ask(str(paths.crm_mon), now)
            self._hand_on(generation, belief)
            if clear:
                clear_failures(paths)
            self._look_at_configuration(paths, belief, now)
            self._hand_on(generation, links.ask(paths, self._peer_id))
        finally:
            self._busy = False

    def _look_at_configuration(self, paths: PacemakerPaths, belief: Reading[Belief], now: float) -> None:
        if now - self._looked_at >= _LOOK_AGAIN:
            self._looked_at, self.constraints = now, troubles.constraints(paths)
            conf = self._conf()
            if isinstance(belief, Known) and not troubles.is_whole(belief.value, self.constraints, conf):
                troubles.put_back(paths, conf)

    def _hand_on(self, generation: int, answer: Reading[Belief] | tuple[LinkState, ...]) -> None:
        if generation == self._generation:
            self._answers.append(answer)
        with contextlib.suppress(OSError):
            os.write(self._mouth, b"!")

    def _is_failed(self, own: str) -> bool:
        return isinstance(self._reading, Known) and own in self._reading.value.failed


def _value(reading: Reading[Belief] | None) -> Belief | str | None:
    if reading is None:
        return None
    return reading.value if isinstance(reading, Known) else reading.reason
