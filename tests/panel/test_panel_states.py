"""The page in every state of asha 1.0.0-2, in real Chromium: buttons, picture, without a mouse, on a telephone."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from appliance.config import Conf
from appliance.core.move_limit import says
from appliance.panel.agent_client import AgentClient
from appliance.panel.app import create_app
from appliance.panel.auth.users import Users
from tests.panel.browser import axe_violations, picture, wider_than_window
from tests.panel.conftest import PageOf
from tests.panel.served import served
from tests.plugins.agent_stand_in import STATUS, AgentStandIn, known, permits, span, unknown

PASSWORD = "correct horse battery"
DEAD = {"state": known("dead"), "pid": None, "silent": []}
HERE = {"ip": "192.168.1.5", "here": known(True), "duplicate": ""}
AWAY = {"ip": "192.168.1.5", "here": known(False), "duplicate": ""}
OFF_ENGINE = {"running": known(False), "holds": unknown("off"), "waits_another": None}
Document = dict[str, Any]


def peer(**changes: Any) -> Document:
    return {**copy.deepcopy(STATUS["peer"]), **changes}


UNSEEN = peer(
    alive=unknown("Heartbeat does not run"),
    fit=unknown("silent"),
    role="",
    version="",
    data_age=None,
    links={},
)
# State → what the agent says of itself, and exactly the buttons that are then on the page.
STATES: dict[str, tuple[Document, list[str]]] = {
    "not-set-up": (
        {"set_up": False, "role": "not set up",
         "agent": None, "node": "", "names": {}, "headline": "This machine is not set up yet.",
         "permits": permits(), "pbx": {"state": unknown("not looked"), "pid": None, "silent": []}, "line": None,
         "spans": None, "address": {"ip": "", "here": unknown("none"), "duplicate": ""}, "engine": OFF_ENGINE,
         "peer": {**UNSEEN, "node": "", "name": ""}, "relay": {"card": None, "place": "", "commanded": None}},
        [],
    ),
    "all-off": (
        {"role": "off", "headline": "This node (primary) is off: the HA engine does not run.", "pbx": DEAD,
         "permits": permits("ha start", "pbx start"), "line": known("absent"), "address": AWAY,
         "spans": known([span(1, "RED")]), "peer": UNSEEN, "engine": OFF_ENGINE, "transfer": None},
        ["Start HA", "Start Asterisk"],
    ),
    "waiting": (
        {"role": "waiting", "pbx": DEAD,
         "headline": "This node (primary) waits for the other node, at most 97 s more; then it goes on alone.",
         "permits": permits("ha stop"), "line": known("absent"), "address": AWAY, "peer": UNSEEN,
         "engine": {"running": known(True), "holds": known("none"), "waits_another": 97.0}, "transfer": None},
        ["Stop HA"],
    ),
    "active": (
        {"permits": permits("ha stop", "pbx stop", "pbx start", "standby", "maintenance on")},
        ["Stop HA", "Stop Asterisk", "Fail over now", "Maintenance on"],
    ),
    "standby": (
        {"node": "secondary", "role": "standby", "headline": "This node (secondary) is on standby.", "pbx": DEAD,
         "line": known("absent"), "spans": known([span(1, "RED")]), "address": AWAY, "granted": False,
         "relay": {"card": None, "place": "", "commanded": None},
         "data": {**STATUS["data"], "duty": "pull", "age": 3.0},
         "permits": permits("ha stop", "takeover", "maintenance on"),
         "peer": peer(node="primary", name="pbx1.example.com", role="active", line=known("clear"),
                      granted=known(True))},
        ["Stop HA", "Fail over to here now", "Maintenance on"],
    ),
    "failed-over": (
        {"role": "standby", "headline": "This node (primary) is on standby.", "pbx": DEAD, "line": known("absent"),
         "address": AWAY, "spans": known([span(1, "RED")]), "granted": False,
         "relay": {"card": known(True), "place": "/dev/ttyUSB0", "commanded": known("released")},
         "data": {**STATUS["data"], "duty": "merge", "peer_newer": True},
         "permits": permits("ha stop", "takeover", "failback", "maintenance on"),
         "peer": peer(role="active", line=known("clear"), granted=known(True))},
        ["Stop HA", "Fail back", "Maintenance on"],
    ),
    "alone": (
        {"problems": ["no standby is there; RESTART=NO"],
         "peer": peer(alive=known(False), links={"eth0": "dead", "eth1": "dead"}),
         "permits": permits("ha stop", "maintenance on")},
        ["Stop HA", "Maintenance on"],
    ),
    "moved-too-often": (
        {"moves": {"within_hour": 6, "limit": 6, "held": True, "says": says(6, 6), "failback_wait": 640.0},
         "problems": [says(6, 6)],
         "permits": permits("ha stop", "standby", "maintenance on", "cleanup")},
        ["Stop HA", "Fail over now", "Maintenance on", "Acknowledge the moves"],
    ),
    "blocked": (
        {"role": "acquiring", "headline": "This node (primary) is taking over: the relay card is gone.",
         "problems": ["the relay card is gone: the line is at the secondary until it is plugged in again"],
         "line": known("absent"), "spans": known([span(1, "RED"), span(2)]),
         "relay": {"card": known(False), "place": "", "commanded": unknown("the card went away")},
         "permits": permits("ha stop", "standby", "maintenance on")},
        ["Stop HA", "Fail over now", "Maintenance on"],
    ),
    "maintenance": (
        {"maintenance": {"until": 1_790_003_600.0, "left": 3540.0, "by": "olga", "why": "new cable"},
         "problems": ["in maintenance for 59 min more (olga: new cable): a dead Asterisk moves nothing"],
         "permits": permits("ha stop", "pbx stop", "standby", "maintenance off")},
        ["Stop HA", "Stop Asterisk", "Fail over now", "Maintenance off"],
    ),
}  # fmt: skip


class Panel:
    """The panel at `url`, and the agent behind it."""

    def __init__(self, url: str, agent: AgentStandIn) -> None:
        self.url = url
        self.agent = agent

    def be(self, state: str) -> list[str]:
        """The agent says that from now on; the buttons there should be."""
        changes, labels = STATES[state]
        self.agent.says["status"] = {**copy.deepcopy(STATUS), **copy.deepcopy(changes)}
        return labels


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    folder = tmp_path_factory.mktemp("panel")
    for name, role in (("olga", "operator"), ("vera", "viewer")):
        Users(folder).add(name, PASSWORD, role)
    agent = AgentStandIn(folder / "control")
    agent.start()
    try:
        with served(create_app(Conf(), agent=AgentClient(str(agent.path)), directory=folder), folder) as url:
            yield Panel(url, agent)
    finally:
        agent.close()


@pytest.fixture
def enter(panel: Panel, page_of: PageOf) -> Callable[..., Page]:
    """`enter("olga", phone=…)`: logged in, on the first page."""

    def come(name: str = "olga", **more: bool) -> Page:
        page = page_of(f"{panel.url}/login", **more).page
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.locator("#headline")).to_be_visible()
        return page

    return come


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
    "path", ["settings", "moves", "journal", "account", "do/hand-over", "do/maintenance-on", "none"]
)
def test_every_page_is_for_everybody(panel: Panel, enter: Callable[..., Page], path: str) -> None:
    panel.be("active")
    page = enter(phone=True)
    page.goto(f"{panel.url}/{path}")
    expect(page.locator("h1")).to_be_visible()
    assert axe_violations(page) == []
    assert wider_than_window(page) == 0
    picture(page, f"phone-{path.replace('/', '-')}")


def test_the_introduction_page(panel: Panel, enter: Callable[..., Page]) -> None:
    panel.be("active")
    panel.agent.says["introduction"] = {"text": "asha1:" + "A" * 700, "other": None}
    panel.agent.says["introduction take"] = {"says": "pbx2 is known now."}
    page = enter()
    page.goto(f"{panel.url}/introduction")
    assert axe_violations(page) == []
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
