"""The verb for pages of the journal: this node's from its file, the other node's by its gate."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from test_agent_cycle import Bench

from appliance.agent.components import journal_pages
from appliance.agent.components.journal_pages import JournalPages
from appliance.config import Conf
from appliance.control.protocol import ControlRequest
from appliance.core.as_json import to_json
from appliance.core.errors import AshaError, ClusterError, SyncError, UserError
from appliance.core.journal_page import JournalPage
from appliance.core.model import Node

PAGE = JournalPage(({"kind": "peer", "wall": 5.0, "alive": False, "pid": None},), "a" * 64, more=True)


class Peer:
    """What the gate of the other node answers, and what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answer: Any = {"page": to_json(PAGE)}
        self.asked: list[tuple[str, object]] = []
        self.held = threading.Event()
        self.held.set()
        monkeypatch.setattr(journal_pages, "load", lambda path: Conf())
        monkeypatch.setattr(journal_pages, "which_node", lambda conf, name: Node.PRIMARY)
        monkeypatch.setattr(journal_pages, "way_to_peer", lambda conf, node: None)
        monkeypatch.setattr(journal_pages, "ask_once", self._ask)

    def _ask(self, ssh: object, verb: str, question: object, *, patience: float) -> Any:
        self.asked.append((verb, question))
        assert self.held.wait(10)
        if isinstance(self.answer, AshaError):
            raise self.answer
        return self.answer


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Peer:
    return Peer(monkeypatch)


def asked(pages: JournalPages, **arguments: object) -> JournalPage:
    found = asyncio.run(pages.verbs["journal page"](ControlRequest("journal page", arguments)))
    assert isinstance(found, JournalPage)
    return found


def test_of_this_node_it_is_what_the_file_has(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for number in range(4):
        bench.journal.note("trial", number_of=number)
    bench.journal.note("panel", says="olga logged in")
    pages = JournalPages(bench.context)
    newest = asked(pages, kind="trial")
    assert [entry["number_of"] for entry in newest.entries] == [3, 2, 1, 0]
    older = asked(pages, kind="trial", before=newest.entries[1]["hash"])
    assert [entry["number_of"] for entry in older.entries] == [1, 0]
    assert [entry["kind"] for entry in asked(pages, search="OLGA").entries] == ["panel"]


def test_what_is_no_question_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        asked(JournalPages(Bench(tmp_path).context), before="x")


def test_of_the_other_node_it_is_what_its_gate_answers(tmp_path: Path, peer: Peer) -> None:
    found = asked(JournalPages(Bench(tmp_path).context), peer=True, search="gone", kind="peer")
    assert found == PAGE
    assert peer.asked == [("journal", {"before": "", "kind": "peer", "search": "gone"})]


@pytest.mark.parametrize("answer", [{}, {"page": 5}, {"page": {"entries": ["x"]}}, {"page": {"more": "yes"}}])
def test_what_is_no_page_is_said(tmp_path: Path, peer: Peer, answer: object) -> None:
    peer.answer = answer
    with pytest.raises(SyncError, match="cannot be read"):
        asked(JournalPages(Bench(tmp_path).context), peer=True)


def test_an_older_asha_there_is_named(tmp_path: Path, peer: Peer) -> None:
    peer.answer = SyncError("This key does not allow that: 'asha-source' is none of what this key is for.")
    with pytest.raises(SyncError, match="does not give its journal yet"):
        asked(JournalPages(Bench(tmp_path).context), peer=True)


def test_a_node_that_does_not_answer_is_asked_once_at_a_time(tmp_path: Path, peer: Peer) -> None:
    pages = JournalPages(Bench(tmp_path).context)
    peer.held.clear()

    async def twice() -> JournalPage:
        request = ControlRequest("journal page", {"peer": True})
        first = asyncio.ensure_future(pages.verbs["journal page"](request))
        await asyncio.sleep(0)
        with pytest.raises(ClusterError, match="already"):
            await pages.verbs["journal page"](request)
        peer.held.set()
        found = await first
        assert isinstance(found, JournalPage)
        return found

    assert asyncio.run(twice()) == PAGE
    assert asked(pages, peer=True) == PAGE
