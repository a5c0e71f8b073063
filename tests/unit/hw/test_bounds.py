from __future__ import annotations

import threading
from pathlib import Path

import pytest

from appliance.core.errors import HardwareError
from appliance.hw.card_lock import CardLock
from appliance.hw.deadline import within
from appliance.hw.relay import CardBusy, CardSilent
from appliance.hw.uevents import about_relay
from appliance.hw.watchdog import LinuxWatchdog
from tests.plugins.hand_clock import HandClock


def test_an_action_that_never_ends_is_left_behind() -> None:
    ending = threading.Event()
    with pytest.raises(CardSilent, match="RESET was still not done"):
        within(lambda: ending.wait() and None, 0.02, "RESET")
    ending.set()


def test_an_error_in_the_action_reaches_the_caller() -> None:
    def fail() -> None:
        raise HardwareError("no")

    with pytest.raises(HardwareError, match="no"):
        within(fail, 5, "RESET")


def test_a_turn_is_one_at_a_time_and_given_back(tmp_path: Path) -> None:
    clock = HandClock(100.0, sleeping=True)
    turn = CardLock(tmp_path / "lock", clock)
    with turn.taken(102.0, force=False):
        with pytest.raises(CardBusy), CardLock(tmp_path / "lock", clock).taken(102.0, force=False):
            pass
        assert clock.now() >= 102.0
    with turn.taken(clock.now(), force=False):
        pass


def test_who_insists_waits_half_the_time(tmp_path: Path) -> None:
    clock = HandClock(100.0, sleeping=True)
    holder, other = (CardLock(tmp_path / "lock", clock) for _ in range(2))
    with holder.taken(102.0, force=False), other.taken(102.0, force=True):
        assert 101.0 <= clock.now() < 101.5


def test_watchdog_food_and_magic_close(tmp_path: Path) -> None:
    """On a plain file, which refuses the timeout as a simple driver does."""
    path = tmp_path / "watchdog"
    path.touch()
    watchdog = LinuxWatchdog(path, timeout=10)
    assert watchdog.timeout is None
    watchdog.feed()
    watchdog.feed()
    watchdog.disarm()
    watchdog.disarm()
    assert path.read_bytes() == b"\0\0V"


def test_no_watchdog(tmp_path: Path) -> None:
    with pytest.raises(HardwareError, match="softdog"):
        LinuxWatchdog(tmp_path / "none")


def test_watchdog_that_takes_no_food() -> None:
    watchdog = LinuxWatchdog(Path("/dev/full"))
    with pytest.raises(HardwareError, match="No space"):
        watchdog.feed()


@pytest.mark.parametrize(
    ("message", "is_relay"),
    [
        (b"add@/devices/x\0ACTION=add\0SUBSYSTEM=tty\0DEVNAME=ttyUSB0\0", True),
        (b"remove@/devices/x\0ACTION=remove\0SUBSYSTEM=hidraw\0DEVNAME=hidraw3\0", True),
        (b"add@/devices/x\0ACTION=add\0SUBSYSTEM=ttyx\0", False),
        (b"libudev\0\xfe\xed\xca\xfe", False),
        (b"", False),
    ],
)
def test_what_an_event_is_about(message: bytes, is_relay: bool) -> None:
    assert about_relay(message) is is_relay
