"""What the agent's connection to Corosync and Pacemaker does by itself, with programs in place of theirs."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.cluster.pacemaker import watch as module
from appliance.cluster.pacemaker.installation import PacemakerPaths, Processes, find_pacemaker
from appliance.cluster.pacemaker.watch import PacemakerWatch
from appliance.config import Conf
from appliance.core.model import Node
from appliance.core.reading import Known, Unknown

ALONE = "echo nodes 1; exec cat"
BOTH = "echo nodes 1 2; exec cat"


class Corosync(Processes):
    """This very process, as if it were Corosync."""

    def corosync(self) -> int | None:
        return os.getpid()


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


class Rig:
    """A watch of a node whose process group is as `bridge` says, and whose corosync-cmapctl fails twice."""

    def __init__(self, place: Path, bridge: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = place / "asked"
        self.paths: PacemakerPaths = replace(
            find_pacemaker(),
            python=program(place / "bridge", bridge),
            crm_mon=program(place / "crm_mon", "exit 1"),
            corosync_cmapctl=program(
                place / "cmapctl",
                f'[ "$1" = -s ] || exit 1; echo "$*" >>{self.asked}; [ "$(wc -l <{self.asked})" -gt 2 ]',
            ),
        )
        monkeypatch.setattr(module, "find_pacemaker", lambda: self.paths)
        monkeypatch.setattr(module, "is_ours", lambda place: True)
        monkeypatch.setattr(module, "Processes", Corosync)
        self.conf = Conf(initdead=30.0)
        self.watch = PacemakerWatch(Node.PRIMARY, "alpha", "bravo", lambda: self.conf)

    def look(self, now: float) -> list[str]:
        """Look, and return what Corosync was told up to the end of that."""
        before = set(threading.enumerate())
        self.watch.look(now)
        for thread in set(threading.enumerate()) - before:
            thread.join(10)
        return self.asked.read_text().splitlines() if self.asked.exists() else []

    def hear(self) -> None:
        """Take in what the bridge says first."""
        while self.watch._group is not None and self.watch._group.nodes is None:
            self.watch.read(0.0)


@pytest.fixture
def rig(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    made = Rig(tmp_path, request.param, monkeypatch)
    yield made
    made.watch.close()


@pytest.mark.parametrize("rig", [ALONE], indirect=True)
def test_a_lone_node_ends_corosyncs_wait_after_initdead_until_it_is_heard(rig: Rig) -> None:
    assert rig.look(0.0) == []
    rig.hear()
    assert rig.look(29.0) == []
    told = "-s quorum.cancel_wait_for_all u8 1"
    assert rig.look(30.0) == [told]
    assert rig.look(31.0) == [told] * 2, "the first was not heard"
    assert rig.look(32.0) == [told] * 3
    assert rig.look(40.0) == [told] * 3, "the third was heard"


@pytest.mark.parametrize("rig", [BOTH], indirect=True)
def test_a_node_that_sees_its_peer_tells_corosync_nothing(rig: Rig) -> None:
    rig.look(0.0)
    rig.hear()
    assert rig.look(1.0) == []
    assert rig.look(60.0) == []


MON = '<r><resources><resource id="asha"><node name="alpha"/></resource></resources></r>'


class Asked:
    """What is asked of Pacemaker, in whose place programs answer; the constraints are found out by `look`."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch, look: Callable[[object], None]) -> None:
        self.paths: PacemakerPaths = replace(
            find_pacemaker(),
            crm_mon=program(place / "crm_mon", f"echo '{MON}'"),
            corosync_cmapctl=program(place / "cmapctl", "exit 1"),
            crm_resource=program(place / "crm_resource", "exit 0"),
        )
        monkeypatch.setattr(module.troubles, "constraints", look)
        self.threads: list[threading.Thread] = []
        begin = threading.Thread.start

        def noted(thread: threading.Thread) -> None:
            self.threads.append(thread)
            begin(thread)

        monkeypatch.setattr(threading.Thread, "start", noted)
        self.belief = module._BeliefAsked(2, Conf)

    def ask(self, now: float) -> threading.Thread | None:
        """Ask; return the thread that does, which may have ended already."""
        self.threads.clear()
        self.belief.ask(self.paths, "alpha", now)
        return next(iter(self.threads), None)

    def hear(self) -> None:
        assert select.select([self.belief], [], [], 10.0)[0]
        self.belief.drain()


def test_what_pacemaker_believes_waits_for_no_slower_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()
    asked = Asked(tmp_path, monkeypatch, lambda paths: answered.wait(30.0) and None)
    asking = asked.ask(1.0)
    asked.hear()
    assert asking is not None and asking.is_alive() and isinstance(asked.belief.reading(1.0), Known)
    answered.set()
    asking.join(10.0)
    asked.belief.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_question_that_fails_in_a_way_nobody_thought_of_is_not_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(paths: object) -> None:
        raise ZeroDivisionError

    asked = Asked(tmp_path, monkeypatch, fails)
    for now in (1.0, 20.0):
        asking = asked.ask(now)
        assert asking is not None, "it is asked again"
        asking.join(10.0)
    asked.belief.close()


def test_a_belief_that_is_old_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(tmp_path, monkeypatch, lambda paths: None)
    asking = asked.ask(1.0)
    assert asking is not None
    asking.join(10.0)
    asked.hear()
    assert isinstance(asked.belief.reading(15.9), Known)
    assert isinstance(asked.belief.reading(16.0), Unknown)
    asked.belief.close()
