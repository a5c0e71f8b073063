"""Two nodes from the installed packages, on the private runtime under real Heartbeat: a failover."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Rpms
from hosts import ok
from systemd_host import SystemdHost

WHENCE = "import sys, appliance, hwsim; print(sys.executable, appliance.__file__, hwsim.__file__)"


@pytest.mark.parametrize("scenario", ["power-cut"])
def test_a_demonstration_from_the_packages(
    systemd: SystemdHost, rpms: Rpms, scenario: str, tmp_path: Path
) -> None:
    ok(systemd.rpm("-Uvh", *systemd.bring(rpms)))
    whence = ok(systemd.run("/opt/asha/runtime/bin/python3.11", "-I", "-c", WHENCE)).split()
    assert [path.startswith("/opt/asha/") for path in whence] == [True] * 3
    assert ok(systemd.run("head", "-n", "1", "/usr/sbin/hwsim")) == "#!/opt/asha/runtime/bin/python3.11 -IB\n"
    assert ok(systemd.sh("command -v asha")).strip() in ("/usr/sbin/asha", "/sbin/asha")
    said = ok(systemd.sh(f"cd /root && hwsim demo {scenario} --out /root/demo", timeout=200))
    assert f"1/1 {scenario}" in said
    report = json.loads(systemd.read("/root/demo/report.json"))
    assert report, "the demonstration has measured nothing"
