"""Root's rights, given up for good, as the kernel sees it."""

from __future__ import annotations

import json
import pwd
import subprocess
import sys
from typing import Any

import pytest

from appliance.core.errors import HostError
from appliance.host.process import become_user

LOOK = """
import json, os, sys
from appliance.core.errors import HostError
from appliance.host.process import become_user

try:
    become_user(sys.argv[1])
except HostError as problem:
    sys.exit(str(problem))
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
back = []
for way in (lambda: os.setuid(0), lambda: os.setgroups([0]), lambda: open("/etc/shadow")):
    try:
        way()
    except OSError:
        back.append("refused")
print(json.dumps({
    "uids": os.getresuid(), "gids": os.getresgid(), "groups": os.getgroups(), "umask": os.umask(0),
    "caps": int(status["CapPrm"], 16), "no_new": status["NoNewPrivs"].strip(), "back": back,
}))
"""


def became(name: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", LOOK, name]
    return subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)


def test_nothing_of_root_is_left_and_there_is_no_way_back() -> None:
    nobody = pwd.getpwnam("nobody")
    seen: dict[str, Any] = json.loads(became("nobody").stdout)
    assert seen == {
        "uids": [nobody.pw_uid] * 3,
        "gids": [nobody.pw_gid] * 3,
        "groups": [nobody.pw_gid],
        "umask": 0o077,
        "caps": 0,
        "no_new": "1",
        "back": ["refused"] * 3,
    }


@pytest.mark.parametrize(("name", "says"), [("nobody-such", "no user nobody-such"), ("root", "is root")])
def test_without_such_a_user_it_does_not_go_on_as_root(name: str, says: str) -> None:
    done = became(name)
    assert done.returncode == 1 and says in done.stderr


def test_whoever_is_not_root_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    become_user("nobody-such")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    with pytest.raises(HostError):
        become_user("nobody-such")
