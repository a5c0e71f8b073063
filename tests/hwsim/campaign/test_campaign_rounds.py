"""What a round of the real campaign draws, counts and holds against the pair."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hwsim.campaign.audit import RoundAudit
from hwsim.campaign.callers import Callers
from hwsim.campaign.compared import Measure, overlap
from hwsim.campaign.faults import FAULTS, MOVES
from hwsim.campaign.round import drawn
from hwsim.history import History
from hwsim.nodes import Power
from hwsim.pbxdata import MAIL
from hwsim.service_log import Sample
from hwsim.voicemail import Mailboxes

_HEARTBEAT_LOG = """\
{begun} haprimary heartbeat: [54]: info: Configuration validated. Starting heartbeat 3.0.6
{acquired}  ResourceManager(default)[473]:    info: Acquiring resource group: haprimary IPaddr2::10.77.0.100 asha
{acquired}  ResourceManager(default)[473]:    info: Running /etc/ha.d//resource.d/asha  start
{released}  ResourceManager(default)[912]:    info: Releasing resource group: haprimary IPaddr2::10.77.0.100 asha
"""


class Rack:
    """Two nodes whose disks are directories; the monotonic clock is the wall's."""

    def __init__(self, top: Path) -> None:
        self.history = History()
        self.servers = {
            side: SimpleNamespace(
                node=SimpleNamespace(path=lambda path, side=side: top / side / path[1:], power=Power.ON)
            )
            for side in ("primary", "secondary")
        }

    def wall_time(self, at: float) -> float:
        return at


@pytest.fixture
def rack(tmp_path: Path) -> Any:
    return Rack(tmp_path)


def log_of(answered: tuple[str, ...]) -> Any:
    return SimpleNamespace(
        samples=[Sample(0.0, answered, answered)], reaches_telephones=lambda side: side in answered
    )


def test_a_seed_is_always_the_same_round() -> None:
    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


def test_every_fault_is_drawn_and_every_move_is_a_fault() -> None:
    assert {blow.name for seed in range(500) for blow in drawn(seed)} == set(FAULTS)
    assert set(MOVES) <= set(FAULTS)


def test_a_caller_leaves_a_message_only_where_a_telephone_is_answered(rack: Any) -> None:
    callers = Callers(rack, log_of(("secondary",)))
    for side in ("primary", "secondary"):
        callers.call(side)
    assert callers.left == 1
    assert callers.account() == [
        "on the primary's disk 1 messages are missing and 0 are doubled or strange: caller-000"
    ]


def test_messages_are_counted_on_both_disks(rack: Any, tmp_path: Path) -> None:
    callers = Callers(rack, log_of(("primary",)))
    callers.call("primary")
    callers.call("primary")
    other = Mailboxes(tmp_path / "secondary" / MAIL[1:])
    other.deliver("100", "caller-000")
    other.deliver("101", "caller-001")
    assert callers.account() == []
    other.deliver("101", "caller-001")
    assert callers.account() == [
        "on the secondary's disk 0 messages are missing and 1 are doubled or strange: caller-001"
    ]


@pytest.mark.parametrize(("back", "allowed"), [(23.0, True), (30.0, False)], ids=["at once", "later"])
def test_a_command_that_was_under_way_when_the_grant_ended_is_undone_at_once(
    rack: Any, tmp_path: Path, back: float, allowed: bool
) -> None:
    began = write_log(tmp_path)
    rack.history.note(began + 22.0, "relay", "primary")
    rack.history.note(began + back, "relay", "secondary")
    assert (audit_of(rack).moves_without_grant() == []) is allowed


def test_a_grant_is_the_masters_decision_even_when_it_loses_its_script(rack: Any, tmp_path: Path) -> None:
    began = float(int(time.time()))
    write_log(
        tmp_path,
        f"{stamp(began)} haprimary heartbeat: [54]: info: Resources being acquired from hastandby.\n",
    )
    rack.history.note(began + 7.0, "relay", "primary")
    assert audit_of(rack).moves_without_grant() == []


@pytest.mark.parametrize(("repaired", "found"), [(2.0, [2.34]), (8.5, [])], ids=["no fault", "of the fault"])
def test_a_silence_after_the_repair_is_the_machines(
    rack: Any, tmp_path: Path, repaired: float, found: list[float]
) -> None:
    began = float(int(time.time()))
    late = "Late heartbeat: Node hastandby: interval 2340 ms (> deadtime)"
    write_log(tmp_path, f"{stamp(began + 10)} haprimary heartbeat: [52]: CRIT: {late}\n")
    assert audit_of(rack).silences(began + repaired) == found


def audit_of(rack: Any) -> RoundAudit:
    return RoundAudit(rack, log_of(()), SimpleNamespace(senders=[]))  # type: ignore[arg-type]


def stamp(at: float) -> str:
    return time.strftime("%b %d %H:%M:%S", time.localtime(at))


def write_log(top: Path, text: str = "") -> float:
    """Write the log of a Heartbeat that acquires after 10 s and releases after 20; return when it began."""
    began = float(int(time.time()))
    stamps = {word: time.localtime(began + at) for word, at in (("acquired", 10), ("released", 20))}
    log = top / "primary/var/log/ha-log"
    log.parent.mkdir(parents=True)
    called = {word: time.strftime("%Y/%m/%d_%H:%M:%S", at) for word, at in stamps.items()}
    log.write_text(text or _HEARTBEAT_LOG.format(begun=stamp(began), **called))
    return began


@pytest.mark.parametrize(
    ("seconds", "allowed"),
    [(5.0, False), (12.0, True), (20.4, True), (22.0, False)],
    ids=["before the grant", "under it", "in the second it ends", "after it"],
)
def test_a_relay_move_needs_what_heartbeats_log_says(
    rack: Any, tmp_path: Path, seconds: float, allowed: bool
) -> None:
    began = write_log(tmp_path)
    rack.history.note(began + seconds, "relay", "primary")
    rack.history.note(began + 30.0, "relay", "secondary")
    assert (audit_of(rack).moves_without_grant() == []) is allowed


def test_what_two_cost_after_a_heal() -> None:
    looks = [(0.0, 2), (1.0, 2), (2.0, 0), (3.0, 1), (4.0, 1)]
    assert overlap(looks, 0.0) == {Measure.TWO: 2.0, Measure.SETTLED: 3.0}
    assert overlap([(0.0, 1), (1.0, 1)], 0.0) == {Measure.TWO: 0.0, Measure.SETTLED: 0.0}
