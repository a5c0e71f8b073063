"""The installed product on a kernel that knows only what EL5's does (see kernel_2_6_18.c)."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from pathlib import Path

import pytest
from furnished import RESOURCE_SCRIPT, agent_pid, answers, furnish, plug_card, relay, serve
from hosts import Host, ok, until

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def old_kernel(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program that makes the kernel old for another."""
    program = tmp_path_factory.mktemp("kernel") / "kernel_2_6_18"
    argv = ["gcc", "-O1", "-Wall", "-Wextra", "-Werror", "-o", program, HERE / "kernel_2_6_18.c"]
    subprocess.run(argv, check=True, timeout=60)
    return str(program)


def test_a_python_of_today_does_not_run_there(old_kernel: str) -> None:
    """The control: the filter is a real hindrance."""
    argv = [old_kernel, "/usr/bin/python3.11", "-c", "print('runs')"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode != 0 and "runs" not in done.stdout


def test_the_kernel_says_what_it_is(installed: Host, old_kernel: str) -> None:
    assert ok(installed.run("/bin/uname", "-r", wrap=(old_kernel,))).strip() == "2.6.18-419.el5"


def test_the_check_runs_there(installed: Host, old_kernel: str) -> None:
    done = installed.run("/usr/sbin/asha", "check", wrap=(old_kernel,))
    assert done.returncode == 3, done.stderr
    assert "ok   conf" in done.stdout and "NOT  Heartbeat" in done.stdout


@pytest.mark.parametrize("driver", ["tool", "serial"])
def test_the_agent_runs_and_moves_the_line_there(installed: Host, old_kernel: str, driver: str) -> None:
    """Agent, resource script, commands, and Asterisk's and the tool's stand-ins are filtered; hwsim's card is not."""
    furnish(installed)
    if driver == "serial":
        plug_card(installed)
    agent = installed.spawn("/usr/sbin/asha", "agent", wrap=(old_kernel,))
    until(lambda: answers(installed), "the agent answers")
    # What the script becomes: the shell of a busybox of today does not run on such a kernel.
    words = (
        installed.read(RESOURCE_SCRIPT).splitlines()[-1].removeprefix("exec ").removesuffix(' "$@"').split()
    )
    serve(installed, tuple(words), wrap=(old_kernel,))
    status = ok(installed.run("/usr/sbin/asha", "status", wrap=(old_kernel,)))
    assert status.startswith("This node (primary) is taking service")
    ok(installed.run("/usr/sbin/asha", "leave", wrap=(old_kernel,)))
    assert relay(installed)[-1] == "RELAYOFF installed"
    ok(installed.run("/bin/kill", agent_pid(installed)))
    assert agent.wait(timeout=20) == 0


def test_data_are_given_there(installed: Host, old_kernel: str) -> None:
    """The side that is fetched from, but for rsync itself, which is the host's: lists, database snapshots, sessions."""
    with_data(installed)
    request = json.dumps({"verb": "prepare", "scope": ["/etc/asterisk"]})
    words = ("/usr/bin/env", "SSH_ORIGINAL_COMMAND=asha-source serve", "/usr/sbin/asha", "sync-source")
    done = installed.run(*words, wrap=(old_kernel,), given=request + "\n")
    answer = json.loads(ok(done).splitlines()[0])
    assert answer["ok"] is True, answer
    assert done.stderr == ""


def test_changes_of_the_data_are_told_there(installed: Host, old_kernel: str) -> None:
    with_data(installed)
    words = ("/usr/bin/env", "SSH_ORIGINAL_COMMAND=asha-source watch", "/usr/sbin/asha", "sync-source")
    watch = installed.spawn(*words, wrap=(old_kernel,))
    until(lambda: '"watching"' in installed.log.read_text(), "the watch has begun")
    installed.write("/etc/asterisk/new.conf", "new")
    until(lambda: '"dirs": ["/etc/asterisk"]' in installed.log.read_text(), "the change is told")
    assert watch.poll() is None


def with_data(host: Host) -> None:
    host.write("/etc/asterisk/sip.conf", "[general]")
    for folder in ("/var/lib/asterisk/sounds", "/var/spool/asterisk/voicemail", "/opt/sark/db"):
        host.path(folder).mkdir(parents=True)
    sqlite3.connect(host.path("/opt/sark/db/sark.db")).executescript(
        "create table globals (pkey, value)"
    ).close()
