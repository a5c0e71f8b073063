"""The page of the journal: both nodes', chosen by node, kind and words, page by page, and at once without the other."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from appliance.core.errors import SyncError
from tests.plugins.agent_stand_in import AgentStandIn, known

LAST = "b" * 64


def text_of(answer: object) -> str:
    return answer.get_data(as_text=True)


def entry(wall: float, says: str) -> dict[str, object]:
    return {"wall": wall, "kind": "agent", "says": says, "hash": f"{int(wall):064x}"}


@pytest.fixture
def pages(agent: AgentStandIn) -> dict[bool, Any]:
    """What the agent answers of this node (False) and of the other one (True)."""
    found: dict[bool, Any] = {
        False: {"entries": [entry(9, "here late"), entry(3, "here early")], "last": LAST, "more": False},
        True: {"entries": [entry(6, "there")], "last": LAST, "more": False},
    }

    def answer(request: dict[str, Any]) -> object:
        page = found[request["peer"]]
        if isinstance(page, Exception):
            raise page
        return page

    agent.says["journal page"] = answer
    return found


def asked(agent: AgentStandIn) -> list[dict[str, object]]:
    return [one for one in agent.asked if one["verb"] == "journal page"]


def rows(page: str) -> list[list[str]]:
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [re.findall(r"<td>(.*?)</td>", row)[1:] for row in body.split("<tr>")[1:]]


def test_both_journals_are_one_list(visit: Callable, pages: dict[bool, Any]) -> None:
    page = text_of(visit("vera").get("/journal"))
    assert rows(page) == [
        ["primary", "agent", "here late"],
        ["secondary", "agent", "there"],
        ["primary", "agent", "here early"],
    ]
    assert 'id="older"' not in page


def test_what_is_chosen_is_asked_for(agent: AgentStandIn, visit: Callable, pages: dict[bool, Any]) -> None:
    page = text_of(visit("vera").get("/journal?node=secondary&kind=agent&search=%22there%22"))
    assert [(one["peer"], one["kind"], one["search"]) for one in asked(agent)] == [(True, "agent", '"there"')]
    assert rows(page) == [["secondary", "agent", "there"]]
    assert "<option selected>secondary</option>" in page and 'value="&#34;there&#34;"' in page


def test_older_entries_are_a_link_that_keeps_the_choice(
    agent: AgentStandIn, visit: Callable, pages: dict[bool, Any]
) -> None:
    pages[True]["more"] = True
    vera = visit("vera")
    page = text_of(vera.get("/journal?kind=agent"))
    assert [row[2] for row in rows(page)] == ["here late", "there"], "what is older there is not known yet"
    link = unescape(re.search(r'id="older" href="([^"]+)"', page)[1])
    vera.get(link)
    here, there = asked(agent)[-2:]
    assert (here["before"], here["kind"]) == (f"{9:064x}", "agent")
    assert (there["before"], there["peer"]) == (LAST, True)


def test_a_node_that_is_gone_is_not_waited_for(
    agent: AgentStandIn, visit: Callable, pages: dict[bool, Any]
) -> None:
    agent.status["peer"]["alive"] = known(False)
    page = text_of(visit("vera").get("/journal"))
    assert [one["peer"] for one in asked(agent)] == [False]
    assert "is not here: the secondary is gone" in page
    assert [row[2] for row in rows(page)] == ["here late", "here early"]


def test_why_the_other_journal_is_missing_is_said(visit: Callable, pages: dict[bool, Any]) -> None:
    pages[True] = SyncError("pbx2 does not answer.")
    page = text_of(visit("vera").get("/journal"))
    assert "is not here: pbx2 does not answer." in page and len(rows(page)) == 2


def test_what_the_other_node_writes_is_text(visit: Callable, pages: dict[bool, Any]) -> None:
    pages[True]["entries"] = [entry(6, "<script>alert(1)</script>")]
    page = text_of(visit("vera").get("/journal"))
    assert "<script>alert" not in page and "&lt;script&gt;" in page


@pytest.mark.parametrize("asks", ["node=both", "kind=%3Cb%3E", "primary=x", "search=" + "x" * 200])
def test_what_is_no_choice_is_refused(visit: Callable, pages: dict[bool, Any], asks: str) -> None:
    assert visit("vera").get(f"/journal?{asks}").status_code == 400
