"""The rig itself: what it would have to notice on a page, it notices; and a good page passes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, Response
from playwright.sync_api import expect

from tests.panel.browser import axe_violations, picture, wider_than_window
from tests.panel.conftest import PageOf
from tests.panel.served import served

HEAD = (
    '<!doctype html><html lang="en"><head><meta name="viewport" content="width=device-width"><title>t</title>'
)
GOOD = f"""{HEAD}</head><body><main><h1>Good</h1><p id="told">waiting</p><button>Press</button></main>
<script src="/good.js"></script></body></html>"""
BAD = f"""{HEAD}</head><body><main><h1>Bad</h1><img src="/none.png"><button></button>
<p style="color:#aaa;background:#fff">pale</p><div style="width:3000px">wide</div></main>
<script>document.title = "inline"</script></body></html>"""
SCRIPT = """new EventSource("/events").onmessage = (event) => {
    document.getElementById("told").textContent = event.data;
};"""
POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'"


class Site:
    """Two pages and a stream that says something when it is told to."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.app = Flask("rig")
        self.app.add_url_rule("/good", view_func=lambda: self._page(GOOD), endpoint="good")
        self.app.add_url_rule("/bad", view_func=lambda: self._page(BAD), endpoint="bad")
        script = Response(SCRIPT, mimetype="text/javascript")
        self.app.add_url_rule("/good.js", view_func=lambda: script, endpoint="script")
        self.app.add_url_rule("/favicon.ico", view_func=lambda: ("", 204), endpoint="icon")
        self.app.add_url_rule("/events", view_func=self._events, endpoint="events")

    def _page(self, text: str) -> Response:
        return Response(text, headers={"Content-Security-Policy": POLICY})

    def _events(self) -> Response:
        def stream() -> Iterator[str]:
            yield ": here\n\n"
            while not self.go.wait(0.05):
                yield ": beat\n\n"
            yield "data: moved\n\n"
            while True:
                yield ": beat\n\n"

        return Response(stream(), mimetype="text/event-stream")


@pytest.fixture(scope="module")
def site() -> Site:
    return Site()


@pytest.fixture(scope="module")
def address(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(site.app, tmp_path_factory.mktemp("certificate")) as where:
        yield where


def test_a_good_page_passes_and_is_told_live(page_of: PageOf, address: str, site: Site) -> None:
    watched = page_of(f"{address}/good")
    expect(watched.page.locator("#told")).to_have_text("waiting")
    site.go.set()
    expect(watched.page.locator("#told")).to_have_text("moved")
    assert axe_violations(watched.page) == []
    assert wider_than_window(watched.page) == 0
    assert watched.complaints == []


def test_a_bad_page_does_not(page_of: PageOf, address: str) -> None:
    watched = page_of(f"{address}/bad", phone=True)
    watched.page.wait_for_load_state("load")
    assert {line.split()[0] for line in axe_violations(watched.page)} >= {
        "image-alt",
        "button-name",
        "color-contrast",
    }
    assert wider_than_window(watched.page) > 0
    assert watched.page.title() == "t"
    assert any("Content Security Policy" in line for line in watched.complaints)


def test_without_scripts_there_are_none(page_of: PageOf, address: str) -> None:
    watched = page_of(f"{address}/good", scripts=False)
    expect(watched.page.locator("h1")).to_have_text("Good")
    expect(watched.page.locator("#told")).to_have_text("waiting")


def test_pictures_are_kept_at_phone_size(page_of: PageOf, address: str) -> None:
    kept: Path = picture(page_of(f"{address}/good", phone=True).page, "rig-phone")
    head = kept.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(head[16:20]) == 2 * 390
    kept.unlink()


def test_nothing_is_asked_of_anybody_else(page_of: PageOf, address: str) -> None:
    watched = page_of("about:blank")
    asked: list[str] = []
    watched.page.on("request", lambda request: asked.append(request.url))
    watched.page.goto(f"{address}/good", wait_until="domcontentloaded")
    assert asked
    assert all(url.startswith(address) for url in asked)
