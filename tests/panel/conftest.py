"""One Chromium, pages that complain of what went wrong, and the panel with an agent that says what it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from appliance.config import Conf
from appliance.panel.agent_client import AgentClient
from appliance.panel.app import create_app
from appliance.panel.auth.users import Users
from tests.panel.browser import Watched, chromium, context_of
from tests.panel.panel_states import PASSWORD, Panel
from tests.panel.served import served
from tests.plugins.agent_stand_in import AgentStandIn

PageOf = Callable[..., Watched]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Real Chromium, started once."""
    with chromium() as running:
        yield running


@pytest.fixture
def page_of(browser: Browser) -> Iterator[PageOf]:
    """`page_of(url, phone=…, scripts=…, dark=…)`: the page at `url` in a window of a new visitor's."""
    contexts: list[BrowserContext] = []

    def opened(url: str, *, phone: bool = False, scripts: bool = True, dark: bool = False) -> Watched:
        contexts.append(context_of(browser, phone=phone, scripts=scripts, dark=dark))
        watched = Watched(contexts[-1].new_page())
        # Not "load": a page with an event stream may never be said to have loaded.
        watched.page.goto(url, wait_until="domcontentloaded")
        return watched

    yield opened
    for context in contexts:
        context.close()


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
