"""What commands print reaches a pipe as it is, and a terminal in its width."""

from __future__ import annotations

import fcntl
import io
import os
import re
import struct
import termios

import pytest

from appliance.cli.terminal import ShownLine, Tone, show

LONG = "it could not be asked, because " + "the other node says nothing and " * 4 + "that is all."
END = "-- that was all --"
LINES = (
    ShownLine("The primary serves.", tone=Tone.HEADLINE),
    ShownLine(f"  card        {LONG}", 14, Tone.BAD),
)


def on_terminal(width: int) -> str:
    """What a terminal of `width` columns gets."""
    leader, follower = os.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    said = b""
    with os.fdopen(follower, "w") as stream:
        show((*LINES, ShownLine(END)), stream)
        stream.flush()
        while END.encode() not in said:  # a terminal gives what it has, which may be less than all
            said += os.read(leader, 65536)
    os.close(leader)
    return said.decode().replace("\r\n", "\n").partition(END)[0]


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_a_pipe_gets_the_lines_as_they_are() -> None:
    pipe = io.StringIO()
    show(LINES, pipe)
    assert pipe.getvalue() == "".join(line.text + "\n" for line in LINES)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_terminal_gets_them_in_its_width_with_nothing_lost(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    said = on_terminal(width)
    assert "\x1b[31m" not in said and "\x1b[1;31m" not in said
    head, *rows = re.sub(r"\x1b\[[\d;]*m", "", said).splitlines()
    assert head.rstrip() == "The primary serves."
    assert all(len(row) <= width for row in (head, *rows))
    assert rows[0].startswith("  card        it could") and all(row.startswith(" " * 14) for row in rows[1:])
    assert " ".join(" ".join(rows).split()) == " ".join(f"card {LONG}".split())


def test_what_is_wrong_is_red() -> None:
    assert "\x1b[1;31m" in on_terminal(80)
