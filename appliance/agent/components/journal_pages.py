"""The verb `journal page`: a page of this node's journal, or of the other node's, for the page in the browser."""

from __future__ import annotations

import os
from pathlib import Path

from appliance.agent.components.component import Component
from appliance.agent.context import Context
from appliance.config import load, which_node
from appliance.control.protocol import ControlRequest
from appliance.core.as_json import read_as
from appliance.core.errors import ClusterError, SyncError
from appliance.core.journal_page import JournalPage, JournalQuery, page_of
from appliance.host.worker_thread import WorkerThread
from appliance.sync.gate import NOT_FOR_THIS_KEY
from appliance.sync.peer_link import ask_once
from appliance.sync.ssh import way_to_peer

# Seconds that the other node has for its answer: a person waits before the page.
_PATIENCE = 8.0


class JournalPages(Component):
    """The component with the verb `journal page`. A node that does not answer is asked by one asker at a time."""

    def __init__(self, context: Context) -> None:
        self._journal = context.journal
        self._conf_path = context.conf_path
        self._here = WorkerThread("journal page", "The look at the journal")
        self._there = WorkerThread("peer journal", "The question for the other node's journal")
        self._asking = False
        self.verbs = {"journal page": self._page}

    async def _page(self, request: ControlRequest) -> JournalPage:
        query = JournalQuery(request.text("before"), request.text("kind"), request.text("search"))
        if not request.flag("peer"):
            return await self._here.do(lambda: page_of(self._journal.settled().backwards(), query))
        if self._asking:
            raise ClusterError("The other node is being asked for its journal already.", todo="Ask again.")
        self._asking = True
        try:
            return await self._there.do(lambda: _from_peer(self._conf_path, query), 2 * _PATIENCE)
        finally:
            self._asking = False


def _from_peer(conf_path: Path, query: JournalQuery) -> JournalPage:
    """Return the page of the other node's journal. Raises AshaError."""
    conf = load(conf_path)
    ssh = way_to_peer(conf, which_node(conf, os.uname().nodename))
    question = {"before": query.before, "kind": query.kind, "search": query.search}
    try:
        return read_as(JournalPage, ask_once(ssh, "journal", question, patience=_PATIENCE).get("page"))
    except ValueError as wrong:
        raise SyncError(f"The other node's journal cannot be read: {wrong}.") from None
    except SyncError as problem:
        if NOT_FOR_THIS_KEY in str(problem):
            raise SyncError("The other node has an asha that does not give its journal yet.") from None
        raise
