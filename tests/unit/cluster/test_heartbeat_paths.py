from __future__ import annotations

from pathlib import Path

import pytest

from appliance.cluster.heartbeat.installation import find_heartbeat
from appliance.core.errors import HostError

DEBIAN = (
    "usr/libexec/heartbeat/heartbeat",
    "usr/share/heartbeat/hb_standby",
    "usr/share/heartbeat/hb_takeover",
    "usr/bin/cl_status",
)
EL5 = (
    "usr/lib64/heartbeat/heartbeat",
    "usr/lib64/heartbeat/hb_standby",
    "usr/lib64/heartbeat/hb_takeover",
    "usr/bin/cl_status",
)


def build(root: Path, programs: tuple[str, ...]) -> Path:
    for program in programs:
        path = root / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    (root / "etc/ha.d/resource.d").mkdir(parents=True)
    (root / "var/lib/heartbeat").mkdir(parents=True)
    return root


@pytest.mark.parametrize("programs", [DEBIAN, EL5])
def test_each_system_keeps_its_own_places(tmp_path: Path, programs: tuple[str, ...]) -> None:
    paths = find_heartbeat(build(tmp_path, programs))
    found = (paths.daemon, paths.hb_standby, paths.hb_takeover, paths.cl_status)
    assert found == tuple(tmp_path / program for program in programs)
    assert paths.resource_dir == tmp_path / "etc/ha.d/resource.d"


def test_everything_missing_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(HostError) as caught:
        find_heartbeat(tmp_path)
    for what in ("heartbeat", "hb_standby", "hb_takeover", "cl_status", "resource.d"):
        assert what in str(caught.value)


def test_a_program_that_is_not_executable_is_missing(tmp_path: Path) -> None:
    build(tmp_path, DEBIAN)
    (tmp_path / DEBIAN[3]).chmod(0o644)
    with pytest.raises(HostError, match="cl_status"):
        find_heartbeat(tmp_path)


def test_the_older_socket_is_looked_for_too(tmp_path: Path) -> None:
    paths = find_heartbeat(build(tmp_path, EL5))
    assert tmp_path / "var/lib/heartbeat/register" in paths.api_sockets
    assert tmp_path / "run/heartbeat/register" in paths.api_sockets
