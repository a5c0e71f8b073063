"""Real libpri at every end of a line that a relay leads to one of two PBXs, in virtual time.

As a program it reads stories from its standard input and writes what happened in them, both as JSON; `play` starts it.
It must run with clock.c preloaded, so that libpri asks it for the time. A minute of a line takes milliseconds.
"""

from __future__ import annotations

import collections
import ctypes
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hwsim.libpri.library import CPE, NETWORK, TIMERS, Controller, load

EXCHANGE = "exchange"
SIDES = ("primary", "secondary")
_START = 1_000_000.0  # what the clock says when a story begins
_SABME, _POLL_BIT = 0x6F, 0x10  # the control byte of a frame, third of its bytes
_DEADLINE = 60.0
# Seconds from end to end. Without any, a frame is answered before libpri has run what it put off to its next turn.
_ON_ITS_WAY = 0.005


@dataclass(frozen=True, slots=True)
class Step:
    """After `wait` seconds: the line is led to `side` (connect; none when ""), or `side` does what `action` says.

    `attach`: a PBX starts at `side`, or starts again. `restart channel`: it sends RESTART, a numbered frame.
    """

    wait: float
    action: str = ""
    side: str = ""


@dataclass(frozen=True, slots=True)
class Played:
    """What happened in a story: (seconds, end, event) of libpri, and at which seconds each end sent a SABME."""

    events: tuple[tuple[float, str, str], ...]
    calls: dict[str, list[float]]

    def at(self, side: str, event: str, after: float = 0.0) -> float:
        """Return when `event` first came at `side`, not before `after`. Raises StopIteration when it never did."""
        return next(at for at, where, what in self.events if (where, what) == (side, event) and at >= after)

    def of(self, side: str, after: float = 0.0) -> list[str]:
        """Return the events at `side` from `after` on."""
        return [what for at, where, what in self.events if where == side and at >= after]


def play(stories: Sequence[Sequence[Step]]) -> list[Played]:
    """Play each story from its beginning. Raises CalledProcessError when there is no libpri or no C compiler."""
    with tempfile.TemporaryDirectory() as folder:
        clock = Path(folder) / "clock.so"
        source = Path(__file__).with_name("clock.c")
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", clock, source], check=True, timeout=_DEADLINE)
        told = json.dumps([[[step.wait, step.action, step.side] for step in story] for story in stories])
        done = subprocess.run(
            [sys.executable, "-m", "hwsim.libpri.ends"],
            input=told,
            env={**os.environ, "LD_PRELOAD": str(clock)},
            stdout=subprocess.PIPE,
            text=True,
            timeout=_DEADLINE,
            check=True,
        )
    return [Played(tuple(map(tuple, one["events"])), one["calls"]) for one in json.loads(done.stdout)]


def timers() -> dict[str, int]:
    """Return libpri's own values of its timers, in milliseconds, and of N200."""
    end = Controller(load(), CPE, (lambda *_: 0, lambda *_: 0))
    return {name: end.timer(name) for name in TIMERS}


class _End:
    """One end: its libpri, the frames on their way to it, and the end that it is connected with."""

    def __init__(self, line: _Line, name: str) -> None:
        self.name = name
        self.peer: _End | None = None
        self.controller: Controller | None = None
        self._line = line
        self._coming: collections.deque[tuple[float, bytes]] = collections.deque()

    def attach(self) -> None:
        self._coming.clear()
        node = NETWORK if self.name == EXCHANGE else CPE
        self.controller = Controller(self._line.library, node, (self._read, self._write))

    def due(self) -> float:
        """Return when a frame arrives or a timer runs out, whichever is first."""
        timer = self.controller.due() if self.controller else None
        frame = self._coming[0][0] if self._coming else float("inf")
        return min(frame, float("inf") if timer is None else timer)

    def turn(self, now: float) -> None:
        """Read every frame that has arrived, then do what a timer is due for, as chan_dahdi does."""
        if self.controller is None:
            return
        while self._coming and self._coming[0][0] <= now:
            self._note(self.controller.read())
        timer = self.controller.due()
        if timer is not None and timer <= now:
            self._note(self.controller.run())

    def _note(self, event: str) -> None:
        if event:
            self._line.events.append((self._line.elapsed, self.name, event))

    def _read(self, _controller: int | None, buffer: int, _size: int) -> int:
        if not self._coming:
            return 0
        _, frame = self._coming.popleft()
        ctypes.memmove(buffer, frame, len(frame))
        return len(frame)

    def _write(self, _controller: int | None, buffer: int, size: int) -> int:
        frame = ctypes.string_at(buffer, size)
        if len(frame) > 2 and frame[2] & ~_POLL_BIT == _SABME:
            self._line.calls[self.name].append(self._line.elapsed)
        if self.peer is not None and self.peer.controller is not None:
            self.peer._coming.append((self._line.now + _ON_ITS_WAY, frame))
        return size


class _Line:
    """The exchange, both PBXs, and the relay between them; the clock moves only here."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.library = library
        self.events: list[tuple[float, str, str]] = []
        self.calls: dict[str, list[float]] = {name: [] for name in (EXCHANGE, *SIDES)}
        self._set_clock(_START)
        self._ends = {name: _End(self, name) for name in self.calls}
        self._ends[EXCHANGE].attach()

    @property
    def elapsed(self) -> float:
        return round(self.now - _START, 6)

    def play(self, steps: Sequence[tuple[float, str, str]]) -> None:
        for wait, action, side in steps:
            self._advance(wait)
            self._do(action, side)
        self._advance(0.0)

    def _do(self, action: str, side: str) -> None:
        if action == "connect":
            self._connect(self._ends.get(side))
        elif action == "attach":
            self._ends[side].attach()
        elif action == "restart channel":
            controller = self._ends[side].controller
            if controller is None:
                raise ValueError(f"no PBX was attached at {side}")
            controller.restart_channel(1)

    def _connect(self, end: _End | None) -> None:
        for one in self._ends.values():
            one.peer = None
        if end is not None:
            end.peer, self._ends[EXCHANGE].peer = self._ends[EXCHANGE], end

    def _advance(self, seconds: float) -> None:
        end = self.now + seconds
        while True:
            due = min(one.due() for one in self._ends.values())
            if due > end:
                break
            self._set_clock(max(self.now, due))
            for one in self._ends.values():
                one.turn(self.now)
        self._set_clock(end)

    def _set_clock(self, now: float) -> None:
        self.now = now
        seconds, microseconds = divmod(round(now * 1e6), 1_000_000)
        ctypes.CDLL(None).set_clock(ctypes.c_long(seconds), ctypes.c_long(microseconds))


def main() -> None:
    """Play the stories of the standard input."""
    library = load()
    played = []
    for story in json.load(sys.stdin):
        line = _Line(library)
        line.play(story)
        played.append({"events": line.events, "calls": line.calls})
    json.dump(played, sys.stdout)


if __name__ == "__main__":
    main()
