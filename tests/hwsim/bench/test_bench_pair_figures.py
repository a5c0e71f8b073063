"""The page of the pair's events."""

from __future__ import annotations

from hwsim.bench.pairstates.stories import STORIES
from hwsim.bench.pairstates.table import Figures, page
from hwsim.bench.plays import Played, Plays

ABOUT = {"cores": 2, "heartbeat": "3.0.6"}


def test_each_event_shows_both_peers_beside_each_other() -> None:
    story = STORIES[0]
    plays = Plays(
        [
            Played(story.name, "asha", 1, Figures(1.0, 2.0, 0, True, 3.0)),
            Played(story.name, "asha", 2, Figures(3.0, 2.0, 1, True, 3.0)),
            Played(story.name, "plain Heartbeat", 1, Figures(20.0, 17.0, 0, False, 3.0)),
            Played(story.name, "plain Heartbeat", 2, None, "no pair came up"),
        ]
    )
    rows = [line for line in page([story], plays, ABOUT).splitlines() if line.startswith("|")][2:]
    assert rows == [
        f"| {story.title} | asha | 1.0 / **2.0** / 3.0 | 2.0 / **2.0** / 2.0 | 0 / **0** / 1 | 2 of 2 | 3 (n=2) |",
        "|  | plain Heartbeat | 20.0 / **20.0** / 20.0 | 17.0 / **17.0** / 17.0 | 0 / **0** / 0 | 0 of 1 "
        "| 3 (n=1, 1 failed) |",
    ]


def test_what_was_not_played_is_shown_as_not_measured() -> None:
    text = page(STORIES[:1], Plays(), ABOUT)
    assert text.splitlines()[-1] == "|  | plain Heartbeat | - | - | - | 0 of 0 | - |"
