"""What a soak notes of journals, mails, starts and logs, and that it judges each of them once."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hwsim.mailbox import Mailbox, ReceivedMail
from hwsim.nodes import Network
from hwsim.server import JOURNAL, Server
from hwsim.site import Site
from hwsim.soak.explained import FaultWindow
from hwsim.soak.judgement import SIDES, Soaked
from hwsim.soak.record import Record


class Rig:
    """Two nodes whose disks are directories; `now` is the rack's clock."""

    def __init__(self, top: Path) -> None:
        self.now = 1000.0
        self.servers = {}
        for side in SIDES:
            node: Any = SimpleNamespace(path=lambda path, side=side: top / side / path[1:])
            (top / side / "logs").mkdir(parents=True)
            self.servers[side] = Server(side, node, Site(), top / side / "logs")
            (top / side / JOURNAL[1:]).parent.mkdir(parents=True)
            (top / side / "logs" / f"{side}-agent.log").write_text("")
        self.run, self.mail = Soaked("heartbeat", 180.0), Mailbox()
        rack: Any = SimpleNamespace(servers=self.servers, now=lambda: self.now)
        self.pages: Any = SimpleNamespace(starts=[], log=lambda side: "")
        self.record = Record(self.run, rack, self.mail, self.pages, lambda: None)
        self.record.begin()

    def writes(self, side: str, kind: str, at: float, **fields: object) -> None:
        place = self.servers[side].node.path(JOURNAL)
        with place.open("a") as journal:
            print(json.dumps({"kind": kind, "at": at, "hash": f"{kind}-{at}", **fields}), file=journal)

    def found(self) -> list[str]:
        self.record.collect()
        said, self.run.unexplained = self.run.unexplained, []
        return [f"{one.source}: {one.says}" for one in said]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_each_entry_is_judged_once(rig: Rig) -> None:
    rig.writes("primary", "gap", 1100.0, seconds=5.0)
    assert rig.found() == ["journal of the primary: gap: seconds=5.0"]
    assert rig.found() == []
    rig.writes("primary", "gap", 1101.0, seconds=6.0)
    assert rig.found() == ["journal of the primary: gap: seconds=6.0"]


def test_nothing_is_passed_over_when_the_journal_begins_a_new_file(rig: Rig) -> None:
    rig.writes("primary", "gap", 1100.0)
    assert len(rig.found()) == 1
    rig.writes("primary", "gap", 1110.0)
    place = rig.servers["primary"].node.path(JOURNAL)
    place.rename(place.with_name(place.name + ".1"))
    rig.writes("primary", "gap", 1120.0)
    assert len(rig.found()) == 2


def test_what_the_set_up_leaves_is_no_finding(rig: Rig) -> None:
    rig.writes("secondary", "peer", 1010.0, alive=False)
    assert rig.found() == []


def test_a_round_explains_what_is_written_in_it(rig: Rig) -> None:
    rig.record.windows.append(FaultWindow(1100.0, 1160.0, (("telco dead", "primary"),)))
    for at in (1130.0, 1170.0, 1180.0):
        rig.writes("secondary", "transfer", at, goal="acquire")
    assert rig.found() == ["journal of the secondary: transfer: goal=acquire"]


def test_an_alert_counts_by_the_time_it_was_written_at(rig: Rig) -> None:
    rig.record.windows.append(FaultWindow(1100.0, 1160.0, ()))
    wall = time.time() - rig.now
    for at in (1130.0, 1190.0):
        rig.mail.received.append(
            ReceivedMail(wall + at, Network.address("primary"), "[asha pbx1] critical: nobody serves")
        )
    assert rig.found() == ["alert of primary: [asha pbx1] critical: nobody serves"]
    assert rig.found() == []


def test_a_page_that_ended_and_an_exception_in_a_log_are_findings(rig: Rig) -> None:
    rig.pages.starts.append(("secondary", 1100.0))
    log = rig.servers["primary"].logs / "primary-agent.log"
    log.write_text("Traceback (most recent call last):\nKeyError: 1\n")
    assert rig.found() == [
        "page of the secondary: it had ended, and nothing had been done to it",
        "agent of the primary: 1 exceptions that nobody caught are in its log",
    ]
    assert rig.found() == []
