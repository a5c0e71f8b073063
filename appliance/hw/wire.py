"""Bytes to a board and its answers, each within a deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.host.clock import Clock
from appliance.hw.relay import CardGarbled, CardSilent

if TYPE_CHECKING:
    from serial import Serial

    from appliance.hw.tcp_port import TcpPort

ANSWER_WITHIN = 0.5
"""Seconds from a question to its whole answer, at most; *assumed*: boards need some milliseconds."""
_QUESTIONS = 12  # that a silent board may leave unanswered within the deadline: a release tries every contact
_QUIET = 0.05  # seconds without a byte after which an answer of unknown length counts as whole
_LONGEST = 4096  # bytes; anything longer is no answer


class Wire:
    """An open port on which everything is over by `until` seconds on the monotonic clock."""

    def __init__(self, port: Serial | TcpPort, clock: Clock, until: float) -> None:
        self._port = port
        self._clock = clock
        self._until = until
        self._patience = min(ANSWER_WITHIN, max(0.0, until - clock.now()) / _QUESTIONS)

    def send(self, data: bytes) -> None:
        """Send `data`, and wait until it has left. Raises CardSilent when no time is left, and OSError."""
        left = self._until - self._clock.now()
        if left <= 0:  # the caller has given up
            raise CardSilent("The board was not told: no time was left for it.", todo="Try again.")
        self._port.write_timeout = left
        self._port.write(data)
        self._port.flush()

    def ask(self, question: bytes) -> None:
        """Send a question, after forgetting what the board said before. Raises as `send` does."""
        self._port.reset_input_buffer()
        self.send(question)

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond the deadline."""
        self._clock.sleep(max(0.0, min(seconds, self._until - self._clock.now())))

    def take(self, count: int) -> bytes:
        """Return `count` bytes of the answer. Raises CardSilent."""
        end = self._end_of_answer()
        heard = b""
        while len(heard) < count:
            heard += self._some(end, count - len(heard), heard)
        return heard

    def take_until(self, mark: bytes) -> bytes:
        """Return the answer up to and with `mark`. Raises CardSilent, and CardGarbled when it does not end."""
        end = self._end_of_answer()
        heard = b""
        while mark not in heard:
            heard += self._some(end, 1, heard)
            if len(heard) > _LONGEST:
                raise garbled(heard)
        return heard

    def take_all(self) -> bytes:
        """Return an answer of unknown length, which ends when the board is quiet. Raises CardSilent, CardGarbled."""
        end = self._end_of_answer()
        heard = self._some(end, 1, b"")
        while data := self._within(min(end, self._clock.now() + _QUIET), _LONGEST):
            heard += data
            if len(heard) > _LONGEST:
                raise garbled(heard)
        return heard

    def _end_of_answer(self) -> float:
        return min(self._until, self._clock.now() + self._patience)

    def _some(self, end: float, most: int, heard: bytes) -> bytes:
        data = self._within(end, most)
        if not data:
            what = f"answered only {heard[:60]!r}" if heard else "did not answer"
            raise CardSilent(f"The board {what}.", todo="Check its cable, its power and RELAYDRIVER.")
        return data

    def _within(self, end: float, most: int) -> bytes:
        self._port.timeout = max(0.0, end - self._clock.now())
        data: bytes = self._port.read(max(1, min(most, self._port.in_waiting)))
        return data


def garbled(heard: bytes) -> CardGarbled:
    """Return the error for an answer that the board's protocol does not know."""
    return CardGarbled(
        f"The board answered {heard[:60]!r}, which is not in the language that RELAYDRIVER names.",
        todo="Check RELAYDRIVER: asha relay test says what the board answers.",
    )
