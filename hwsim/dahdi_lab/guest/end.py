"""One end of the line in a machine: real libpri on the D-channel of real DAHDI, as chan_dahdi has it.

The exchange dials when it is told so on its console, and looks for what it says in what it hears; a PBX answers every
call and sends back what it hears. What happens is printed, each line with "lab: " before it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import struct
import sys
import time

from hwsim.libpri.library import CPE, NETWORK, Controller, load

_CONTROL, _DCHANNEL, _BCHANNEL = "/dev/dahdi/ctl", "/dev/dahdi/chan/001/024", "/dev/dahdi/chan/001/001"
_SPANSTAT, _GETEVENT, _SET_BUFFERS, _SET_BLOCK = 0xC13ADA0A, 0x8004DA08, 0x4018DA1B, 0x4004DA01
_EVENTS = {4: "alarm", 5: "no alarm"}
_BLOCK = 160  # bytes: 20 ms of voice
_SAID = bytes(range(1, _BLOCK + 1))
_HEARD = _SAID[40:72]
_TURN = 10  # milliseconds


def say(words: str) -> None:
    """Tell the one who started this machine."""
    print(f"lab: {words}", flush=True)


class Voice:
    """The first B-channel while a call is up."""

    def __init__(self, *, sends_back: bool) -> None:
        self._channel = os.open(_BCHANNEL, os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self._channel, _SET_BLOCK, struct.pack("<i", _BLOCK))
        self._sends_back = sends_back
        self._heard = b""
        self._found = False

    def turn(self) -> None:
        """Read and write what the channel gives and takes now."""
        try:
            while block := os.read(self._channel, _BLOCK):
                self._hear(block)
        except OSError:
            pass  # nothing more now, or an event that the span's own line tells, too
        if not self._sends_back:
            self._write(_SAID)

    def close(self) -> None:
        os.close(self._channel)

    def _hear(self, block: bytes) -> None:
        if self._sends_back:
            self._write(block)
            return
        self._heard = (self._heard + block)[-4 * _BLOCK :]
        if not self._found and _HEARD in self._heard:
            self._found = True
            say("call heard")

    def _write(self, block: bytes) -> None:
        with contextlib.suppress(OSError):  # its buffers are full
            os.write(self._channel, block)


class End:
    """The exchange's end of the line or a PBX's."""

    def __init__(self, role: str) -> None:
        self._is_exchange = role == "exchange"
        self._control = os.open(_CONTROL, os.O_RDWR)
        self._channel = os.open(_DCHANNEL, os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self._channel, _SET_BUFFERS, struct.pack("<6i", 0, 0, 32, 1024, 0, 0))
        self._libpri = Controller(load(), NETWORK if self._is_exchange else CPE, self._channel)
        self._voice: Voice | None = None
        self._alarms = -1

    def run(self) -> None:
        """Serve for as long as the machine runs."""
        poll = select.poll()
        poll.register(self._channel, select.POLLIN | select.POLLPRI)
        poll.register(sys.stdin.fileno(), select.POLLIN)
        say("ready")
        while True:
            for source, what in poll.poll(_TURN):
                if source == self._channel:
                    self._read_channel(what)
                else:
                    self._obey(sys.stdin.readline().strip())
            self._run_timers()
            self._look_at_span()
            if self._voice is not None:
                self._voice.turn()

    def _read_channel(self, what: int) -> None:
        if what & select.POLLPRI:
            event = bytearray(4)
            fcntl.ioctl(self._channel, _GETEVENT, event, True)
            number = struct.unpack("<i", event)[0]
            say(f"event {_EVENTS.get(number, number)}")
        if what & select.POLLIN:
            self._note(self._libpri.read())

    def _run_timers(self) -> None:
        due = self._libpri.due()
        if due is not None and due <= time.time():
            self._note(self._libpri.run())

    def _look_at_span(self) -> None:
        answer = bytearray(314)
        struct.pack_into("<i", answer, 0, 1)
        fcntl.ioctl(self._control, _SPANSTAT, answer, True)
        (alarms,) = struct.unpack_from("<i", answer, 64)
        if alarms != self._alarms:
            self._alarms = alarms
            say(f"span {alarms:#x}")

    def _obey(self, command: str) -> None:
        if command == "dial":
            say("call dialled")
            self._libpri.dial("100")
        elif command == "hang up":
            self._libpri.hang_up()

    def _note(self, event: str) -> None:
        if event in ("up", "down"):
            say(f"dchannel {event}")
        elif event:
            say(f"call {event}")
        if event == "ring":
            self._talk()
            self._libpri.answer()
        elif event == "answer":
            self._talk()
        elif event in ("hangup", "hangup request", "hangup ack"):
            self._quiet()
            if event != "hangup ack":
                self._libpri.hang_up()

    def _talk(self) -> None:
        self._quiet()
        self._voice = Voice(sends_back=not self._is_exchange)

    def _quiet(self) -> None:
        if self._voice is not None:
            self._voice.close()
            self._voice = None


if __name__ == "__main__":
    End(sys.argv[1]).run()
