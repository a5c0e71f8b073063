"""A berofos failover switch as a RelayCard: commands and read-back by HTTP, food for its watchdog by UDP.

The protocol is in docs/facts/relays.md, from bntools. The device is at ports A (telephone line), B (primary) and
D (secondary): mode 1 joins A with B, mode 0 and a device without power join A with D. It has a power supply of its own,
so a primary that is dead or hangs loses the line by the device's watchdog alone. Nothing was tried on a real one.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from functools import reduce
from operator import xor

from appliance.config import Conf
from appliance.core.errors import HardwareError, attempt
from appliance.core.model import Relay
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.relay_facts import Contacts, RelayFacts
from appliance.host.clock import Clock
from appliance.hw.card_lock import CardLock
from appliance.hw.deadline import still_hangs, within
from appliance.hw.network_device import ask_by_datagram, get
from appliance.hw.relay import CardGarbled, CardRefused
from appliance.hw.tcp_port import NetworkPlace

_HTTP_PORT = 80
_UDP_PORT = 50123
_OWN_SHARE = 0.9  # of the deadline; the rest is left for reporting what went wrong

_PAGE = "/config.txt"
_MAGIC = "bnfos_confmap_magic=0.1"
_ON = {"1", "checked"}
_RUNNING = "1"  # of 6_wstate

_MODE = "/?cmd=4&mode={}"
_WATCHDOG = "/?cmd=6&wen={}"
_INTERVAL = "/?cmd=2&wintv={}"

_QUESTION = "the question for its mode"
_FRAME = b"GBL\x04"
_SCAN, _KICK = 0x01, 0x0B
_MAC = slice(5, 11)  # in the answer to a scan


class Berofos:
    """A berofos; nothing is held open between commands."""

    def __init__(self, conf: Conf, clock: Clock, turn: CardLock) -> None:
        self._facts = conf.relay_facts
        self._http = NetworkPlace.of(conf.relay_device, _HTTP_PORT)
        self._udp = NetworkPlace(self._http.host, _UDP_PORT)
        self._headers = _authorization(conf.relay_password)
        self._deadline = conf.card_deadline
        self._clock = clock
        self._turn = turn
        self._guarded = 0
        self._mac = b""

    @property
    def facts(self) -> RelayFacts:
        return self._facts

    def reset(self) -> None:
        """Release: a reset of the device itself would take its web server away for as long as it boots."""
        self.move(Relay.RELEASED)

    def move(self, relay: Relay) -> None:
        if relay is Relay.ENERGISED:
            self._in_turn("the command to energise", False, self._energise)
        else:
            self._in_turn("the command to release", True, self._release)

    def position(self) -> Reading[Contacts]:
        seen: list[Contacts] = []

        def look(until: float) -> None:
            state = self._state(until)
            seen.append(Contacts.ENERGISED if _is_on(state, "4_mode") else Contacts.RELEASED)

        if still_hangs(_of_device(_QUESTION)):
            return Unknown("an earlier question to the berofos has not returned", self._clock.now())
        try:
            self._in_turn(_QUESTION, False, look)
        except HardwareError as problem:
            return Unknown(str(problem), self._clock.now())
        return Known(seen[0], self._clock.now(), "its register, not its contacts")

    def guard(self, seconds: int) -> None:
        self._in_turn("the command to its watchdog", False, lambda until: self._guard(seconds, until))

    def feed(self) -> None:
        """Feed the watchdog and wait for the answer, without a turn: a look that hangs must not starve it."""
        within(lambda: self._kick(self._until()), self._deadline, "feeding the watchdog of the berofos")

    def close(self) -> None:
        pass

    def _until(self) -> float:
        return self._clock.now() + self._deadline * _OWN_SHARE

    def _in_turn(self, what: str, force: bool, action: Callable[[float], None]) -> None:
        until = self._until()

        def body() -> None:
            with self._turn.taken(until, force=force):
                action(until)

        within(body, self._deadline, _of_device(what))

    def _energise(self, until: float) -> None:
        """Give the line to the primary.

        After its watchdog has run out the device wants a mode first, and then the watchdog
        (inferred, docs/facts/relays.md).
        """
        self._refuse_other_set_up(self._state(until))
        self._say(_MODE.format(1), until)
        if self._guarded:
            self._say(_WATCHDOG.format(1), until)
        state = self._state(until)
        if not _is_on(state, "4_mode"):
            raise CardRefused("The berofos says that it did not take the command.", todo="Look at its page.")
        if self._guarded and state.get("6_wstate") != _RUNNING:
            attempt(lambda: self._say(_MODE.format(0), until))
            raise CardRefused(
                "The watchdog of the berofos does not run, so the line was released: a dead primary would keep it.",
                todo="Look at its page.",
            )

    def _release(self, until: float) -> None:
        self._say(_MODE.format(0), until)
        self._guarded = 0
        # A watchdog that cannot be stopped runs out, and only releases once more.
        attempt(lambda: self._say(_WATCHDOG.format(0), until))
        if _is_on(self._state(until), "4_mode"):
            raise CardRefused("The berofos says that it did not release the line.", todo="Cut its power.")

    def _guard(self, seconds: int, until: float) -> None:
        self._guarded = seconds
        if not seconds:
            self._say(_WATCHDOG.format(0), until)
            return
        if self._state(until).get("2_wintv") != str(seconds):
            self._say(_INTERVAL.format(seconds), until)
        self._say(_WATCHDOG.format(1), until)
        self._kick(until)  # a watchdog that cannot be fed must not be trusted with the line

    def _kick(self, until: float) -> None:
        if not self._mac:
            heard = self._ask(_SCAN, b"", until)
            if len(heard) < _MAC.stop:
                raise CardGarbled(f"The berofos answered {heard[:60]!r}.", todo="Check RELAYDEVICE.")
            self._mac = heard[_MAC]
        self._ask(_KICK, self._mac + b"\x00", until)

    def _ask(self, command: int, data: bytes, until: float) -> bytes:
        head = _FRAME + bytes((command,))
        question = head + data
        frame = question + bytes((reduce(xor, question),))
        return ask_by_datagram(self._udp, frame, head, self._clock, until)

    def _say(self, path: str, until: float) -> bytes:
        return get(self._http, path, self._headers, until - self._clock.now())

    def _state(self, until: float) -> dict[str, str]:
        """Return the device's settings by their names."""
        page = self._say(_PAGE, until).decode("ascii", "replace")
        if _MAGIC not in page:
            raise CardGarbled(f"What is at {self._http} is no berofos.", todo="Check RELAYDEVICE.")
        return dict(re.findall(r"^(\w+)=(.*?)\s*$", page, re.MULTILINE))

    def _refuse_other_set_up(self, state: dict[str, str]) -> None:
        """Raise CardRefused unless the device lets the line fall to the secondary as it must."""
        for name, what in (("1_sz", "scenario"), ("1_rm", "mode at power-on")):
            if _is_on(state, name) or state.get(name, "0") not in ("0", ""):
                raise CardRefused(f"The {what} of the berofos is not 0.", todo="Set it to 0 on its page.")


def _of_device(what: str) -> str:
    return f"{what} of the berofos"


def _is_on(state: dict[str, str], name: str) -> bool:
    return state.get(name, "") in _ON


def _authorization(password: str) -> dict[str, str]:
    if not password:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(f"admin:{password}".encode()).decode()}
