"""The whole story of a new user: two servers with the RPMs, two browsers, and no shell.

What each browser shows is kept in out/panel/; docs/operations.md tells the story with these pictures.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page, async_playwright, expect

from hwsim.bench.play import on_fresh_rack
from hwsim.demo.scenario import Stage
from hwsim.installed import InstalledServer
from hwsim.nodes.network import CLUSTER_ADDRESS
from hwsim.rack import SIDES, Rack
from hwsim.site import Site
from hwsim.voicemail import INBOX, Mailboxes
from tests.panel.browser import FLAGS, PICTURES
from tests.panel.new_server import NAMES, URL, chromium_on, set_up

LOGS = PICTURES.parent / "system" / "story"
PASSWORD = "correct horse battery"
WINDOW = {"width": 1120, "height": 860}
_SOON = 15_000  # ms; nothing here waits for as long unless something is wrong
_MOVE = 40_000
_STATES = {"active": "ACTIVE", "standby": "STANDBY", "waiting": "WAITING", "off": "HA OFF"}


class Desk:
    """One person before one server's page."""

    def __init__(self, server: InstalledServer, page: Page) -> None:
        self.server = server
        self.page = page

    async def first_login(self) -> None:
        """The page asks for the code of the installation."""
        await self.page.goto(URL)
        await expect(self.page.get_by_role("heading", name="First login")).to_be_visible(timeout=_SOON)
        await self.picture("1-first-login")
        await self.page.get_by_label("Code").fill(self.server.code)
        await self.page.get_by_label("Your name").fill("olga")
        await self.page.get_by_label("A password").fill(PASSWORD)
        await self.page.get_by_label("The same once more").fill(PASSWORD)
        await self.page.get_by_role("button", name="Become the first operator").click()
        await self.sees("Fill in the High Availability tab")

    async def sees(self, words: str, *, patience: int = _SOON) -> None:
        """It is on the page by itself: nobody loads it again."""
        await expect(self.page.get_by_text(words).locator("visible=true").first).to_be_visible(
            timeout=patience
        )

    async def sees_state(self, side: str, role: str, *, patience: int = _SOON) -> None:
        """The picture says so of that node."""
        place = {"primary": 0, "secondary": 1}[side]
        word = self.page.locator("svg.pair .node .state").nth(place)
        await expect(word).to_have_text(_STATES[role], timeout=patience)

    async def sees_buttons(self, *labels: str) -> None:
        """Exactly these."""
        await expect(self.page.locator("#buttons a.button")).to_have_text(list(labels), timeout=_SOON)

    async def press(self, label: str) -> None:
        """A button, and the question that it asks."""
        await self.page.get_by_role("link", name=label, exact=True).click()
        await self.page.get_by_role("button", name=label, exact=True).click()

    async def go(self, name: str) -> None:
        """By the links at the top."""
        await self.page.get_by_role("navigation").get_by_role("link", name=name).click()

    async def picture(self, name: str) -> None:
        """For the book: what is in the window."""
        await self.page.screenshot(path=PICTURES / f"story-{name}.png", animations="disabled")


@asynccontextmanager
async def desks(stage: Stage, folder: Path) -> AsyncIterator[dict[str, Desk]]:
    """The packages on both servers, and a browser on each."""
    ready = await asyncio.gather(*(set_up(stage.rack.servers[side]) for side in SIDES))
    servers = dict(zip(SIDES, ready, strict=True))
    async with async_playwright() as playwright:
        found = {}
        for side, server in servers.items():
            program = chromium_on(server.server, stage.rack.network.namespace(side), folder)
            browser = await playwright.chromium.launch(executable_path=program, args=FLAGS)
            context = await browser.new_context(ignore_https_errors=True, viewport=WINDOW)
            found[side] = Desk(server, await context.new_page())
        yield found


async def fill_in_the_tab(desk: Desk) -> None:
    """On the primary; the secondary gets it with the introduction."""
    await desk.go("High Availability")
    for label, value in (
        ("HA IP Address", CLUSTER_ADDRESS),
        ("HA Primary Node", NAMES["primary"]),
        ("HA Failover Node", NAMES["secondary"]),
    ):
        await desk.page.get_by_label(label, exact=False).first.fill(value)
    await desk.page.locator("#key-RHINOSPF").select_option("YES")
    await desk.picture("2-tab")
    await desk.page.get_by_role("button", name="See what would change").click()
    await expect(desk.page.locator(".diff")).to_contain_text(f"+HACLUSTERIP={CLUSTER_ADDRESS}")
    await desk.picture("3-what-would-change")
    await desk.page.get_by_role("button", name="Save").click()
    await expect(desk.page.get_by_role("status").first).to_be_visible(timeout=_SOON)
    await desk.go("Now")
    await desk.sees_state("primary", "off")


async def set_on_both(desk: Desk, other: Desk) -> None:
    """One value, saved here and on the other node too, over ssh."""
    await desk.go("High Availability")
    await desk.page.locator("#key-HAUSECLUSTER").select_option("YES")
    await desk.page.get_by_role("button", name="See what would change").click()
    await desk.page.get_by_label("On the other node too").check()
    await desk.page.get_by_role("button", name="Save").click()
    await desk.sees("The other node:")
    await other.go("High Availability")
    await expect(other.page.locator("#key-HAUSECLUSTER")).to_have_value("YES")


async def introduce(one: Desk, other: Desk) -> None:
    """What the one page shows is pasted into the other."""
    await one.go("Other node")
    text = await one.page.locator("#own").input_value()
    await other.go("Other node")
    await other.page.get_by_label("The other node's introduction").fill(text)
    await other.page.get_by_role("button", name="Pair with this node").click()
    await expect(other.page.get_by_role("status").first).to_be_visible(timeout=_SOON)
    await other.picture("4-other-node")


async def story(stage: Stage, folder: Path) -> None:
    async with desks(stage, folder) as found:
        primary, secondary = found["primary"], found["secondary"]
        await primary.first_login()
        await secondary.first_login()
        await fill_in_the_tab(primary)
        await introduce(primary, secondary)
        await introduce(secondary, primary)
        await set_on_both(primary, secondary)
        for desk in (primary, secondary):
            await desk.go("Now")

        await primary.sees_buttons("Start HA", "Start Asterisk")
        await primary.press("Start HA")
        await primary.sees_state("primary", "waiting")
        await expect(primary.page.locator("#diagram")).to_contain_text(re.compile(r"waits \d+ s more"))
        await primary.sees_buttons("Stop HA")
        await primary.picture("5-waiting")

        await secondary.press("Start HA")
        for desk in (primary, secondary):
            await desk.sees_state("primary", "active", patience=_MOVE)
            await desk.sees_state("secondary", "standby", patience=_MOVE)
        await primary.sees_buttons("Stop HA", "Stop Asterisk", "Fail over now", "Maintenance on")
        await secondary.sees_buttons("Stop HA", "Fail over to here now", "Maintenance on")
        await primary.sees("line at the primary")
        await expect(secondary.page.locator("#readiness .bad")).to_have_count(0, timeout=_MOVE)
        await primary.picture("6-active")
        await secondary.picture("7-standby")

        stage.rack.kill_asterisk("primary")
        await secondary.sees_state("secondary", "active", patience=_MOVE)
        await secondary.sees("line at the secondary")
        await primary.sees_state("primary", "standby", patience=_MOVE)
        assert stage.in_service("secondary")
        await secondary.picture("8-failed-over")
        mailboxes(stage, "secondary").deliver("100", "a caller")

        await primary.sees_buttons("Stop HA", "Fail back", "Maintenance on")
        await primary.page.get_by_role("link", name="Fail back", exact=True).click()
        await primary.page.get_by_role("button", name="Dry run").click()
        await expect(primary.page.get_by_role("heading", name="The dry run", exact=True)).to_be_visible(
            timeout=_MOVE
        )
        # The primary's worker merges a message as soon as it has heard of it, which may be before the dry run looks.
        said = primary.page.locator("pre.lines")
        await expect(said).to_contain_text(re.compile("msg0000|Nothing differs"))
        if "msg0000" not in await said.inner_text():
            assert list(mailboxes(stage, "primary").callers("100", INBOX)) == ["a caller"]
        await primary.picture("9-dry-run")
        await primary.page.get_by_role("button", name="Fail back", exact=True).click()
        await primary.sees_state("primary", "active", patience=2 * _MOVE)
        await primary.sees_state("secondary", "standby", patience=_MOVE)
        assert stage.in_service("primary")
        assert list(mailboxes(stage, "primary").callers("100", INBOX)) == ["a caller"]
        await expect(primary.page.locator("#timeline .moves li").first).to_contain_text(
            "service taken on the primary"
        )
        await primary.sees("Failback: done", patience=_MOVE)
        await primary.sees("Protected:", patience=_MOVE)
        await primary.picture("10-back")


def mailboxes(stage: Stage, side: str) -> Mailboxes:
    """Those of the callers' messages on a server's disk."""
    return Mailboxes(stage.rack.servers[side].node.path("/var/spool/asterisk/voicemail") / "default")


def test_a_new_user_never_opens_a_shell(tmp_path: Path) -> None:
    async def scene(rack: Rack) -> None:
        try:
            await story(Stage(rack, lambda words: None), tmp_path)
        except BaseException:
            rack.keep_logs(LOGS)
            raise

    # In a thread of its own: that of the tests has Playwright's loop already.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, on_fresh_rack(scene, LOGS, Site())).result()
