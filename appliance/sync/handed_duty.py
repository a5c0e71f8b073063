"""The duty that the agent hands its sync worker: one line for every change, and one a second while nothing changes.

The line goes through the worker's standard input. So the worker asks nobody during a pass, and knows three things
from one pipe. A line says what is to be done. The end of the pipe says that the agent is gone. Silence says that the
agent hangs, and what is not known is not allowed: a word that is too old permits no pass.

The kernel signals every arrival (SIGIO), because a pass may wait for rsync for an hour: the pipe is emptied meanwhile,
and an agent that dies ends the pass wherever it is. A thread cannot do this, because the worker forks bound programs
(host/stream.py). Where a signal is lost, the pipe is read when the duty is asked for.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
from dataclasses import dataclass

from appliance.core.data_policy import DataDuty, Duty
from appliance.core.document import parse_object
from appliance.host.clock import Clock
from appliance.sync.errors import Fault, SyncProblem

WORD_PERIOD = 1.0
"""The agent says at least once in this many seconds what the duty is."""
_FRESH = 3 * WORD_PERIOD
# An agent that is busy is waited for this long, in seconds, like an answer at its socket.
_PATIENCE = 5.0
_LOOK = 0.05
_PIPE_CAPACITY = 1 << 16


@dataclass(frozen=True, slots=True)
class DutyWord:
    """The duty as the agent saw it at `at`, in seconds of the machine's monotonic clock."""

    duty: DataDuty
    at: float

    def to_line(self) -> bytes:
        """Return the word as one line, without its newline, short enough to be written whole or not at all."""
        word = {"duty": self.duty.duty.value, "live": self.duty.live, "at": self.at}
        return json.dumps(word).encode()

    @classmethod
    def from_line(cls, line: bytes) -> DutyWord:
        """Return the word in `line`. Raises ValueError, KeyError or TypeError when it is none."""
        word = parse_object(line)
        return cls(DataDuty(Duty(word["duty"]), live=word["live"] is True), float(word["at"]))


class HandedDuty:
    """The worker's side: takes in the agent's words at the pipe `descriptor` as they arrive.

    The process ends at once, by SIGKILL, at the end of the pipe: a pass may be killed at any moment, and what it has
    decided is put in place before Asterisk starts. Only the main thread may make one.
    """

    def __init__(self, descriptor: int, clock: Clock) -> None:
        self._descriptor = descriptor
        self._clock = clock
        self._word = DutyWord(DataDuty(Duty.NONE), float("-inf"))
        signal.signal(signal.SIGIO, lambda number, frame: self._take_in())
        fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_ASYNC | os.O_NONBLOCK)
        signal.raise_signal(signal.SIGIO)  # what came before this was signalled to nobody

    def current(self) -> DataDuty:
        """Return what is to be done now. Raises SyncProblem when the agent no longer says so."""
        give_up = self._clock.now() + _PATIENCE
        while (now := self._clock.now()) - self._word.at > _FRESH:
            self._take_in()
            if now >= give_up:
                says = "It is not known whether Asterisk runs here: the agent says nothing any more."
                raise SyncProblem(Fault.NOT_ALLOWED, says)
            self._clock.sleep(_LOOK)
        return self._word.duty

    def _take_in(self) -> None:
        """Empty the pipe and keep the newest word; end the process at the end of the pipe.

        One signal may stand for several arrivals, the end among them, so the pipe is read until it is empty.
        """
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self._descriptor, _PIPE_CAPACITY):
                self._keep(piece.splitlines()[-1])
            os.kill(os.getpid(), signal.SIGKILL)

    def _keep(self, line: bytes) -> None:
        """Keep the word in `line`; what is no word is ignored, so that the last one grows old.

        A signal may interrupt this very function, so an older word never replaces a newer one.
        """
        with contextlib.suppress(ValueError, KeyError, TypeError):
            word = DutyWord.from_line(line)
            if word.at > self._word.at:
                self._word = word
