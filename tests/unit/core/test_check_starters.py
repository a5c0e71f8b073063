"""`asha check` about what starts Asterisk or Heartbeat behind asha's back, and what grabs serial ports."""

from __future__ import annotations

import pytest

from appliance.core.host_check.finding import Level
from appliance.core.host_check.starters import (
    BootStarters,
    Restarters,
    SerialGrabbers,
    judge_boot,
    judge_grabbers,
    judge_restarters,
)

RC = ("/etc/rc3.d/S90asterisk",)
WANTS = ("/etc/systemd/system/multi-user.target.wants/asterisk.service",)


@pytest.mark.parametrize(
    ("found", "level", "remedy"),
    [
        (BootStarters("asterisk"), Level.OK, ""),
        (BootStarters("asterisk", wants=WANTS, has_unit=True), Level.ERROR, "systemctl disable asterisk"),
        (BootStarters("asterisk", rc_links=RC, rc_tool="chkconfig"), Level.ERROR, "chkconfig asterisk off"),
        (
            BootStarters("asterisk", rc_links=RC, rc_tool="update-rc.d"),
            Level.ERROR,
            "update-rc.d asterisk disable",
        ),
        (BootStarters("asterisk", rc_links=RC), Level.ERROR, "rm /etc/rc3.d/S90asterisk"),
        # systemd pays no heed to the links of a service that has a unit.
        (BootStarters("asterisk", rc_links=RC, has_unit=True), Level.OK, ""),
        (BootStarters("asterisk", lines=("/etc/rc.local: asterisk",)), Level.ERROR, "take these lines out"),
        (BootStarters("heartbeat", rc_links=RC), Level.WARNING, "rm "),
    ],
)
def test_what_is_started_at_boot(found: BootStarters, level: Level, remedy: str) -> None:
    judged = judge_boot([found])
    assert judged.level == level and remedy in judged.remedy


@pytest.mark.parametrize(
    ("found", "level", "says"),
    [
        (Restarters(), Level.OK, "nothing but asha"),
        (Restarters(restart="no", unit_runs=True), Level.OK, "nothing but asha"),
        (
            Restarters(supervising=("safe_asterisk (pid 7)",)),
            Level.ERROR,
            "safe_asterisk (pid 7) starts Asterisk",
        ),
        (Restarters(restart="always", unit_runs=True), Level.ERROR, "Restart=always"),
        (Restarters(restart="on-failure"), Level.WARNING, "Restart=on-failure"),
        (Restarters(named_in=("/etc/monit.d/pbx",), watching=True), Level.ERROR, "/etc/monit.d/pbx"),
        (Restarters(named_in=("/etc/monit.d/pbx",)), Level.WARNING, "/etc/monit.d/pbx"),
        (Restarters(init_script="/etc/init.d/asterisk"), Level.WARNING, "safe_asterisk"),
    ],
)
def test_what_starts_asterisk_again(found: Restarters, level: Level, says: str) -> None:
    judged = judge_restarters(found)
    assert judged.level == level and says in judged.says
    assert level == Level.OK or judged.remedy


@pytest.mark.parametrize(
    ("found", "level"),
    [
        (SerialGrabbers(), Level.OK),
        (SerialGrabbers(running=("brltty",)), Level.ERROR),
        (SerialGrabbers(enabled=("ModemManager",)), Level.WARNING),
        (SerialGrabbers(running=("ModemManager",), enabled=("ModemManager",)), Level.ERROR),
    ],
)
def test_what_grabs_serial_ports(found: SerialGrabbers, level: Level) -> None:
    assert judge_grabbers(found).level == level
