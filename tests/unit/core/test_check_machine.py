"""`asha check` about the machine: name, pauses of a virtual one, panic, watchdog, clock, disks, Asterisk's user."""

from __future__ import annotations

import pytest

from appliance.core.host_check.finding import Level
from appliance.core.host_check.machine import (
    RUNTIME_DAYS,
    AsteriskUser,
    Room,
    judge_asterisk_user,
    judge_disks,
    judge_name,
    judge_panic,
    judge_pauses,
    judge_runtime,
    judge_time_service,
    judge_watchdog,
)
from appliance.core.pbx_start import StartWay

GIB = 1 << 30


@pytest.mark.parametrize(
    ("conf", "lasting", "uname", "level"),
    [
        ("pbx1", "pbx1", "pbx1", Level.OK),
        ("pbx1", "", "pbx1", Level.OK),
        ("PBX1", "pbx1", "Pbx1", Level.OK),
        ("pbx1", "pbx1", "other", Level.ERROR),
        ("pbx1", "other", "pbx1", Level.ERROR),
        # The conf file has to have the domain exactly when the machine has it.
        ("pbx1", "pbx1.example.com", "pbx1", Level.ERROR),
    ],
)
def test_the_name(conf: str, lasting: str, uname: str, level: Level) -> None:
    assert judge_name(conf, lasting, uname).level == level


@pytest.mark.parametrize(
    ("virtual", "deadtime", "level"),
    [
        ("", 2.0, Level.OK),
        ("a virtual machine (KVM)", 2.0, Level.WARNING),
        ("a container (lxc)", 9.9, Level.WARNING),
        ("a virtual machine (KVM)", 10.0, Level.OK),
    ],
)
def test_a_virtual_machine_wants_a_longer_deadtime(virtual: str, deadtime: float, level: Level) -> None:
    assert judge_pauses(virtual, deadtime).level == level


def test_a_private_runtime_grows_old() -> None:
    assert judge_runtime(RUNTIME_DAYS, "2026-05-01").level == Level.OK
    found = judge_runtime(RUNTIME_DAYS + 1, "2026-05-01")
    assert found.level == Level.WARNING
    assert "of 2026-05-01 or earlier, 181 days ago" in found.says and "Upgrade" in found.remedy


def test_a_kernel_that_stays_down_after_a_panic() -> None:
    found = judge_panic("0\n")
    assert found.level == Level.WARNING and "kernel.panic = 10" in found.remedy
    assert judge_panic("10\n").level == judge_panic("-1\n").level == Level.OK


@pytest.mark.parametrize(
    ("there", "configured", "configured_there", "level"),
    [
        (True, "/dev/watchdog", True, Level.OK),
        (True, "/dev/watchdog1", False, Level.ERROR),
        (True, "", False, Level.WARNING),
        (False, "", False, Level.WARNING),
    ],
)
def test_the_watchdog(there: bool, configured: str, configured_there: bool, level: Level) -> None:
    found = judge_watchdog("/dev/watchdog", there, configured, configured_there)
    assert found.level == level
    assert ("softdog" in found.remedy) == (not there or level == Level.ERROR)


def test_the_time_service() -> None:
    assert judge_time_service(["chronyd"]).level == Level.OK
    assert judge_time_service([]).level == Level.WARNING


@pytest.mark.parametrize(
    ("room", "level"),
    [
        (Room("/a", 9 * GIB, 1.0), Level.OK),
        (Room("/a", GIB // 8, 1.0), Level.WARNING),
        (Room("/a", 1 << 20, 1.0), Level.ERROR),
        (Room("/a", 0, 1.0), Level.ERROR),
        (Room("/a", 9 * GIB, 0.02), Level.WARNING),
        (Room("/a", 9 * GIB, 0.0), Level.ERROR),
        (Room("/a", 9 * GIB, 1.0, read_only=True), Level.ERROR),
        (Room("/a", 9 * GIB, 1.0, problem="No space left on device"), Level.ERROR),
    ],
)
def test_room_on_the_disks(room: Room, level: Level) -> None:
    found = judge_disks([Room("/b", 99 * GIB, 1.0), room])
    assert found.level == level
    assert "/a" in found.says


@pytest.mark.parametrize(
    ("run_user", "distribution", "owner", "level"),
    [
        ("", "", "root", Level.OK),
        ("", "", "asterisk", Level.OK),  # root may write everywhere
        ("asterisk", "asterisk", "asterisk", Level.OK),
        ("asterisk", "", "asterisk", Level.OK),
        ("", "asterisk", "asterisk", Level.WARNING),
        ("pbx", "asterisk", "pbx", Level.WARNING),
        ("asterisk", "asterisk", "root", Level.ERROR),
    ],
)
def test_the_user_of_asterisk(run_user: str, distribution: str, owner: str, level: Level) -> None:
    found = judge_asterisk_user(AsteriskUser(StartWay(run_user), distribution, {"/var/lib/asterisk": owner}))
    assert found.level == level
    assert level != Level.ERROR or "chown -R asterisk /var/lib/asterisk" in found.remedy
