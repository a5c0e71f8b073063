"""What of a status is told, and by which of the two nodes."""

from __future__ import annotations

import pytest
from alert_documents import reading, status

from appliance.core.alert_rules import problems
from appliance.core.alerts import AlertKind
from appliance.core.status import Status

TRANSFER = {"goal": "acquire", "note": "the line is held by the primary"}


def kinds(told: Status) -> set[AlertKind]:
    return {found.alert.kind for found in problems(told)}


@pytest.mark.parametrize("role", ["off", "waiting", "standby", "acquiring", "active", "releasing", "leaving"])
def test_nothing_wrong_is_nothing_told(role: str) -> None:
    assert problems(status(role)) == ()


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (status("acquiring", transfer={**TRANSFER, "phase": "blocked"}), AlertKind.LINE_BLOCKED),
        (status(transfer={**TRANSFER, "phase": "unverifiable"}), AlertKind.LINE_UNVERIFIABLE),
        (status(trouble="Asterisk died and no standby is there"), AlertKind.SERVICE_TROUBLED),
        (status("standby", fit=False, unfit_because=["no card"]), AlertKind.NODE_UNFIT),
        (status(peer={"alive": reading(False)}), AlertKind.PEER_LOST),
        (status("standby", peer={"alive": reading(False)}), AlertKind.PEER_LOST),
        (status(peer={"fit": reading(None, "silent for 9 s")}), AlertKind.PEER_SILENT),
        (status("standby", data={"stale": True}), AlertKind.DATA_STALE),
        (status("standby", data={"problem": "no", "kind": "sick source"}), AlertKind.DATA_TROUBLED),
        (status("standby", data={"problem": "no", "kind": "host key changed"}), AlertKind.DATA_TROUBLED),
        (status("standby", data={"telephony": "span 1"}), AlertKind.TELEPHONY_MISFIT),
        (status(data={"unsettled": "may not be whole"}), AlertKind.DATA_TROUBLED),
        (status(data={"postsync": "POSTSYNC ended with status 1"}), AlertKind.DATA_TROUBLED),
        (status("standby", data={"conflicts": 3}), AlertKind.DATA_TROUBLED),
        (status(address={"trouble": "the cluster address was taken away"}), AlertKind.ADDRESS_TAKEN),
        (status(peer={"calls": reading(False)}), AlertKind.LAN_LOST),
        (status("standby", lan={"calls": reading(False)}), AlertKind.LAN_LOST),
        (status("off", engine={"lost": True}), AlertKind.NODE_UNFIT),
        (status("off", lan={"reached": reading(False, "eth0 is down")}), AlertKind.LAN_LOST),
        (status(relay={"card": reading(False)}), AlertKind.CARD_LOST),
        (status(relay={"trouble": "its register was found split"}), AlertKind.RELAY_MOVED),
        (status(peer={"links": {"eth0": "up", "eth1": "dead"}}), AlertKind.LINK_LOST),
        (status(address={"duplicate": "02:00:00:00:00:01"}), AlertKind.SPLIT_BRAIN),
        (status(peer={"granted": reading(True)}), AlertKind.SPLIT_BRAIN),
        (status("standby", strays={"running": True}), AlertKind.SPLIT_BRAIN),
        (status("standby", strays={"ended": 2}), AlertKind.SPLIT_BRAIN),
    ],
)
def test_each_problem_is_told_and_no_other(told: Status, kind: AlertKind) -> None:
    assert kinds(told) == {kind}


def test_the_end_of_one_trouble_of_the_engine_is_not_the_end_of_another() -> None:
    both = problems(status(engine={"troubles": ["maintenance mode: end it", "mute (status 1)"]}))
    (left,) = problems(status(engine={"troubles": ["mute (status 2)"]}))
    assert len({found.alert.key for found in both}) == 2
    assert left.alert.key == both[1].alert.key, "the same trouble, with other particulars"


def test_the_address_that_no_telephone_reaches_is_named() -> None:
    why = "SIP does not answer on 2001:db8::5 at 02:01"
    (seen,) = problems(status("standby", lan={"calls": reading(False, why)}))
    assert seen.alert.text.endswith(f"a telephone on the LAN cannot call: {why}")
    (told,) = problems(status(address={"ip": "10.0.0.5, 2001:db8::5"}, peer={"calls": reading(False)}))
    assert told.alert.text.endswith("cannot call through one of 10.0.0.5, 2001:db8::5")
    (one,) = problems(status(address={"ip": "10.0.0.5"}, peer={"calls": reading(False)}))
    assert one.alert.text.endswith("cannot call through 10.0.0.5")


def test_a_machine_that_boots_has_a_minute_to_start_the_engine() -> None:
    (missing,) = problems(status("off", engine={"lost": True}))
    assert missing.dwell == 60.0 and "does not run" in missing.alert.text


@pytest.mark.parametrize(
    "told",
    [
        status("standby", peer={"links": {"eth1": "dead"}}),  # the one that serves tells
        status("standby", peer={"fit": reading(None, "silent")}),
        status("standby", peer={"granted": reading(True)}),  # so it should be
        status(fit=False, unfit_because=["Asterisk failed to start just now"]),  # told as trouble
        status("off", peer={"alive": reading(False)}),  # nobody watches while HA is off
        status(relay={"card": reading(None, "not checked yet")}),  # unknown is not lost
        status(relay={"card": None}),
        status("acquiring", peer={"calls": reading(False)}),  # nobody can call yet
        status("standby", peer={"calls": reading(False)}),
        status(lan={"reached": reading(None, "nobody was heard")}),
        status("standby", lan={"reached": reading(False)}),  # told as why it is not fit
        status(lan={"reached": reading(False)}),  # told as trouble
        status(transfer=None),
        status("standby", data={"problem": "later", "kind": "busy"}),
    ],
)
def test_what_the_other_node_tells_or_nobody_knows_is_not_told(told: Status) -> None:
    assert problems(told) == ()


def test_a_dead_peer_is_told_once_not_as_links_and_data_too() -> None:
    peer = {"alive": reading(False), "links": {"eth0": "dead", "eth1": "dead"}}
    data = {"problem": "no route", "kind": "unreachable", "stale": True}
    assert kinds(status("standby", peer=peer, data=data)) == {AlertKind.PEER_LOST}
    assert kinds(status("standby", data={**data, "stale": False})) == {AlertKind.DATA_TROUBLED}


def test_the_last_word_of_a_dead_peer_is_no_split_brain() -> None:
    peer = {"alive": reading(False), "granted": reading(True)}
    assert kinds(status(peer=peer)) == {AlertKind.PEER_LOST}


def test_each_link_is_told_by_itself() -> None:
    told = problems(status(peer={"links": {"eth0": "dead", "/dev/ttyS0": "dead"}}))
    assert {found.alert.key for found in told} == {"link eth0", "link /dev/ttyS0"}


def test_each_item_is_told_by_itself_and_a_heap_as_one() -> None:
    items = [{"path": f"/etc/asterisk/{n}", "why": "it is empty", "todo": "", "since": 0.0} for n in range(8)]
    told = problems(status("standby", data={"held_back": items[:2]}))
    assert {found.alert.key for found in told} == {f"held back {one['path']}" for one in items[:2]}
    assert {found.alert.kind for found in told} == {AlertKind.ITEM_HELD_BACK}
    *_, last = told = problems(status("standby", data={"held_back": items, "held_back_more": 4}))
    assert len(told) == 6 and last.alert.text.startswith("7 more items are held back")


def test_what_stands_in_a_reason_cannot_break_a_line() -> None:
    (found,) = problems(status(trouble="bad\r\nBcc: all@example.com\x1b[2J"))
    assert found.alert.subject == "bad Bcc: all@example.com [2J"
    assert "\r" not in found.alert.text and "\x1b" not in found.alert.text
