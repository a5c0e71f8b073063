"""Names and words of others are shown as one line in which nothing is obeyed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.core.text import printable, printable_lines
from appliance.sync.errors import Fault, SyncProblem
from appliance.sync.state import State, read_state, write_state


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        (b"/etc/asterisk/extensions.conf", "/etc/asterisk/extensions.conf"),
        ("/grüße/日本".encode(), "/grüße/日本"),
        (b"a\x1b]0;title\x07b", r"a\x1b]0;title\x07b"),
        (b"one\ntwo\r\tthree", r"one\ntwo\r\tthree"),
        ("\u202egnp.exe".encode(), r"\u202egnp.exe"),
        ("a\u2028b\u2066c\u200b".encode(), r"a\u2028b\u2066c\u200b"),
        (b"\xff\xc3", r"\xff\xc3"),
        (b"\xc2\x9b31m", r"\x9b31m"),  # C1: the control sequence introducer as one character
        (b"del\x7f nul\0", r"del\x7f nul\x00"),
        ("\U000e0041tag".encode(), r"\U000e0041tag"),
    ],
)
def test_nothing_in_a_name_is_obeyed(name: bytes, seen: str) -> None:
    assert printable(name) == printable(os.fsdecode(name)) == seen
    assert printable(seen) == seen, "twice is as good as once"


@pytest.mark.parametrize(
    "number", [*range(32), 127, *range(0x80, 0xA0), *range(0x200B, 0x2010), 0x202E, 0x2067]
)
def test_no_control_character_is_left(number: int) -> None:
    assert printable(chr(number)).isprintable()
    assert printable(bytes([number & 0xFF])).isprintable()


def test_lines_stay_lines() -> None:
    assert printable_lines("one\ntwo\x1b[2J") == "one\ntwo\\x1b[2J"


def test_a_problem_names_a_file_without_its_escape_sequences() -> None:
    problem = SyncProblem(Fault.OTHER, os.fsdecode(b"/etc/\x1b[2J\xff\n: no"))
    assert str(problem) == r"/etc/\x1b[2J\xff\n: no"


def test_what_an_older_version_wrote_is_shown_so_too(tmp_path: Path) -> None:
    write_state(tmp_path / "state.json", State(problem="\x1b[2J", warnings=["a\nb"], left=3))
    state = read_state(tmp_path / "state.json")
    assert (state.problem, state.warnings, state.left) == (r"\x1b[2J", [r"a\nb"], 3)
