"""The control socket asked by processes of other users, told apart by the kernel."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from appliance.control import server
from appliance.control.access import AllowedUsers
from appliance.control.protocol import ControlRequest
from appliance.control.server import ControlServer

PANEL, GROUP, STRANGER = 46001, 46002, 46003
_ASK = """
import os, socket, sys
os.setgroups([])
os.setgid(int(sys.argv[3]))
os.setuid(int(sys.argv[4]))
with socket.socket(socket.AF_UNIX) as link:
    link.settimeout(10)
    link.connect(sys.argv[1])
    link.sendall(sys.argv[2].encode() + b"\\n")
    print(link.recv(65536).decode())
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that other users may enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name) / "control"


async def _echo(request: ControlRequest) -> Any:
    return {"heard": request.to_json()}


def _asked(
    path: Path, request: Mapping[str, object], *, user: int, group: int, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """The answer that a process of `user` in `group` gets, or what it ended with."""
    monkeypatch.setattr(server, "panel_gid", lambda: GROUP)

    async def play() -> Any:
        served = ControlServer(path, _echo, AllowedUsers(0, PANEL))
        await served.start()
        try:
            argv = [sys.executable, "-IS", "-c", _ASK, str(path), json.dumps(request), str(group), str(user)]
            done = await asyncio.to_thread(subprocess.run, argv, capture_output=True, timeout=20, check=False)
            return json.loads(done.stdout) if done.returncode == 0 else done.stderr.decode()
        finally:
            await served.stop()

    return asyncio.run(play())


def test_the_panels_user_is_answered_and_marked(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = _asked(place, {"verb": "status", "by": "anna"}, user=PANEL, group=GROUP, monkeypatch=monkeypatch)
    assert answer == {"ok": True, "result": {"heard": {"verb": "status", "by": "anna (panel)"}}}


@pytest.mark.parametrize(
    "request_",
    [
        {"verb": "start", "ticket": 1.0},
        {"verb": "stop", "ticket": 1.0},
        {"verb": "running"},
        {"verb": "reload"},
    ]
    + [{"verb": verb, "leave_data": True} for verb in ("standby", "takeover")],
)
def test_the_panels_user_is_refused_what_is_not_its(
    place: Path, monkeypatch: pytest.MonkeyPatch, request_: Mapping[str, object]
) -> None:
    answer = _asked(place, request_, user=PANEL, group=GROUP, monkeypatch=monkeypatch)
    assert answer["ok"] is False and answer["exit_code"] == 5, answer


def test_another_user_of_the_panels_group_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = _asked(place, {"verb": "status"}, user=STRANGER, group=GROUP, monkeypatch=monkeypatch)
    assert answer["ok"] is False and "Only root" in answer["error"]


def test_anybody_else_does_not_even_reach_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = _asked(place, {"verb": "status"}, user=STRANGER, group=STRANGER, monkeypatch=monkeypatch)
    assert "PermissionError" in said


def test_the_socket_is_the_panels_groups_where_there_is_one(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def mode() -> tuple[int, int]:
        served = ControlServer(place, _echo)
        await served.start()
        try:
            found = os.stat(place)
            return stat.S_IMODE(found.st_mode), found.st_gid
        finally:
            await served.stop()

    monkeypatch.setattr(server, "panel_gid", lambda: None)
    assert asyncio.run(mode())[0] == 0o600
    monkeypatch.setattr(server, "panel_gid", lambda: GROUP)
    assert asyncio.run(mode()) == (0o660, GROUP)


_FLOOD = """
import os, socket, sys
os.setgroups([])
os.setgid(int(sys.argv[2]))
os.setuid(int(sys.argv[3]))
links = []
for _ in range(60):
    link = socket.socket(socket.AF_UNIX)
    link.settimeout(10)
    link.connect(sys.argv[1])
    links.append(link)
# The server has closed those that were too many; the others wait for a word.
for link in links[32:]:
    assert link.recv(1) == b"", "one too many is served"
print("crowded", flush=True)
sys.stdin.read()
"""


def test_a_crowd_of_the_panels_connections_does_not_shut_root_out(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "panel_gid", lambda: GROUP)

    async def play() -> bytes:
        served = ControlServer(place, _echo, AllowedUsers(0, PANEL))
        await served.start()
        argv = [sys.executable, "-IS", "-c", _FLOOD, str(place), str(GROUP), str(PANEL)]
        crowd = await asyncio.create_subprocess_exec(*argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert crowd.stdin is not None and crowd.stdout is not None
        try:
            assert await crowd.stdout.readline() == b"crowded\n"
            reader, writer = await asyncio.open_unix_connection(str(place))
            writer.write(b'{"verb": "status"}\n')
            answer = await reader.readline()
            writer.close()
            return answer
        finally:
            crowd.stdin.close()
            await crowd.wait()
            await served.stop()

    assert json.loads(asyncio.run(play()))["ok"] is True
