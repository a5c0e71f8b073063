"""The installed product on a kernel that knows only what EL5's does (see kernel_2_6_18.c).

Check, agent, transfer and both sides of a sync are filtered. What is not: hwsim's card, and rsync (see old_pair.py).
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import Rpms
from furnished import RESOURCE_SCRIPT, agent_pid, answers, furnish, plug_card, relay, serve
from hosts import Done, Host, ok, until
from old_pair import data, furnish_pair, processes, start_agent
from panel_on_host import bring_openssl, page, panel_pid

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def old_kernel(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program that makes the kernel old for another."""
    program = tmp_path_factory.mktemp("kernel") / "kernel_2_6_18"
    argv = ["gcc", "-O1", "-Wall", "-Wextra", "-Werror", "-static", "-o", program]
    subprocess.run([*argv, HERE / "kernel_2_6_18.c"], check=True, timeout=60)
    return str(program)


@pytest.mark.parametrize(
    ("argv", "says"), [(("python3.11", "-c", "print('runs')"), "runs"), (("rsync", "--version"), "version")]
)
def test_a_program_of_today_does_not_run_there(old_kernel: str, argv: tuple[str, ...], says: str) -> None:
    """The control: the filter is a real hindrance."""
    assert says in ok(_run(argv))
    done = _run((old_kernel, *argv))
    assert done.returncode != 0 and says not in done.stdout


def _run(argv: tuple[str, ...]) -> Done:
    return subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)


def test_the_kernel_says_what_it_is(installed: Host, old_kernel: str) -> None:
    assert ok(installed.run("/bin/uname", "-r", wrap=(old_kernel,))).strip() == "2.6.18-419.el5"


def test_the_check_runs_there(installed: Host, old_kernel: str) -> None:
    done = installed.run("/usr/sbin/asha", "check", wrap=(old_kernel,))
    assert done.returncode == 3, done.stderr
    assert "ok   conf" in done.stdout and "NOT  HA engine" in done.stdout


@pytest.mark.parametrize("driver", ["tool", "serial"])
def test_the_agent_runs_and_moves_the_line_there(installed: Host, old_kernel: str, driver: str) -> None:
    """Agent, resource script, commands, and Asterisk's and the tool's stand-ins are filtered; hwsim's card is not."""
    furnish(installed)
    if driver == "serial":
        plug_card(installed)
    agent = installed.spawn("/usr/sbin/asha", "agent", wrap=(old_kernel,))
    until(lambda: answers(installed), "the agent answers")
    serve(installed, resource_words(installed), wrap=(old_kernel,))
    status = installed.run("/usr/sbin/asha", "status", wrap=(old_kernel,))
    assert status.returncode in range(4) and status.stdout.startswith("Failing over: the primary (")
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


def test_data_are_synchronised_there(make_el5: Callable[[], Host], rpms: Rpms, old_kernel: str) -> None:
    """The standby follows a node that serves: a first pass, then a change that comes by itself, then one asked for."""
    giving, asking = make_el5(), make_el5()
    asking.name = "hastandby"
    with ThreadPoolExecutor() as both:
        list(both.map(lambda host: switch_on(host, rpms), (giving, asking)))
    with_data(giving)
    with_owners(giving)
    furnish_pair(giving, asking, old_kernel)
    start_agent(giving, old_kernel)
    serve(giving, resource_words(giving), wrap=(old_kernel,))
    start_agent(asking, old_kernel)
    until(lambda: generations(asking, old_kernel) == [1], "the first generation is in place")
    assert data(asking) == data(giving)
    assert processes(giving) == {"agent": True, "sync-source": True}
    assert processes(asking) == {"agent": True, "appliance.sync_worker": True}

    giving.write("/etc/asterisk/sip.conf", "[general]\nport=5061")
    giving.path("/etc/asterisk/old.conf").unlink()
    change_database(giving, "insert into globals values ('OPERATOR', '101')")
    until(lambda: generations(asking, old_kernel)[-2:] == [2, 1], "the change has followed")
    # The change was seen while it was made, perhaps: what is left of it comes with this.
    ok(asking.run("/usr/sbin/asha", "sync", "--now", wrap=(old_kernel,)))
    assert data(asking) == data(giving)


def switch_on(host: Host, rpms: Rpms) -> None:
    """First on, then installed: at a boot the init script would start an agent that is not filtered."""
    host.up()
    ok(host.rpm("-Uvh", *rpms.values()))


def generations(host: Host, old_kernel: str) -> list[int]:
    """What passes have put in place, newest first."""
    said = ok(host.run("/usr/sbin/asha", "sync", "history", "--json", wrap=(old_kernel,)))
    return [attempt["generation"] for attempt in json.loads(said) if attempt["generation"]]


def resource_words(host: Host) -> tuple[str, ...]:
    """What the resource script becomes: the shell of a busybox of today does not run on such a kernel."""
    return tuple(
        host.read(RESOURCE_SCRIPT).splitlines()[-1].removeprefix("exec ").removesuffix(' "$@"').split()
    )


def with_owners(host: Host) -> None:
    """More data: with an owner, modes and names that are not everyone's, and a link."""
    host.write("/etc/asterisk/old.conf", "goes")
    host.write("/etc/asterisk/secrets.conf", "[secret]", 0o640)
    os.chown(host.path("/etc/asterisk/secrets.conf"), 100, 101)
    host.path("/etc/asterisk/link.conf").symlink_to("sip.conf")
    host.write("/var/spool/asterisk/voicemail/default/101/INBOX/msg ä0000.txt", "a voice", 0o600)
    os.chown(host.path("/var/spool/asterisk/voicemail/default/101"), 100, 101)
    change_database(host, "insert into globals values ('ASTDLIM', ',')")


def change_database(host: Host, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(host.path("/opt/sark/db/sark.db"))) as database:
        database.executescript(statement)


def with_data(host: Host) -> None:
    host.write("/etc/asterisk/sip.conf", "[general]")
    for folder in ("/var/lib/asterisk/sounds", "/var/spool/asterisk/voicemail", "/opt/sark/db"):
        host.path(folder).mkdir(parents=True)
    sqlite3.connect(host.path("/opt/sark/db/sark.db")).executescript(
        "create table globals (pkey, value)"
    ).close()


def test_the_page_is_served_there(installed: Host, old_kernel: str) -> None:
    bring_openssl(installed)
    ok(installed.run("/usr/sbin/asha", "panel", "certificate"))
    served = installed.spawn("/usr/sbin/asha", "panel", "run", wrap=(old_kernel,))
    try:
        until(lambda: installed.run("/usr/sbin/asha", "panel", "answers").returncode == 0, "it answers")
        assert page(installed).startswith(("200 ", "302 ", "303 "))
        # A password's hash, and a change of a file that both may change.
        words = ("/usr/sbin/asha", "panel", "user", "add", "anna", "--password-stdin")
        ok(installed.run(*words, wrap=(old_kernel,), given="correct horse\n"))
        ok(installed.run("/bin/kill", panel_pid(installed)))
        assert served.wait(20) == 0
    finally:
        served.kill()
        served.wait(20)
