"""The verbs that need no grant and move nothing: the conf file, introductions, and the panel's own notes.

They are answered before the node is set up, too. What reads or writes a disk waits in a thread of its own, so
that nothing here delays the agent's main work.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Mapping
from typing import TypeVar

from appliance.agent.components.component import Component, who
from appliance.agent.context import Context
from appliance.config import Conf, ConfError, load, which_node
from appliance.config.conf_file import read_source
from appliance.config.edit import Edit, preview, set_values
from appliance.config.ha_tab import (
    changed_keys,
    checked_values,
    shown_keys,
    shown_problems,
)
from appliance.config.schema import takes_effect
from appliance.control.protocol import ControlRequest
from appliance.core.alerts import one_line
from appliance.core.answers import (
    ConfAnswer,
    ConfPreview,
    ConfSaved,
    Noted,
    OtherNode,
    OwnIntroduction,
    PeerSaid,
    Said,
)
from appliance.core.errors import ClusterError, UserError
from appliance.core.model import Node
from appliance.host.worker_thread import WorkerThread
from appliance.net.address import own_address
from appliance.sync.pairing_files import PairingFiles, introduce, is_known, proof, take
from appliance.sync.peer_link import apply_at_peer
from appliance.sync.ssh import way_to_peer

_T = TypeVar("_T")
_NOTE_LENGTH = 200
# More notes than this in a minute would push what matters out of the journal.
_NOTES, _MINUTE = 60, 60.0


class Threads:
    """The threads in which a change of settings waits: one for this machine's disk, one for the answers of the peer.

    They outlive the part that the agent plays (node, or machine to be set up): a request that ends one part
    is still answered.
    """

    def __init__(self) -> None:
        self._disk = WorkerThread("settings", "The look at the conf file")
        self._way = WorkerThread("peer", "The question to the other node")

    async def disk(self, action: Callable[[], _T]) -> _T:
        """Run work that needs a disk, however long that takes: the asker has a deadline of its own."""
        return await self._disk.do(action, None)

    async def way(self, action: Callable[[], _T]) -> _T:
        """Run work that needs the peer, or ssh, which have deadlines of their own."""
        return await self._way.do(action, None)


class Settings(Component):
    """The component with the verbs of the conf file, introductions and panel notes.

    `adopt` is called with the conf that was written. `refuses` returns the keys for which a conf cannot be
    taken now.
    """

    def __init__(
        self,
        context: Context,
        threads: Threads,
        *,
        adopt: Callable[[Conf], None],
        refuses: Callable[[Conf], tuple[str, ...]],
    ) -> None:
        self._clock = context.clock
        self._noted: deque[float] = deque(maxlen=_NOTES)
        self._place = PairingFiles(context.conf_path)
        self._path = context.conf_path
        self._threads = threads
        self._journal = context.journal
        self._adopt = adopt
        self._refuses = refuses
        self._one_writer = asyncio.Lock()
        self._proven = ""
        self.verbs = {
            "conf": self._conf,
            "conf preview": self._preview,
            "conf set": self._set,
            "introduction": self._introduction,
            "introduction take": self._take,
            "panel note": self._panel_note,
        }

    # -- the conf file ------------------------------------------------------------------------------------

    async def _conf(self, request: ControlRequest) -> ConfAnswer:
        source = await self._threads.disk(lambda: read_source(self._path))
        verdict = source.judge()
        problems = () if isinstance(verdict, Conf) else verdict
        return ConfAnswer(str(self._path), shown_keys(source.text), shown_problems(problems))

    async def _preview(self, request: ControlRequest) -> ConfPreview:
        try:
            values = checked_values(request.arguments.get("values"))
            edit = await self._threads.disk(lambda: preview(self._path, values))
        except ConfError as wrong:
            return ConfPreview("", shown_problems(wrong.problems))
        changed = changed_keys(edit.before, edit.conf)
        return ConfPreview(edit.diff, restarts=tuple(takes_effect(changed)))

    async def _set(self, request: ControlRequest) -> ConfSaved:
        values, by, also_peer = (
            checked_values(request.arguments.get("values")),
            who(request),
            request.flag("peer"),
        )
        async with self._one_writer:
            edit = await self._threads.disk(lambda: self._written(values))
            self._entered(edit, by)
        peer = await self._threads.way(lambda: _at_peer(edit.conf, values, by)) if also_peer else None
        return ConfSaved(_what_changed(edit), edit.diff, peer)

    def _written(self, values: Mapping[str, str]) -> Edit:
        self._may_write(preview(self._path, values))
        return set_values(self._path, values)

    def _may_write(self, edit: Edit) -> None:
        standing = set(self._refuses(edit.conf)).intersection(changed_keys(edit.before, edit.conf))
        if standing:
            raise ClusterError(
                f"The HA engine runs, and {', '.join(sorted(standing))} cannot change under it. Nothing was changed.",
                todo="Stop the HA engine on both nodes, the standby first; then save again.",
            )

    def _entered(self, edit: Edit, by: str) -> None:
        """Note a written conf in the journal, and work by it.

        This is the last step of a request that needs the agent's present part.
        """
        if edit.after != edit.before:
            self._journal.note("conf", by=by, diff=_on_one_line(edit.diff))
            self._adopt(edit.conf)

    # -- the other node -----------------------------------------------------------------------------------

    async def _introduction(self, request: ControlRequest) -> OwnIntroduction:
        text = await self._threads.way(lambda: introduce(self._place, _machine(), own_address))
        return OwnIntroduction(text, await self._threads.way(self._other))

    def _other(self) -> OtherNode | None:
        """Return the other node, when it was introduced; else None.

        The other node is asked until it has once been proven that it answers.
        """
        conf = load(self._path)
        if not is_known(self._place) or why_not_set_up(conf):
            return None
        node = which_node(conf, _machine())
        name = conf.secondary_name if node is Node.PRIMARY else conf.primary_name
        if self._proven:
            return OtherNode(name, True, self._proven)
        proven, says = proof(conf, node, name, self._place.keys)
        self._proven = says if proven else ""
        return OtherNode(name, proven, says)

    async def _take(self, request: ControlRequest) -> Said:
        text, anew, by = request.text("text"), request.flag("anew"), who(request)
        async with self._one_writer:
            taken = await self._threads.way(
                lambda: take(self._place, text, _machine(), anew=anew, may=self._may_write)
            )
            self._proven = ""
            self._journal.note("introduction", name=taken.name, by=by, says=taken.says)
            self._entered(taken.edit, by)
        _, shown = await self._threads.way(
            lambda: proof(taken.edit.conf, taken.node, taken.name, self._place.keys)
        )
        return Said(f"{taken.says} {shown}")

    # -- the panel ------------------------------------------------------------------------------------------

    async def _panel_note(self, request: ControlRequest) -> Noted:
        now = self._clock.now()
        if len(self._noted) == _NOTES and now - self._noted[0] < _MINUTE:
            raise UserError(f"More than {_NOTES} notes in a minute are not written down.")
        self._noted.append(now)
        self._journal.note("panel", by=who(request), says=one_line(request.text("says"), _NOTE_LENGTH))
        return Noted()


def why_not_set_up(conf: Conf) -> str:
    """Return why `conf` does not make this machine a node; "" when it does."""
    try:
        which_node(conf, _machine())
    except UserError as problem:
        return str(problem)
    return ""


def _machine() -> str:
    return os.uname().nodename


def _at_peer(conf: Conf, values: Mapping[str, str], by: str) -> PeerSaid:
    if why := why_not_set_up(conf):
        return PeerSaid(False, f"There is no peer yet: {why}")
    node = which_node(conf, _machine())
    name = conf.secondary_name if node is Node.PRIMARY else conf.primary_name
    return apply_at_peer(way_to_peer(conf, node), name, values, f"{by}, by way of {_machine()}")


def _what_changed(edit: Edit) -> str:
    if edit.after == edit.before:
        return "Already set; nothing was changed."
    return " ".join(["Saved.", *takes_effect(changed_keys(edit.before, edit.conf))])


def _on_one_line(diff: str) -> str:
    """Return only the changed lines of `diff`, joined, because the journal is read line by line."""
    lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++", "@@"))]
    return "; ".join(lines)
