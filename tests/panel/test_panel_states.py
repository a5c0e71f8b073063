"""The page in every state of asha 1.0.0-2, in real Chromium: buttons, picture, without a mouse, on a telephone."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from appliance.config import Conf
from appliance.panel.app import create_app
from appliance.panel.auth.second_factor import STEP, code, new_secret
from appliance.panel.auth.users import Users
from tests.panel.browser import axe_violations, picture, wider_than_window
from tests.panel.conftest import PageOf
from tests.panel.panel_states import PASSWORD, STATES, Panel
from tests.panel.served import served
from tests.plugins.agent_stand_in import permits


@pytest.mark.parametrize("state", STATES)
def test_exactly_the_buttons_of_each_state(panel: Panel, enter: Callable[..., Page], state: str) -> None:
    labels = panel.be(state)
    page = enter()
    expect(page.locator("#buttons a.button")).to_have_text(labels)
    assert axe_violations(page) == []
    assert wider_than_window(page) == 0
    picture(page, f"state-{state}")


@pytest.mark.parametrize("state", STATES)
def test_each_state_on_a_telephone(panel: Panel, enter: Callable[..., Page], state: str) -> None:
    labels = panel.be(state)
    page = enter(phone=True)
    expect(page.locator("#buttons a.button")).to_have_text(labels)
    assert wider_than_window(page) == 0
    assert axe_violations(page) == []
    smallest = page.evaluate(
        "() => Math.min(...[...document.querySelectorAll('svg.pair text:not(.small)')]"
        ".filter((text) => text.textContent).map((text) => text.getBoundingClientRect().height))"
    )
    assert smallest >= 11, "the picture's words are too small for a telephone"
    picture(page, f"phone-{state}")


def asked_for(panel: Panel, verb: str) -> list[Any]:
    """In whose name the agent was asked for `verb`."""
    return [request["by"] for request in panel.agent.asked if request["verb"] == verb]


def test_moves_are_acknowledged_on_the_page(panel: Panel, enter: Callable[..., Page]) -> None:
    """The page shows why the node waits, asks once more, and makes the same request as 'asha cleanup'."""
    panel.be("moved-too-often")
    panel.agent.says["cleanup"] = {"says": "Acknowledged: it may move automatically again."}
    page = enter()
    expect(page.locator("#headline")).to_contain_text("service has moved 6 times within an hour")
    page.get_by_role("link", name="Acknowledge the moves").click()
    expect(page.locator("main")).to_contain_text("Cleanup it is.")
    expect(page.get_by_role("link", name="why service moved so often")).to_be_visible()
    assert axe_violations(page) == []
    assert asked_for(panel, "cleanup") == [], "nothing before it is confirmed"
    page.get_by_role("button", name="Acknowledge the moves").click()
    expect(page.locator("main")).to_contain_text("Acknowledged: it may move automatically again.")
    assert asked_for(panel, "cleanup") == ["olga at 127.0.0.1 (panel)"]
    panel.be("active")
    expect(page.locator("#do-cleanup")).to_have_count(0)


def test_a_viewer_cannot_acknowledge_moves(panel: Panel, enter: Callable[..., Page]) -> None:
    panel.be("moved-too-often")
    page = enter("vera")
    expect(page.locator("#headline")).to_contain_text("'asha cleanup'")
    expect(page.locator("#do-cleanup")).to_have_count(0)
    answer = page.goto(f"{panel.url}/do/cleanup")
    assert answer is not None and answer.status == 403


def test_a_change_comes_to_the_page_by_itself(panel: Panel, enter: Callable[..., Page]) -> None:
    panel.be("active")
    page = enter()
    expect(page.locator("svg.pair .node .state").first).to_have_text("ACTIVE")
    panel.be("failed-over")
    expect(page.locator("svg.pair .node .state").first).to_have_text("STANDBY")
    expect(page.get_by_text("line at the secondary", exact=True)).to_be_visible()


def test_the_page_says_when_the_agent_is_gone_and_when_it_is_back(
    panel: Panel, enter: Callable[..., Page]
) -> None:
    panel.be("active")
    page = enter()
    panel.agent.stop()
    expect(page.get_by_text("The agent on this node does not answer.")).to_be_visible()
    expect(page.locator("#buttons a.button")).to_have_count(0)
    picture(page, "state-agent-gone")
    panel.agent.start()
    expect(page.locator("#buttons a.button")).to_have_count(4)


def test_without_scripts_the_page_loads_itself_anew(panel: Panel, enter: Callable[..., Page]) -> None:
    panel.be("active")
    page = enter(scripts=False)
    expect(page.locator("svg.pair .node .state").first).to_have_text("ACTIVE")
    assert page.locator("noscript meta[http-equiv=refresh]").count() or page.content().count(
        'http-equiv="refresh"'
    )
    panel.be("failed-over")
    expect(page.locator("svg.pair .node .state").first).to_have_text("STANDBY", timeout=15_000)


def test_everything_by_keyboard(panel: Panel, enter: Callable[..., Page]) -> None:
    """Whoever cannot use a mouse fails over too; and what changes meanwhile does not take him off his button."""
    panel.be("active")
    panel.agent.says["standby"] = {"says": "Handing over: the other node takes over."}
    page = enter()
    expect(page.locator("html[data-live]")).to_be_attached()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.textContent.trim()") == "Fail over now":
            break
    panel.agent.says["status"] = {**panel.agent.status, "permits": permits("ha stop", "standby")}
    expect(page.locator("#buttons a.button")).to_have_text(["Stop HA", "Fail over now"])
    assert page.evaluate("() => document.activeElement.textContent.trim()") == "Fail over now"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Fail over now?")).to_be_visible()
    page.get_by_role("button", name="Fail over now").press("Enter")
    expect(page.get_by_text("Handing over: the other node takes over.")).to_be_visible()


def test_the_first_tab_stop_leads_past_the_links(panel: Panel, enter: Callable[..., Page]) -> None:
    panel.be("active")
    page = enter()
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "To the content"


@pytest.mark.parametrize(
    "path",
    [
        "settings", "moves", "journal", "account", "do/hand-over", "do/maintenance-on", "none",
        "alarm/line-blocked", "charts?span=hour", "charts?span=week", "relay",
    ],
)  # fmt: skip
@pytest.mark.parametrize("dark", [False, True])
def test_every_page_is_for_everybody(panel: Panel, enter: Callable[..., Page], path: str, dark: bool) -> None:
    panel.be("active")
    page = enter(phone=True, dark=dark)
    page.goto(f"{panel.url}/{path}")
    expect(page.locator("h1")).to_be_visible()
    assert axe_violations(page) == []
    assert wider_than_window(page) == 0
    picture(page, f"phone-{path.replace('/', '-').replace('?', '-')}{'-dark' if dark else ''}")


def test_the_introduction_page(panel: Panel, enter: Callable[..., Page]) -> None:
    panel.be("active")
    panel.agent.says["introduction"] = {"text": "asha1:" + "A" * 700, "other": None}
    panel.agent.says["introduction take"] = {"says": "pbx2 is known now."}
    page = enter()
    page.goto(f"{panel.url}/introduction")
    assert axe_violations(page) == []
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()") == "asha1:" + "A" * 700
    page.get_by_label("The other node's introduction").fill("asha1:BBBB\n  CCCC")
    page.get_by_role("button", name="Pair with this node").click()
    expect(page.get_by_text("pbx2 is known now.")).to_be_visible()
    assert [one["text"] for one in panel.agent.asked if "text" in one] == ["asha1:BBBBCCCC"]


def test_a_viewer_watches_and_cannot_press(panel: Panel, enter: Callable[..., Page]) -> None:
    panel.be("active")
    page = enter("vera")
    expect(page.locator("svg.pair .node .state").first).to_have_text("ACTIVE")
    expect(page.locator("#buttons a.button")).to_have_count(0)
    page.goto(f"{panel.url}/do/stop-ha")
    expect(page.get_by_text("Only an operator may do that.")).to_be_visible()


def test_a_login_that_fails_says_so_and_lets_nobody_in(panel: Panel, page_of: PageOf) -> None:
    page = page_of(f"{panel.url}/login").page
    assert axe_violations(page) == []
    page.get_by_label("Name").fill("olga")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("do not go together")).to_be_visible()
    page.goto(panel.url)
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_who_guesses_has_to_wait(tmp_path: Path, page_of: PageOf) -> None:
    Users(tmp_path).add("olga", PASSWORD, "operator")
    with served(create_app(Conf(), directory=tmp_path), tmp_path) as url:
        page = page_of(f"{url}/login").page
        for _ in range(6):
            page.goto(f"{url}/login")
            page.get_by_label("Name").fill("olga")
            page.get_by_label("Password").fill("not the password")
            page.get_by_role("button", name="Log in").click()
        expect(page.get_by_text("Too many logins from here have failed.")).to_be_visible()
        assert axe_violations(page) == []
        picture(page, "state-too-many-logins")


def test_after_logging_out_the_page_is_closed(panel: Panel, enter: Callable[..., Page]) -> None:
    panel.be("active")
    page = enter()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.go_back()
    page.reload()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_nothing_on_the_page_comes_from_elsewhere_or_is_refused(panel: Panel, page_of: PageOf) -> None:
    panel.be("active")
    watched = page_of(f"{panel.url}/login")
    asked: list[str] = []
    watched.page.on("request", lambda request: asked.append(request.url))
    watched.page.get_by_label("Name").fill("olga")
    watched.page.get_by_label("Password").fill(PASSWORD)
    watched.page.get_by_role("button", name="Log in").click()
    expect(watched.page.locator("html[data-live]")).to_be_attached()
    assert asked and all(url.startswith(panel.url) for url in asked)
    assert watched.complaints == []


def test_a_problem_leads_to_its_alarm_and_back(panel: Panel, enter: Callable[..., Page]) -> None:
    panel.be("blocked")
    page = enter()
    page.get_by_role("link", name="What to do: card lost").click()
    expect(page.get_by_role("heading", name="card lost")).to_be_visible()
    expect(page.get_by_text("check the USB cable")).to_be_visible()
    page.get_by_role("link", name="Back", exact=True).click()
    expect(page.locator("#headline")).to_be_visible()


def test_both_journals_are_searched_and_read_further_back(panel: Panel, enter: Callable[..., Page]) -> None:
    def page_of_journal(request: dict[str, Any]) -> object:
        there, before = bool(request["peer"]), str(request["before"])
        number = 10 if not before else int(before, 16) - 1
        entry = {"wall": 1_790_000_000.0 + number + there, "kind": "agent", "hash": f"{number:064x}",
                 "says": f"entry {number} {'there' if there else 'here'} {request['search']}"}  # fmt: skip
        return {"entries": [entry], "last": entry["hash"], "more": number > 8}

    panel.be("active")
    panel.agent.says["journal page"] = page_of_journal
    page = enter()
    page.get_by_role("link", name="Journal", exact=True).click()
    page.get_by_label("Node").select_option("secondary")
    page.get_by_label("Words").fill("a word")
    page.get_by_role("button", name="Show").click()
    cells = page.locator(".entries tbody td:last-child")
    expect(cells).to_have_text(["entry 10 there a word"])
    page.get_by_role("link", name="Load older").click()
    expect(cells).to_have_text(["entry 9 there a word"])
    page.get_by_role("link", name="Load older").click()
    expect(cells).to_have_text(["entry 8 there a word"])
    expect(page.get_by_role("link", name="Load older")).to_have_count(0)
    assert axe_violations(page) == []


def test_a_login_with_a_second_factor(tmp_path: Path, page_of: PageOf) -> None:
    users, secret = Users(tmp_path), new_secret()
    users.add("olga", PASSWORD, "operator")
    users.set_second_factor("olga", secret)
    with served(create_app(Conf(), directory=tmp_path), tmp_path) as url:
        page = page_of(f"{url}/login", phone=True).page
        page.get_by_label("Name").fill("olga")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_label("Code of your authenticator").fill("12345")
        assert axe_violations(page) == []
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_text("name, password and code do not go together")).to_be_visible()
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_label("Code of your authenticator").fill(code(secret, int(time.time() // STEP)))
        page.get_by_role("button", name="Log in").click()
        expect(page.locator("#headline")).to_be_visible()
