"""Staying in step: what a pass that failed was for is tried again soon, not when the period is over."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from appliance.host.clock import SystemClock
from appliance.sync import follow
from appliance.sync.peer_link import PeerLink
from appliance.sync.ssh import Ssh
from appliance.sync.sync_pass import Request

_HOUR = 3600.0


class Enough(Exception):
    """The test has seen what it wants."""


@dataclass(frozen=True, slots=True)
class ThisHost(Ssh):
    """A peer that answers nothing; `news` is what its watch tells of."""

    news: str = ""

    def argv(self, *words: str) -> tuple[str, ...]:
        if words[-1] == "watch":
            return ("sh", "-c", f"echo '{{\"watching\": 1}}'; {self.news} exec cat")
        return ("cat",)


def passes(outcomes: list[bool], news: str = "") -> list[Request]:
    """The passes asked for, of which those before the last end as `outcomes` say."""
    asked: list[Request] = []

    def one_pass(peer: PeerLink, request: Request) -> bool:
        asked.append(request)
        if len(asked) > len(outcomes):
            raise Enough
        return outcomes[len(asked) - 1]

    follower = follow.Follower(
        ThisHost("nowhere", 22, news=news), SystemClock(), _HOUR, one_pass, lambda problem: None
    )
    with pytest.raises(Enough):
        follower.run()
    return asked


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_AGAIN", 0.01)


def test_a_refused_pass_is_made_again_soon() -> None:
    """A standby that asks while Asterisk starts at the peer is refused; nothing may have changed after that."""
    assert [request.scope for request in passes([False, False])] == [None, None, None]


def test_what_a_failed_pass_over_a_change_was_for_is_looked_for_everywhere() -> None:
    change = """echo '{"dirs": ["/etc/asterisk"], "databases": false}';"""
    asked = passes([True, False], news=change)
    assert [request.scope for request in asked] == [None, ("/etc/asterisk",), None]
