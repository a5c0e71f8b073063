"""Client of the agent's control socket for the panel, with a deadline for each question."""

from __future__ import annotations

from typing import Any, TypeVar

from appliance.control.answers import another_version, as_answer, ask_as
from appliance.control.client import ask
from appliance.control.status import read_status
from appliance.core.journal_entry import JournalEntry, read_entries
from appliance.core.journal_page import JournalPage, JournalQuery
from appliance.core.status import Status
from appliance.core.transfer_history import PastTransfer, read_transfers
from appliance.host.agent_socket import SOCKET

_T = TypeVar("_T")
# Deadlines in seconds. A question must be answered quickly; an action may wait until Asterisk has stopped or
# Heartbeat has started.
_LOOK = 2.0
_ACTION = 60.0
# The other node is asked over ssh; the agent gives up sooner.
_PEER = 20.0


class AgentClient:
    """Questions and requests to the agent.

    Each method raises AgentAbsent, AgentSilent, or the error with which the agent answered.
    """

    def __init__(self, path: str = SOCKET) -> None:
        self._path = path

    def look(self, verb: str, **arguments: object) -> Any:
        """Ask the agent for something that is only shown, and return the answer."""
        return ask(verb, deadline=_LOOK, path=self._path, **arguments)

    def status(self) -> Status:
        """Ask how things stand."""
        return read_status(self.look("status"))

    def journal(self, newest: int) -> tuple[JournalEntry, ...]:
        """Ask for the newest entries of the journal, oldest first."""
        return tuple(read_entries(self.look("journal", newest=newest)))

    def journal_page(self, query: JournalQuery, *, peer: bool) -> JournalPage:
        """Ask for a page of this node's journal, or of the other node's, which may take a while."""
        answer = ask(
            "journal page",
            deadline=_PEER if peer else _LOOK,
            path=self._path,
            peer=peer,
            before=query.before,
            kind=query.kind,
            search=query.search,
        )
        return as_answer(JournalPage, answer)

    def history(self, newest: int) -> tuple[PastTransfer, ...]:
        """Ask for the last transfers, newest first. Raises AgentSilent also when the answer holds no such thing."""
        try:
            return read_transfers(self.look("history", newest=newest))
        except ValueError as problem:
            raise another_version(problem) from None

    def read(self, kind: type[_T], verb: str, **arguments: object) -> _T:
        """Ask for something that is only shown, and return the answer, a `kind` of core.answers."""
        return as_answer(kind, self.look(verb, **arguments))

    def do(self, kind: type[_T], verb: str, by: str, **arguments: object) -> _T:
        """Ask the agent to do something in the name of `by`, and return the answer, a `kind` of core.answers."""
        return ask_as(kind, verb, deadline=_ACTION, path=self._path, by=by, **arguments)
