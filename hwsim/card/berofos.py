"""A berofos failover switch, simulated: its mode, its watchdog, and what it says by HTTP and UDP.

Written from docs/facts/relays.md, apart from the product's own driver, so that one misreading is not made twice. What
those facts leave open is strict here: a watchdog that has run out is off, and starts again only after a mode was given.
"""

from __future__ import annotations

import base64
import enum
from urllib.parse import parse_qsl, urlsplit

from hwsim.card.card import Position, RelayCard
from hwsim.simtime import Scheduler, Timer

DRIVER = "berofos"
"""What the product's RELAYDRIVER calls it."""
PASSWORD = "rack-berofos"
MAC = bytes.fromhex("001932000042")
_MOST_SECONDS = 3600
_OFF, _ON, _FAILED = 0, 1, 2


class BerofosFault(enum.Enum):
    """A fault that a berofos can have besides those of a card."""

    OTHER_PASSWORD = "other password"  # it takes another password than the one that is configured
    NO_UDP = "no udp"  # it answers by HTTP alone, and hears no food


class Berofos(RelayCard):
    """The device: `page` answers a request by HTTP, `datagram` one by UDP. Its power is its own."""

    def __init__(self, time: Scheduler) -> None:
        super().__init__(time, 1)
        self.berofos_faults: set[BerofosFault] = set()
        self.kicks: list[float] = []
        self.settings = {"sz": 0, "rm": 0, "wintv": 60}
        self.mode = self.enabled = self.state = 0
        self._expiry: Timer | None = None
        self._expires_at = 0.0

    def power_off(self) -> None:
        self.mode = self.enabled = self.state = 0
        self._stop()
        super().power_off()

    def page(self, target: str, authorization: str) -> tuple[int, str]:
        """Return status and text for a GET of `target`."""
        right = "another" if BerofosFault.OTHER_PASSWORD in self.berofos_faults else PASSWORD
        if authorization != "Basic " + base64.b64encode(f"admin:{right}".encode()).decode():
            return 401, "login"
        parts = urlsplit(target)
        if parts.path == "/config.txt":
            return 200, self._config()
        if parts.path != "/":
            return 404, "not found"
        return (200, "ok") if self._command(dict(parse_qsl(parts.query))) else (400, "bad command")

    def datagram(self, data: bytes) -> bytes:
        """Return the answer to a datagram, b"" for none."""
        parity = 0
        for byte in data[:-1]:
            parity ^= byte
        if len(data) < 6 or data[:4] != b"GBL\x04" or parity != data[-1] or not self.powered:
            return b""
        if BerofosFault.NO_UDP in self.berofos_faults:
            return b""
        command, payload = data[4], data[5:-1]
        if command == 1 and not payload:
            return self._framed(1, MAC + b"\x00\xbb\x01\x05\x01\x00\x00" + bytes(20))
        if command == 11 and payload == MAC + b"\x00":
            self.kicks.append(self._time.now())
            if self.state == _ON:
                self._start()
            return self._framed(11, MAC + b"\x00")
        return b""

    @staticmethod
    def _framed(command: int, payload: bytes) -> bytes:
        whole = b"GBL\x04" + bytes((command,)) + payload
        parity = 0
        for byte in whole:
            parity ^= byte
        return whole + bytes((parity,))

    def _config(self) -> str:
        left = max(0, round(self._expires_at - self._time.now())) if self.state == _ON else 0
        values = {
            "4_mode": self.mode,
            "1_sz": self.settings["sz"],
            "1_rm": "checked" if self.settings["rm"] else 0,
            "6_wen": self.enabled,
            "6_wstate": self.state,
            "2_wintv": self.settings["wintv"],
            "0_wretv": left,
        }
        return "bnfos_confmap_magic=0.1\r\n" + "".join(
            f"{name}={value}\r\n" for name, value in values.items()
        )

    def _command(self, words: dict[str, str]) -> bool:
        try:
            values = {name: int(word) for name, word in words.items()}
        except ValueError:
            return False
        match values:
            case {"cmd": 4, "mode": 0 | 1 as mode}:
                self._set_mode(mode)
            case {"cmd": 6, "wen": 0 | 1 as on}:
                self._set_watchdog(on)
            case {"cmd": 2, "wintv": seconds} if 0 < seconds <= _MOST_SECONDS:
                self.settings["wintv"] = seconds
            case {"cmd": 1, **more} if more.keys() <= {"sz", "rm"}:
                self.settings |= more
            case _:
                return False
        return True

    def _set_mode(self, mode: int) -> None:
        self.mode = mode
        if self.state == _FAILED:
            self.state = _OFF
        self._drive(0, Position.NO if mode else Position.NC)

    def _set_watchdog(self, on: int) -> None:
        if on and self.state == _FAILED:
            return
        self.enabled, self.state = on, _ON if on else _OFF
        if on:
            self._start()
        else:
            self._stop()

    def _start(self) -> None:
        self._stop()
        seconds = self.settings["wintv"]
        self._expires_at = self._time.now() + seconds
        self._expiry = self._time.call_later(seconds, self._expire)

    def _stop(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None

    def _expire(self) -> None:
        self._expiry = None
        self._set_mode(0)
        self.enabled, self.state = 0, _FAILED
