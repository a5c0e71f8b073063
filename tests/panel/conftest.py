"""One Chromium for all, and pages that complain of what went wrong on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.panel.browser import Watched, chromium, context_of

PageOf = Callable[..., Watched]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Real Chromium, started once."""
    with chromium() as running:
        yield running


@pytest.fixture
def page_of(browser: Browser) -> Iterator[PageOf]:
    """`page_of(url, phone=…, scripts=…)`: the page at `url` in a window of a new visitor's."""
    contexts: list[BrowserContext] = []

    def opened(url: str, *, phone: bool = False, scripts: bool = True) -> Watched:
        contexts.append(context_of(browser, phone=phone, scripts=scripts))
        watched = Watched(contexts[-1].new_page())
        # Not "load": a page with an event stream may never be said to have loaded.
        watched.page.goto(url, wait_until="domcontentloaded")
        return watched

    yield opened
    for context in contexts:
        context.close()
