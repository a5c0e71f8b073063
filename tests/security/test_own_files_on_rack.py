"""Every file of asha's own in every state, with the real agent on a real pair: it starts, says it, and serves.

All files of a node are spoilt at once, each in another way, and in the next round each in the next way, so that after
as many rounds as there are states every file has been in every state.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pair_on_rack import PAIR_SITE, Pair, Status

from appliance.agent.own_files import own_files
from appliance.config import Conf
from appliance.host.agent_socket import SOCKET
from appliance.host.paths import CONF, JOURNAL, KEPT_CONF, PROVISIONING, REGENERATE
from appliance.sark.provisioning import PHP, TEXT
from hwsim.demo.scenario import OTHER
from tests.plugins.own_file_examples import examples
from tests.plugins.security_figures import Count
from tests.plugins.spoilt_states import STATES

SITE = PAIR_SITE
# Whatever a file is for, none of these is of use.
SURELY_OF_NO_USE = (
    "garbage",
    "nested deeply",
    "too long",
    "a directory",
    "a pipe",
    "a socket",
    "a dangling link",
    "a link to /dev/zero",
    "a link that cannot be read",
)
# These are made anew, or used up, at once; a journal goes on behind what it cannot read, and a check names the place.
WRITTEN_ANEW = {JOURNAL, REGENERATE, PROVISIONING / TEXT, PROVISIONING / PHP}
# Of these only that they are there, or are locked, says anything: their content is of no meaning.
WITHOUT_CONTENT = {"lock", "turn", "sark.lock", "card.lock", "poweroff-drills.lock", "handed-over"}
CONTENTS = {"garbage", "nested deeply", "too long"}
FILES = tuple(file.path for file in own_files(Conf()))
ANSWERS_WITHIN = 10.0
HB_STANDBY = "/usr/share/heartbeat/hb_standby"


# Of values of another type one kind is enough here: tests/contract/agent/test_own_files.py has them all.
BROUGHT_ABOUT = tuple(state for state in STATES if "another type" not in state or state.endswith("(0)"))


def place(pair: Pair, side: str, path: Path) -> Path:
    """Where `path` itself is on the running node, whatever it is."""
    return pair.server(side).node.path(str(path.parent)) / path.name


def spoil(pair: Pair, side: str, turn: int, good: dict[str, bytes]) -> dict[Path, str]:
    """Bring every file on `side` into a state, in turn `turn`; which. Of conf and its copy one stays as it is."""
    spoilt = {}
    for at, path in enumerate(FILES):
        if path != (CONF if turn % 2 else KEPT_CONF):
            state = BROUGHT_ABOUT[(at + turn) % len(BROUGHT_ABOUT)]
            there = place(pair, side, path)
            content = there.read_bytes() if there.is_file() and not there.is_symlink() else b""
            STATES[state](there, good.get(path.name, content))
            spoilt[path] = state
    return spoilt


async def restarted(pair: Pair, side: str, count: Count, *paths: Path) -> Status:
    """An agent started again on `side`, once it has named each of `paths`."""
    began = pair.rack.now()
    await pair.rack.start_agent(side)
    assert pair.rack.now() - began < ANSWERS_WITHIN, "it answers in time"
    count("agents started on spoilt files", 1)
    end = began + ANSWERS_WITHIN + 15
    while (status := await pair.server(side).status()) is None or unnamed(paths, status):
        assert pair.rack.now() < end, unnamed(paths, status) if status else "no answer"
        await pair.rack.pause(0.2)
    return status


def surely_spoilt(spoilt: dict[Path, str]) -> list[Path]:
    """Of what was spoilt, what must be named."""
    return [
        path
        for path, state in spoilt.items()
        if state in SURELY_OF_NO_USE
        and path not in WRITTEN_ANEW
        and not (path.name in WITHOUT_CONTENT and state in CONTENTS)
        and not (path == Path(SOCKET) and state == "a socket")  # as an agent that was killed leaves it
    ]


def unnamed(paths: Iterable[Path], status: Status) -> list[str]:
    """Those of `paths` that the status does not name."""
    told = {trouble["path"] for trouble in status["files"]}
    told |= {str(CONF)} if str(CONF) in str(status["problems"]) else set()
    return sorted({str(path) for path in paths} - told)


def put_back(pair: Pair, side: str, content: bytes) -> None:
    """The conf file as it was: of its own accord nothing else has to be mended."""
    STATES["missing"](place(pair, side, CONF), b"")
    pair.server(side).node.write(str(CONF), content, 0o600)


@contextmanager
def spoilt_until_the_end(pair: Pair, side: str) -> Iterator[bytes]:
    """The conf file of `side`, which is there again afterwards, whatever was done to it."""
    content = place(pair, side, CONF).read_bytes()
    try:
        yield content
    finally:
        put_back(pair, side, content)


@pytest.mark.parametrize("standby", ["secondary", "primary"])
async def test_each_file_in_each_state_on_a_standby_which_then_takes_over(
    pair: Pair, tmp_path: Path, count: Count, standby: str
) -> None:
    await pair.home()
    if standby == "primary":
        await pair.away()
    good = examples(tmp_path / "good")
    for turn in range(standby == "primary", len(BROUGHT_ABOUT), 2):
        with spoilt_until_the_end(pair, standby):
            await pair.server(standby).stop_agent(signal.SIGKILL)
            spoilt = spoil(pair, standby, turn, good)
            status = await restarted(pair, standby, count, *surely_spoilt(spoilt))
            count("files of ours times states", len(spoilt))
            count("spoilt files not named", len(unnamed(surely_spoilt(spoilt), status)))
            assert status["set_up"] is True, (turn, status["problems"])
            await pair.until_status(standby, lambda status: status["role"] == "standby", "it is on standby")
    fault = pair.rack.now()
    await pair.stage.ask(pair.server(OTHER[standby]), "standby", "--leave-data", "--not-ready")
    await pair.served(fault, standby)
    count("grants not taken", not pair.rack.in_service(standby))


@pytest.mark.parametrize("state", ["missing", "garbage", "a pipe"])
async def test_an_active_node_that_has_lost_everything_serves_on(
    pair: Pair, tmp_path: Path, count: Count, state: str
) -> None:
    await pair.home()
    pid = pair.primary.asterisk_pid()
    with spoilt_until_the_end(pair, "primary"):
        await pair.primary.stop_agent(signal.SIGKILL)
        began = pair.rack.now()
        for path in FILES:
            if path != KEPT_CONF:
                STATES[state](place(pair, "primary", path), b"")
        # Until the agent is back no grant is on file; Heartbeat's own stands all the while.
        pair.watchman.grace = 20.0
        await restarted(pair, "primary", count)
        status = await pair.until_status(
            "primary", lambda status: status["role"] == "active" and status["granted"], "it serves on"
        )
        assert any("the grant on file was lost" in problem for problem in status["problems"])
        assert pair.primary.asterisk_pid() == pid, "Asterisk went on"
        broken = [what for what in pair.moved_since(began) if what[0] == "out_of_service"]
        count("grants lost while active", 1)
        count("times that the line was out of service for a lost grant", len(broken))
        assert broken == []
    await pair.move("takeover", to="secondary")
    status = await pair.until_status(
        "primary", lambda status: not status["granted"], "Heartbeat took it back"
    )
    assert not any("the grant on file was lost" in problem for problem in status["problems"])


async def test_the_script_alone_takes_and_lets_go_whatever_the_files_are(
    pair: Pair, tmp_path: Path, count: Count
) -> None:
    await pair.home()
    good = examples(tmp_path / "good")
    for turn in (4, 11):  # the conf file is spoilt, then the copy of it
        with spoilt_until_the_end(pair, "secondary"):
            await pair.secondary.stop_agent(signal.SIGKILL)
            spoil(pair, "secondary", turn, good)
            fault = pair.rack.now()
            assert (await pair.primary.node.run([HB_STANDBY, "all"])).ok
            await pair.stage.until(lambda: pair.rack.in_service("secondary"), 30, "the script alone serves")
            assert pair.rack.now() - fault < 30
            await pair.rack.pause(4)  # Heartbeat takes no second request sooner
            assert (await pair.secondary.node.run([HB_STANDBY, "all"])).ok
            await pair.stage.until(lambda: pair.rack.in_service("primary"), 30, "and lets go")
            await pair.stage.until(
                lambda: not pair.rack.asterisk_runs("secondary"), 30, "Asterisk is gone there"
            )
            count("grants taken and given back by the script alone", 1)


DISKS = {
    "read-only": "mount --bind {0} {0} && mount -o remount,ro,bind {0}",
    "full": "mount -t tmpfs -o size=64k none {0} && cat /dev/zero >{0}/filler 2>/dev/null; true",
}


@pytest.mark.parametrize("disk", ["read-only", "full"])
async def test_a_disk_that_takes_nothing_is_named_and_the_node_takes_over(
    pair: Pair, count: Count, disk: str
) -> None:
    await pair.home()
    await pair.secondary.stop_agent(signal.SIGKILL)
    done = await pair.secondary.node.run(["sh", "-c", DISKS[disk].format(JOURNAL.parent)])
    assert done.ok, done
    try:
        await restarted(pair, "secondary", count, JOURNAL, JOURNAL.parent)
        fault = pair.rack.now()
        await pair.stage.ask(pair.primary, "standby", "--leave-data", "--not-ready")
        await pair.served(fault, "secondary")
        count("disks that take nothing", 1)
    finally:
        await pair.secondary.node.run(["umount", str(JOURNAL.parent)])


async def test_files_that_the_disk_cannot_read_are_named(pair: Pair, tmp_path: Path, count: Count) -> None:
    """A memory file of the kernel's is a plain file of which every read fails with EIO."""
    await pair.home()
    good = examples(tmp_path / "good")
    paths = [path for path in FILES if path.name in good and path.parent == JOURNAL.parent]
    await pair.secondary.stop_agent(signal.SIGKILL)
    for path in [*paths, JOURNAL]:
        STATES["empty"](place(pair, "secondary", path), b"")
        assert (await pair.secondary.node.run(["mount", "--bind", "/proc/1/mem", str(path)])).ok
    try:
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            place(pair, "secondary", JOURNAL).read_bytes()
        await restarted(pair, "secondary", count, *paths, JOURNAL)
        fault = pair.rack.now()
        await pair.stage.ask(pair.primary, "standby", "--leave-data", "--not-ready")
        await pair.served(fault, "secondary")
        count("files of ours times states", len(paths) + 1)
    finally:
        for path in [*paths, JOURNAL]:
            await pair.secondary.node.run(["umount", str(path)])
