"""The agent's rooms for SARK and for the telephones' address: quick, quiet where there is nothing, never broken."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.agent.components import provisioning, sark
from appliance.agent.components.provisioning import Provisioning
from appliance.agent.components.sark import SarkMirror
from appliance.agent.this_node import ThisNode
from appliance.config import load
from appliance.config.edit import set_values
from appliance.control.protocol import ControlRequest
from appliance.core.errors import AshaError, ClusterError, HostError
from appliance.core.model import Node
from appliance.host.worker_thread import WorkerThread
from appliance.sark.mirror import Mirror
from appliance.sark.provisioning import PHP, TEXT, write_address, written_address
from tests.plugins.agent_context import node_context

ROW = {"HACLUSTERIP": "192.168.1.5", "HASYNCH": "LAZY", "HAUSECLUSTER": "NO", "HAMODE": "ON"}


class Place:
    """A node's conf file and SARK's database, and the rooms that look after them."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "db/sark.db"
        self.conf = folder / "asha.conf"
        self.memory = folder / "lib/sark.json"
        self.conf.write_text(f"HACLUSTERIP=192.168.1.5\nDB={self.database}\nPOSTSYNC={folder / 'job'}\n")
        self.this_node = ThisNode(load(self.conf), Node.PRIMARY)
        context = node_context(folder, self.this_node)
        self.journal = context.journal
        self.data: Any = SimpleNamespace(receives=lambda: self.receives)
        self.active_conf: Any = self
        self.receives = ""
        self.reloads = 0
        self.engine_runs = False
        self.room = SarkMirror(context, self.data, self.active_conf)
        self.room._mirror = Mirror("haprimary", self.conf, self.memory, engine_runs=lambda: self.engine_runs)
        self.telephones = Provisioning(context, folder / "etc", folder / "owed")
        self.owed = folder / "owed"
        self.folder = folder / "etc"
        self.job = folder / "job"

    @property
    def engine_off(self) -> bool:
        return not self.engine_runs

    def reload(self) -> None:
        self.this_node.adopt(load(self.conf))
        self.reloads += 1

    def make_sark(self) -> None:
        self.database.parent.mkdir()
        with contextlib.closing(sqlite3.connect(self.database)) as database, database:
            database.execute(f"CREATE TABLE globals (pkey TEXT PRIMARY KEY, {' TEXT, '.join(ROW)} TEXT)")
            database.execute("INSERT INTO globals VALUES ('global', ?, ?, ?, ?)", tuple(ROW.values()))

    def save(self, column: str, value: str) -> None:
        with contextlib.closing(sqlite3.connect(self.database)) as database, database:
            database.execute(f"UPDATE globals SET {column} = ?", (value,))

    def saved(self, column: str) -> str:
        with contextlib.closing(sqlite3.connect(self.database)) as database:
            return str(database.execute(f"SELECT {column} FROM globals").fetchone()[0])

    def said(self, kind: str = "sark") -> list[str]:
        return [entry.says for entry in self.journal.since(0) if entry.kind == kind]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@contextlib.asynccontextmanager
async def running(place: Place) -> AsyncIterator[None]:
    task = asyncio.create_task(place.room.run())
    try:
        yield
        assert not task.done(), "whoever breaks ends the agent"
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - a file on the disk, mostly
            await asyncio.sleep(0.005)


def no_inotify(files: object) -> None:
    raise OSError("this kernel has none")


@pytest.mark.parametrize("told", [True, False], ids=["told by the kernel", "by looking"])
def test_a_save_is_followed_and_noted(place: Place, monkeypatch: pytest.MonkeyPatch, told: bool) -> None:
    if not told:
        monkeypatch.setattr(sark, "RowWatch", no_inotify)
        monkeypatch.setattr(sark, "_LOOK_WITHOUT", 0.05)
    place.make_sark()

    async def play() -> None:
        async with running(place):
            await until(place.memory.exists)
            place.save("HAUSECLUSTER", "yes")
            await until(lambda: place.this_node.conf.use_cluster)
            set_values(place.conf, {"HASYNCH": "LOOSE"})
            await until(lambda: len(place.said()) == 2)

    asyncio.run(play())
    assert place.reloads == 1 and place.saved("HASYNCH") == "LOOSE"
    assert place.said() == [
        "the conf file has followed SARK: HAUSECLUSTER from 'NO' to 'YES'",
        "SARK has followed the conf file: HASYNCH from 'LAZY' to 'LOOSE'",
    ]


def test_without_sark_nothing_is_said_and_a_sark_that_comes_is_found(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sark, "_LOOK", 0.05)

    async def play() -> None:
        async with running(place):
            await until(lambda: place.room._seen is not None)
            assert (place.said(), place.room.problems()) == ([], [])
            place.make_sark()
            place.save("HAUSECLUSTER", "YES")
            await until(place.memory.exists)

    asyncio.run(play())


def test_what_waits_for_service_is_written_when_it_comes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sark, "_LOOK", 0.05)
    place.make_sark()

    async def play() -> None:
        async with running(place):
            await until(place.memory.exists)
            place.receives = "this node is on standby"
            set_values(place.conf, {"HAUSECLUSTER": "YES"})
            seen = place.room._seen
            await until(lambda: place.room._seen != seen)
            assert place.saved("HAUSECLUSTER") == "NO" and place.room.problems() == []
            with pytest.raises(ClusterError, match="this node is on standby"):
                await place.room.push(ControlRequest("sark push", {"by": "root"}))
            place.receives = ""
            await until(lambda: place.saved("HAUSECLUSTER") == "YES")

    asyncio.run(play())


def test_a_conflict_is_said_once_and_ended_by_a_choice(place: Place) -> None:
    place.make_sark()

    async def play() -> None:
        await place.room._follow("")
        set_values(place.conf, {"HACLUSTERIP": "192.168.1.6"})
        place.save("HACLUSTERIP", "192.168.1.7")
        for _ in range(3):
            await place.room._follow("")
        assert len(place.room.problems()) == 2 and len(place.said()) == 2
        dry = await place.room.pull(ControlRequest("sark pull", {"dry_run": True}))
        assert dry.pulled == ("HACLUSTERIP from '192.168.1.6' to '192.168.1.7'",)
        assert len(place.said()) == 2 and place.this_node.conf.cluster_ip == "192.168.1.5"
        await place.room.pull(ControlRequest("sark pull", {"by": "ann\nroot"}))
        assert place.room.problems() == [] and place.this_node.conf.cluster_ip == "192.168.1.7"
        assert place.journal.since(0)[-1].fields["by"] == "ann root"

    asyncio.run(play())


def test_a_value_that_cannot_change_under_heartbeat_waits_for_it_to_be_off(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sark, "_LOOK", 0.05)
    monkeypatch.setattr(sark, "_AGAIN", 0.05)
    place.make_sark()
    place.engine_runs = True
    says = "HACLUSTERIP was changed in SARK; it is taken when the HA engine is stopped on this node"

    async def play() -> None:
        async with running(place):
            await until(place.memory.exists)
            place.save("HACLUSTERIP", "192.168.1.9")
            place.save("HAUSECLUSTER", "YES")
            await until(lambda: place.room.problems() == [f"SARK: {says}"])
            await until(lambda: place.this_node.conf.use_cluster)
            asked = await place.room.pull(ControlRequest("sark pull", {"by": "root"}))
            assert (asked.pulled, asked.problems) == ((), (says,))
            assert place.this_node.conf.cluster_ip == "192.168.1.5" and place.said().count(says) == 1
            place.engine_runs = False
            await until(lambda: place.this_node.conf.cluster_ip == "192.168.1.9")
            assert place.room.problems() == []

    asyncio.run(play())


def test_what_waited_is_taken_before_heartbeat_is_started_again(place: Place) -> None:
    place.make_sark()
    place.engine_runs = True

    async def play() -> None:
        await place.room._follow("")
        place.save("HACLUSTERIP", "192.168.1.9")
        await place.room._follow("")
        place.engine_runs = False
        await place.room.take_held()

    asyncio.run(play())
    assert place.this_node.conf.cluster_ip == "192.168.1.9" and place.room.problems() == []


def test_a_damaged_database_is_a_problem_until_it_is_whole(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sark, "_AGAIN", 0.05)
    place.make_sark()
    whole = place.database.read_bytes()
    place.database.write_bytes(b"no database" * 500)

    async def play() -> None:
        async with running(place):
            await until(lambda: bool(place.room.problems()))
            assert "is damaged" in place.room.problems()[0]
            place.database.write_bytes(whole)
            await until(lambda: place.room.problems() == [])

    asyncio.run(play())
    assert len(place.said()) == 1, "once, however often it is looked at"


@pytest.mark.parametrize("error", [OSError("gone"), ValueError("odd"), HostError("it hangs")])
def test_whatever_goes_wrong_ends_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(files: object) -> None:
        raise error

    monkeypatch.setattr(sark, "watched", lambda database, conf: (place.database,))
    monkeypatch.setattr(sark, "mark", fail)

    async def play() -> None:
        async with running(place):
            await until(lambda: bool(place.room.problems()))

    asyncio.run(play())


def test_a_conf_file_the_agent_cannot_work_by_is_named(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.make_sark()

    def refuse() -> None:
        raise AshaError("not this one")

    monkeypatch.setattr(place, "reload", refuse)

    async def play() -> None:
        await place.room._follow("")
        place.save("HAUSECLUSTER", "YES")
        await place.room._follow("")

    asyncio.run(play())
    assert place.room.problems() == ["SARK: the conf file was not taken: not this one"]


def test_hands_that_hang_hold_up_nobody() -> None:
    release = threading.Event()
    hands = WorkerThread(
        "test",
        "The look",
    )

    async def play() -> None:
        with pytest.raises(HostError, match=r"The look has not ended for 0\.05 s"):
            await hands.do(release.wait, 0.05)
        with pytest.raises(HostError):
            await hands.do(lambda: None, 0.05)
        release.set()
        assert await hands.do(lambda: "done") == "done"

    asyncio.run(play())


# -- the telephones' address


def job(place: Place, ends: int = 0) -> None:
    place.job.write_text(f"#!/bin/sh\ncat {place.folder / TEXT} >>{place.job}.told\nexit {ends}\n")
    place.job.chmod(0o755)


def told(place: Place) -> list[str]:
    log = Path(f"{place.job}.told")
    return log.read_text().split() if log.exists() else []


@pytest.fixture
def addressed(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Place:
    monkeypatch.setattr(provisioning, "own_address", lambda device, cluster_ip, prefix: "192.168.1.1")
    monkeypatch.setattr(provisioning, "run_postsync", _run_in(tmp_path))
    return place


def _run_in(folder: Path) -> Callable[..., str]:
    from appliance.host.paths import SyncPaths  # noqa: PLC0415
    from appliance.sync.post_job import run_postsync  # noqa: PLC0415

    return lambda conf, places: run_postsync(conf, SyncPaths(folder, folder, folder))


def test_the_address_is_kept_and_the_job_runs_on_a_change_only(addressed: Place) -> None:
    place = addressed
    job(place)

    async def play() -> None:
        await place.telephones.look()
        assert written_address(place.folder) == "192.168.1.1" and told(place) == []
        set_values(place.conf, {"HAUSECLUSTER": "YES"})
        place.reload()
        for _ in range(2):
            await place.telephones.look()

    asyncio.run(play())
    assert (place.folder / PHP).read_text() == "<?php return '192.168.1.5';\n"
    assert told(place) == ["192.168.1.5"] and place.telephones.problems() == []
    assert place.said("provision") == [
        "telephones are provisioned with 192.168.1.1",
        "telephones are provisioned with 192.168.1.5, no longer with 192.168.1.1",
        "POSTSYNC has run after the change of address",
    ]


def test_a_job_that_was_killed_half_way_runs_again_and_one_that_fails_is_named(addressed: Place) -> None:
    place = addressed
    write_address("192.168.1.1", place.folder)
    place.owed.touch()
    job(place, ends=3)
    asyncio.run(place.telephones.look())
    assert told(place) == ["192.168.1.1"] and not place.owed.exists()
    (problem,) = place.telephones.problems()
    assert "telephones were not provisioned again" in problem and "status 3" in problem


def test_killed_between_the_two_files_both_are_written_again(addressed: Place) -> None:
    place = addressed
    write_address("192.168.1.9", place.folder)
    (place.folder / PHP).write_text("<?php return '192.168.1.1';\n")
    asyncio.run(place.telephones.look())
    assert (place.folder / TEXT).read_text() == "192.168.1.1\n" and written_address(place.folder)


def test_an_address_that_is_unknown_leaves_what_is_there(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(device: str, cluster_ip: str, prefix: int) -> str:
        raise HostError("eth0 has no IPv4 address of its own.")

    monkeypatch.setattr(provisioning, "own_address", unknown)
    write_address("192.168.1.1", place.folder)
    for _ in range(2):
        asyncio.run(place.telephones.look())
    assert written_address(place.folder) == "192.168.1.1"
    assert place.telephones.problems() == ["telephones: eth0 has no IPv4 address of its own."]
    assert len(place.said("provision")) == 1


@pytest.mark.parametrize(
    "text",
    ["", "192.168.1", "1.2.3.4'; system('id');//", "127.0.0.1", "192.168.1.1\n", "::1", "fe80::1%eth0"],
)
def test_nothing_but_an_address_gets_into_the_files(tmp_path: Path, text: str) -> None:
    with pytest.raises(HostError, match="no IP address"):
        write_address(text, tmp_path)
    assert os.listdir(tmp_path) == []


def test_everybody_can_read_them_whatever_the_mask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_address("192.168.1.1", tmp_path / "asha")
    finally:
        os.umask(before)
    modes = [
        path.stat().st_mode & 0o777 for path in (tmp_path / "asha", *sorted((tmp_path / "asha").iterdir()))
    ]
    assert modes == [0o755, 0o644, 0o644]
