"""Real Chromium for the tests of the panel: one for a session, a fresh context for each page, axe-core, pictures."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "out" / "panel"
CHROMIUM = "/usr/bin/chromium"
DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}

# As root, without a GPU, and without a word to anybody on the network.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A running Chromium with a user-data-dir of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """A page, and what went wrong on it without anybody pressing anything."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda fault: self.complaints.append(f"script: {fault}"))
        self.page.on("requestfailed", lambda request: self.complaints.append(f"request: {request.url}"))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"console: {message.text}")


def context_of(
    browser: Browser, *, phone: bool = False, scripts: bool = True, dark: bool = False
) -> BrowserContext:
    """A browser window as a visitor has it: no cookies yet, and the certificate accepted by hand."""
    return browser.new_context(
        ignore_https_errors=True,
        viewport=PHONE if phone else DESK,
        device_scale_factor=2 if phone else 1,
        is_mobile=phone,
        has_touch=phone,
        java_script_enabled=scripts,
        color_scheme="dark" if dark else "light",
        locale="en-GB",
        timezone_id="UTC",
    )


def axe_violations(page: Page) -> list[str]:
    """What axe-core has to say of the page as it is now, a line each; empty when nothing.

    It is evaluated by the driver, not loaded by the page, so that the page's content policy stays as it is.
    """
    sources = sorted((ROOT / "out").glob("axe-core-*.js"))
    assert sources, "axe-core is not there: make browser"
    page.evaluate(sources[-1].read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    assert found["passes"], "axe-core looked at nothing"
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: {node['html'][:120]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def picture(page: Page, name: str) -> Path:
    """Keep what the page looks like as out/panel/NAME.png, all of it."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / f"{name}.png"
    page.screenshot(path=path, full_page=True, animations="disabled")
    return path


def wider_than_window(page: Page) -> int:
    """Pixels by which the page is too wide for its window; 0 when nobody must scroll sideways."""
    found = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return int(found)
