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


@pytest.mark.parametrize(
    ("seconds", "allowed"),
    [(5.0, False), (12.0, True), (20.4, True), (22.0, False)],
    ids=["before the grant", "under it", "in the second it ends", "after it"],
)
def test_a_relay_move_needs_what_heartbeats_log_says(
    rack: Any, tmp_path: Path, seconds: float, allowed: bool
) -> None:
    began = float(int(time.time()))
    stamps = {word: time.localtime(began + at) for word, at in (("acquired", 10), ("released", 20))}
    log = tmp_path / "primary/var/log/ha-log"
    log.parent.mkdir(parents=True)
    log.write_text(
        _HEARTBEAT_LOG.format(
            begun=time.strftime("%b %d %H:%M:%S", time.localtime(began)),
            **{word: time.strftime("%Y/%m/%d_%H:%M:%S", at) for word, at in stamps.items()},
        )
    )
    rack.history.note(began + seconds, "relay", "primary")
    rack.history.note(began + 30.0, "relay", "secondary")
    found = RoundAudit(rack, log_of(()), SimpleNamespace(senders=[])).moves_without_grant()  # type: ignore[arg-type]
    assert (found == []) is allowed


def test_what_two_cost_after_a_heal() -> None:
    looks = [(0.0, 2), (1.0, 2), (2.0, 0), (3.0, 1), (4.0, 1)]
    assert overlap(looks, 0.0) == {Measure.TWO: 2.0, Measure.SETTLED: 3.0}
    assert overlap([(0.0, 1), (1.0, 1)], 0.0) == {Measure.TWO: 0.0, Measure.SETTLED: 0.0}
