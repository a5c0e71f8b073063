"""One thread asks the agent for all who watch; sessions and their ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from appliance.control.client import AgentSilent
from appliance.host.clock import SystemClock
from appliance.panel.agent_client import AgentClient
from appliance.panel.auth.sessions import IDLE, LONGEST, Sessions
from appliance.panel.render.feed import Feed
from appliance.panel.views import status
from tests.plugins.agent_stand_in import AgentStandIn
from tests.plugins.hand_clock import HandClock


def feed_of(agent: AgentStandIn) -> Feed:
    return Feed(AgentClient(str(agent.path)), SystemClock())


def test_a_change_reaches_whoever_watches(agent: AgentStandIn) -> None:
    feed = feed_of(agent)
    with feed.watched():
        first = feed.after(0, 5.0)
        agent.says["status"] = {**agent.status, "headline": "changed"}
        view = first
        while view.status is None or view.status.headline != "changed":
            following = feed.after(view.number, 5.0)
            assert following.number > view.number
            view = following


def test_fifty_viewers_cost_the_agent_what_one_does(agent: AgentStandIn) -> None:
    feed = feed_of(agent)
    watchers = [feed.watched() for _ in range(50)]
    for one in watchers:
        one.__enter__()
    before = feed.after(0, 5.0).number
    asked = sum(1 for request in list(agent.asked) if request["verb"] == "status")
    assert asked - before <= 1
    for one in watchers:
        one.__exit__(None, None, None)
    assert feed.viewers == 0


def test_who_looks_once_gets_what_is_true_now(agent: AgentStandIn) -> None:
    clock = HandClock()
    feed = Feed(AgentClient(str(agent.path)), clock)
    assert feed.view().status is not None
    agent.says["status"] = {**agent.status, "headline": "later"}
    assert feed.view().status.headline != "later"
    clock.time += 1.0
    assert feed.view().status.headline == "later"


def test_an_agent_that_comes_back_is_shown_again_with_its_journal(agent: AgentStandIn) -> None:
    clock = HandClock()
    feed = Feed(AgentClient(str(agent.path)), clock)
    kept = feed.view().journal
    agent.stop()
    clock.time += 1.0
    gone = feed.view()
    assert gone.status is None and "not running" in gone.problem and gone.journal == kept
    agent.start()
    clock.time += 1.0
    assert feed.view().status is not None


def test_an_agent_of_another_language_is_named_not_crashed_upon(agent: AgentStandIn) -> None:
    agent.says["status"] = {"version": "9"}
    view = feed_of(agent).view()
    assert view.status is None and "another language" in view.problem


@pytest.mark.parametrize("fault", [OSError(24, "Too many open files"), ValueError("x"), AttributeError("x")])
def test_no_fault_ends_the_thread_that_asks(fault: Exception) -> None:
    class Faulty(AgentClient):
        def look(self, verb: str, **arguments: object) -> Any:
            raise fault

    feed = Feed(Faulty(), SystemClock())
    with feed.watched():
        first = feed.after(0, 5.0)
        again = feed.after(first.number, 5.0)
    assert again.number > first.number and again.status is None and again.problem


def test_a_page_is_told_to_be_alive_only_by_a_new_look(
    app: Any, agent: AgentStandIn, visit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A feed that is dead must show: then nothing is sent, and the page says that it hears nothing."""
    monkeypatch.setattr(status, "_PULSE", 0.0)
    monkeypatch.setattr(status, "_STREAM", 1.0)
    feed = app.extensions["asha"].feed
    kept = feed.view()
    monkeypatch.setattr(type(feed), "after", lambda *_: kept)
    answer = visit("olga").client.get("/live", base_url="https://panel.example.com")
    assert [part.decode().split("\n")[0] for part in answer.iter_encoded()] == ["event: sections"]


def test_new_entries_are_added_to_those_of_the_file(agent: AgentStandIn) -> None:
    clock = HandClock()
    feed = Feed(AgentClient(str(agent.path)), clock)
    agent.says["events"] = [{"number": 9, "wall": 1.0, "kind": "agent", "says": "before"}]
    assert len(feed.view().journal) == 3
    agent.says["events"] = [{"number": 10, "wall": 2.0, "kind": "agent", "says": "after"}]
    clock.time += 1.0
    assert [entry.says for entry in feed.view().journal][-1] == "after"
    assert agent.asked[-1]["since"] == 9


def test_another_life_of_the_agent_is_noticed_though_it_was_never_seen_away(agent: AgentStandIn) -> None:
    clock = HandClock()
    feed = Feed(AgentClient(str(agent.path)), clock)
    agent.says["events"] = [{"number": 9, "wall": 1.0, "kind": "agent", "says": "before"}]
    feed.view()
    agent.says["status"] = {**agent.status, "agent": {"cpu": 0.1, "memory": 1, "up": 0.2}}
    clock.time += 1.0
    feed.view()
    assert [one["since"] for one in agent.asked if one["verb"] == "events"] == [0, 0]


def test_an_agent_that_hangs_is_asked_once_for_all_who_wait(agent: AgentStandIn) -> None:
    clock = HandClock()

    class Hanging(AgentClient):
        asked = 0

        def look(self, verb: str, **arguments: object) -> Any:
            self.asked += 1
            clock.time += 2.0
            raise AgentSilent("The agent did not answer 'status' within 2 s.")

    hanging = Hanging()
    feed = Feed(hanging, clock)
    assert {feed.view().problem for _ in range(5)} == {"The agent did not answer 'status' within 2 s."}
    assert hanging.asked == 1


def test_a_session_ends_unused_and_in_the_end() -> None:
    clock = HandClock()
    sessions = Sessions(clock)
    idle, used = sessions.begin("olga", "1"), sessions.begin("vera", "1")
    clock.time += IDLE - 1
    assert sessions.get(used) is not None
    clock.time += 2
    assert sessions.get(idle) is None and sessions.get(used) is not None
    for _ in range(int(LONGEST / (IDLE / 2))):
        clock.time += IDLE / 2
        sessions.get(used)
    assert sessions.get(used) is None


def test_looking_at_the_stream_is_no_sign_of_life() -> None:
    clock = HandClock()
    sessions = Sessions(clock)
    token = sessions.begin("olga", "1")
    clock.time += IDLE - 1
    assert sessions.get(token, used=False) is not None
    clock.time += 2
    assert sessions.get(token) is None


def test_a_flood_of_sessions_is_bounded_and_drops_the_longest_unused() -> None:
    clock = HandClock()
    sessions = Sessions(clock)
    first = sessions.begin("olga", "1")
    for _ in range(499):
        clock.time += 0.001
        sessions.begin("olga", "1")
    assert sessions.get(first) is not None
    clock.time += 0.001
    tokens = [sessions.begin("olga", "1") for _ in range(2)]
    assert sessions.get(first) is not None  # it was used last but for these
    assert all(sessions.get(token) is not None for token in tokens)


def test_the_stream_sends_the_sections_that_changed(agent: AgentStandIn, visit: Any) -> None:
    answer = visit("olga").client.get("/live", base_url="https://panel.example.com")
    assert answer.mimetype == "text/event-stream"
    stream = answer.iter_encoded()
    first = json.loads(next(stream).decode().split("data: ", 1)[1])
    assert {"headline", "diagram", "buttons", "journal"} <= set(first)
    agent.says["status"] = {**agent.status, "headline": "<b>changed</b>"}
    while not (sent := json.loads(next(stream).decode().split("data: ", 1)[1])) or sent == 1:
        pass
    assert "&lt;b&gt;changed" in sent["headline"] and "journal" not in sent
    answer.close()


def test_the_stream_of_a_session_that_has_ended_ends(
    app: Any, agent: AgentStandIn, visit: Any, panel_dir: Path
) -> None:
    olga = visit("olga")
    token = olga.client.get_cookie("__Host-asha", domain="panel.example.com").value
    answer = olga.client.get("/live", base_url="https://panel.example.com")
    stream = answer.iter_encoded()
    next(stream)
    app.extensions["asha"].sessions.end(token)
    assert list(stream) == []
