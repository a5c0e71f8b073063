"""Who tells of a failover, with what, and what is none."""

from __future__ import annotations

from typing import Any

from alert_documents import phase, role, transfer

from appliance.core.alert_rules import FailoverTracker, read_on
from appliance.core.alerts import Alert, AlertKind
from appliance.core.journal_entry import JournalEntry

TAKES = [role("standby", "granted", "acquiring"), transfer("acquire", "granted by Heartbeat")]
ARRIVES = [phase("settling", 0.4), phase("linking", 5.5), phase("done", 5.6, "the line is in service here")]


def told(*entries: dict[str, Any], node: str = "secondary") -> tuple[Alert, ...]:
    return read_on(FailoverTracker(node), map(JournalEntry, entries))[1]


def kinds(*entries: dict[str, Any]) -> list[AlertKind]:
    return [alert.kind for alert in told(*entries)]


def test_the_node_that_gives_up_tells_the_beginning_with_its_reason() -> None:
    given_up = role("active", "revoked", "releasing"), transfer("release", "Asterisk died")
    (begun,) = told(*given_up, phase("done", 0.5, goal="release"), node="primary")
    assert begun.kind is AlertKind.FAILOVER_BEGUN
    assert begun.subject == "failover from the primary begun: Asterisk died"


def test_the_node_that_gets_it_tells_the_end_with_phases_and_once() -> None:
    lost_and_back = phase("moving", 60.0), phase("done", 66.0)
    (done,) = told(*TAKES, *ARRIVES, *lost_and_back)
    assert done.kind is AlertKind.FAILOVER_DONE
    assert "0.400 s: settling" in done.text and "5.600 s: done" in done.text


def test_told_in_pieces_it_is_the_same_story() -> None:
    story, news = FailoverTracker("secondary"), []
    for entry in [*TAKES, *ARRIVES]:
        story, more = read_on(story, [JournalEntry(entry)])
        news += more
    assert tuple(news) == told(*TAKES, *ARRIVES)


def test_of_a_dead_peer_the_living_tells_both() -> None:
    dead = {"kind": "peer", "alive": False}
    assert kinds(dead, *TAKES, *ARRIVES) == [AlertKind.FAILOVER_BEGUN, AlertKind.FAILOVER_DONE]
    assert kinds(dead, {"kind": "peer", "alive": True}, *TAKES, *ARRIVES) == [AlertKind.FAILOVER_DONE]


def test_the_first_service_of_a_pair_has_no_beginning_to_tell() -> None:
    first = role("waiting", "granted", "acquiring"), transfer("acquire", "granted by Heartbeat")
    assert kinds({"kind": "peer", "alive": False}, *first, *ARRIVES) == [AlertKind.FAILOVER_DONE]


def test_heartbeat_dying_under_the_active_node_is_a_beginning() -> None:
    assert kinds(role("active", "engine down", "leaving"), transfer("leave", "Heartbeat died")) == [
        AlertKind.FAILOVER_BEGUN
    ]


def test_what_a_standby_lets_go_of_is_no_failover() -> None:
    assert kinds(role("standby", "revoked", "releasing"), transfer("release", "taken back")) == []
    assert kinds(transfer("leave", "before Heartbeat is started")) == []


def test_a_restarted_agent_tells_of_itself_and_of_no_failover() -> None:
    started = {"kind": "agent", "says": "started", "version": "2.0", "pid": 7}
    resumed = {"kind": "role", "event": "agent started", "role": "acquiring"}
    again = transfer("acquire", "the agent was restarted")
    assert kinds(started, resumed, again, *ARRIVES) == [AlertKind.AGENT_STARTED]
    assert kinds(resumed, again, *ARRIVES, *TAKES, *ARRIVES) == [AlertKind.FAILOVER_DONE]


def test_a_node_that_stood_still_says_so() -> None:
    (alert,) = told({"kind": "gap", "seconds": 7.25})
    assert alert.kind is AlertKind.NODE_STOOD_STILL and "7.2 s" in alert.text


def test_a_newline_in_a_reason_stays_within_the_subject() -> None:
    (begun,) = told(role("active", "revoked", "releasing"), transfer("release", "x\r\nTo: all@example.com"))
    assert begun.subject.endswith("begun: x To: all@example.com")


def test_an_address_that_was_put_back_is_told_and_one_that_was_not_is_no_event() -> None:
    done = {"kind": "done", "order": "PUT_ADDRESS", "ms": 600.0, "problem": ""}
    assert kinds(done) == [AlertKind.ADDRESS_TAKEN]
    assert kinds({**done, "problem": "it is elsewhere"}) == []
    assert kinds({**done, "order": "START_PBX"}) == []
