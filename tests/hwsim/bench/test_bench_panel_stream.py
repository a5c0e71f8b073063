"""What a browser reads of the page and of its event stream."""

from __future__ import annotations

import json

import pytest

from hwsim.bench.panel.page import needed
from hwsim.bench.panel.stream import Drawn, drawn, events

PICTURE = """<svg><text class="state" x="46" y="147">ACTIVE</text><text x="20" y="168">Asterisk runs</text>
<text class="state" x="270" y="147">TAKING &amp; GIVING</text><text x="234" y="352">line at the primary</text></svg>"""


def test_the_page_names_what_it_needs() -> None:
    page = (
        '<link rel="icon" href="/static/a.svg"><link rel="stylesheet" href="/static/a.css">'
        '<script src="static/b.js" defer></script>'
    )
    assert needed(page) == ["/static/a.css", "/static/b.js"]


def test_events_come_at_their_blank_lines_and_a_cut_one_not_at_all() -> None:
    stream = b"event: sections\ndata: one\ndata:two\n\n: a comment\n\nevent: alive\ndata: 1\n\nevent: cut\ndata: x\n"
    assert list(events(stream.splitlines(keepends=True))) == [("sections", "one\ntwo"), ("alive", "1")]


def test_the_picture_is_read_where_it_was_drawn_anew() -> None:
    seen = drawn("sections", json.dumps({"diagram": PICTURE, "journal": "…"}))
    assert seen == Drawn("line at the primary", ("ACTIVE", "TAKING & GIVING"))
    assert drawn("sections", json.dumps({"journal": "…"})) is None
    assert drawn("alive", "1") is None


def test_a_pair_without_a_line_has_no_relay() -> None:
    assert drawn("sections", json.dumps({"diagram": "<svg></svg>"})) == Drawn("", ())


@pytest.mark.parametrize(
    ("says", "at_least", "surely"),
    [
        ("line at the secondary", True, True),
        ("told: secondary; not confirmed", True, False),
        ("line at the primary", False, False),
        ("neither node receives the line", False, False),
    ],
)
def test_told_is_not_confirmed(says: str, at_least: bool, surely: bool) -> None:
    seen = Drawn(says, ())
    assert seen.leads_to("secondary", surely=False) is at_least
    assert seen.leads_to("secondary", surely=True) is surely
