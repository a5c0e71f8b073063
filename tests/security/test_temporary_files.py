"""Writers are killed at any moment, a thousand times: nothing they wrote is half, and nothing of theirs is left."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from appliance.agent.grant_file import GrantFile
from appliance.agent.journal_file import JournalFile
from appliance.agent.kept_conf import keep
from appliance.config import load
from appliance.config.edit import set_values
from appliance.core.alerts import Alert, AlertKind, Severity
from appliance.core.grant import Verb
from appliance.host.disk import create_file, replace_file
from appliance.host.leftovers import remove_leftovers, temporary_mark
from appliance.host.paths import SyncPaths
from appliance.notify.notice import Notice
from appliance.notify.spool import Spool
from appliance.panel.auth.files import write_own
from appliance.sark.provisioning import write_address
from appliance.sync.newer_data_mark import set_mark
from appliance.sync.state import State, read_state, write_state
from tests.plugins.security_figures import Count

KILLS, AT_ONCE, SEED = 1000, 25, 20261128
CONF = "HAPRINODE=one\nHASECNODE=two\nHAMAILTO=\n".replace("HAMAILTO=\n", "")


def folders(root: Path) -> list[Path]:
    return [root / name for name in ("state", "notify", "panel", "sync", "etc", "work")]


def _write_for_ever(root: Path, seed: int) -> None:
    """What the agent, a pass, a command and the panel write, one after another, as fast as the disk takes it."""
    state, notify, panel, sync, etc, work = folders(root)
    dice, places = random.Random(seed), SyncPaths(sync, sync / "passing", sync / "apart")
    alert = Alert("a", AlertKind.TEST, Severity.NOTICE, "s", "t" * 500)
    spool = Spool(notify)
    writers: list[Callable[[int], object]] = [
        lambda number: replace_file(state / "document", json.dumps({"number": number, "more": "x" * 20_000})),
        lambda number: create_file(state / f"once-{seed}-{number % 7}", "y" * 5000),
        lambda number: spool.put(Notice(f"{seed}-{number % 50}", alert, "primary", "one", 5.0, ("mail",))),
        lambda number: spool.keep_memory({"told": {}, "number": number}),
        lambda number: write_own(panel / "users", json.dumps({"users": {}, "number": number})),
        lambda number: write_state(places.state, State(verified_at=float(number))),
        lambda number: set_mark(places, float(number)),
        lambda number: write_address(f"10.0.{number % 200}.1", etc),
        lambda number: set_values(etc / "asha.conf", {"HASYNCH": dice.choice(["LAZY", "LOOSE"])}),
        lambda number: keep(etc / "asha.conf", state / "conf.kept"),
        lambda number: GrantFile(state / "grant").ask(dice.choice(list(Verb)), 1.0 + number / 1e6, "7:99"),
        lambda number: JournalFile(state / "journal").append({"kind": "order", "number": number}),
        lambda number: _use_directory(work),
    ]
    number = 0
    while True:
        number += 1
        try:
            dice.choice(writers)(number)
        except Exception:
            continue


def _use_directory(work: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="asha-telephony-", suffix=temporary_mark(), dir=work) as made:
        (Path(made) / "dahdi").mkdir()
        (Path(made) / "dahdi" / "system.conf").write_text("span=1\n")


def temporary(root: Path) -> list[Path]:
    """Whatever is there and is none of the files that are to be."""
    found = [path for folder in folders(root) for path in folder.iterdir()]
    return [
        path for path in found if path.name[0] == "." or ".asha-" in path.name or path.parent.name == "work"
    ]


def test_a_thousand_kills_leave_nothing(tmp_path: Path, count: Count) -> None:
    for folder in folders(tmp_path):
        folder.mkdir()
    (tmp_path / "etc" / "asha.conf").write_text(CONF)
    (tmp_path / "etc" / "asha.conf").chmod(0o600)
    dice, context = random.Random(SEED), multiprocessing.get_context("fork")
    living, over, failed = 0, threading.Event(), []

    def write_meanwhile() -> None:
        """One who lives all the while: what is removed is never his."""
        nonlocal living
        while not over.is_set():
            living += 1
            try:
                replace_file(tmp_path / "state" / "mine", str(living) * 1000)
            except OSError as problem:
                failed.append(problem)

    writer = threading.Thread(target=write_meanwhile)
    writer.start()
    removed = seen = 0
    try:
        for batch in range(KILLS // AT_ONCE):
            children = [
                context.Process(
                    target=_write_for_ever, args=(tmp_path, batch * AT_ONCE + number), daemon=True
                )
                for number in range(AT_ONCE)
            ]
            for child in children:
                child.start()
            for child in children:
                time.sleep(dice.uniform(0.0, 0.01))
                os.kill(child.pid or 0, signal.SIGKILL)
            for child in children:
                child.join(30)
                assert child.exitcode == -signal.SIGKILL
            seen += len(temporary(tmp_path))
            removed += sum(map(remove_leftovers, folders(tmp_path)))
    finally:
        over.set()
        writer.join(30)
    removed += sum(map(remove_leftovers, folders(tmp_path)))
    left = temporary(tmp_path)
    count("kills of writers", KILLS)
    count("temporary files that killed writers left, all removed", removed)
    count("temporary files left", len(left))
    count("files written meanwhile by one who lived", living)
    assert left == []
    assert removed > 20, "the kills came while something was being written"
    assert failed == [] and (tmp_path / "state" / "mine").read_text() == str(living) * 1000
    _all_is_whole(tmp_path)


def _all_is_whole(root: Path) -> None:
    state, notify, panel, sync, etc, _ = folders(root)
    assert len(json.loads((state / "document").read_text())["more"]) == 20_000
    assert all(path.read_text() == "y" * 5000 for path in state.glob("once-*"))
    assert json.loads((panel / "users").read_text())["users"] == {}
    assert len(Spool(notify).waiting()) == len(list(notify.glob("*.alert"))) > 0
    assert read_state(sync / "state.json").verified_at is not None
    assert load(etc / "asha.conf").primary_name == "one"
    file = JournalFile(state / "journal")
    assert file.look_through().broken is None and file.entries()
    assert not list(root.rglob("*.spoilt-*")), "nothing was found spoilt"


def test_what_is_not_ours_or_still_used_stays(tmp_path: Path, count: Count) -> None:
    names = (
        ".document.abcd1234",
        ".asha.conf.swp",
        f".document{temporary_mark()}",  # ours, and we live
        ".document.asha-1-1.0123456789AB",
        ".document.asha-x-1.0123456789ab",
        "notes.asha-team",
    )
    for name in names:
        (tmp_path / name).write_text("mine")
    (tmp_path / ".gone.asha-1-1.0123456789ab").write_text("a process 1 of another start: it is gone")
    (tmp_path / ".asha.conf.4194399.new").write_text("no such process")
    (tmp_path / f".asha.conf.{os.getpid()}.new").write_text("ours")
    assert remove_leftovers(tmp_path) == 2
    assert {path.name for path in tmp_path.iterdir()} == {*names, f".asha.conf.{os.getpid()}.new"}
    assert remove_leftovers(tmp_path / "nowhere") == 0
    count("files of others in our directories that were kept", len(names))
