"""One state of the pair: every node's view of it, and that only a pair with nothing wrong is called protected."""

from __future__ import annotations

from typing import Any

import pytest
from alert_documents import reading, status

from appliance.core.pair_state import Health, pair_state

NAMES = {"primary": "pbx1", "secondary": "pbx2"}
UNHEARD = {"granted": reading(None, "last seen 9 s ago"), "fit": reading(None, "last seen 9 s ago")}
GONE = {**UNHEARD, "alive": reading(False)}
PEER_SERVES = {"role": "active", "granted": reading(True)}
SERVED = {"goal": "acquire", "phase": "done", "note": "the line is in service here", "began": 720.0}
GAVE_UP = {"goal": "release", "phase": "done", "reason": "Asterisk died", "began": 720.0}


def primary(role: str = "active", peer: dict[str, Any] | None = None, **changes: Any) -> Any:
    """Return the state as the primary sees it; the secondary stands by, and is ready, unless `peer` says otherwise."""
    there = {"node": "secondary", "name": "pbx2", "role": "standby", **(peer or {})}
    ran = {"pbx": {"state": reading("running" if role == "active" else "dead")}}
    return pair_state(status(role, **{"node": "primary", "names": NAMES, "peer": there, **ran, **changes}))


def secondary(role: str = "standby", peer: dict[str, Any] | None = None, **changes: Any) -> Any:
    """Return the state as the secondary sees it; the primary serves unless `peer` says otherwise."""
    there = {"node": "primary", "name": "pbx1", **PEER_SERVES, **(peer or {})}
    ran = {"pbx": {"state": reading("running" if role == "active" else "dead")}}
    return pair_state(status(role, **{"node": "secondary", "names": NAMES, "peer": there, **ran, **changes}))


@pytest.mark.parametrize("found", [primary(), secondary()])
def test_both_nodes_call_a_whole_pair_protected(found: Any) -> None:
    assert (found.name, found.health) == ("protected", Health.OK)
    assert found.says == (
        "Protected: the primary (pbx1) is active, and the secondary (pbx2) is ready to take over."
    )


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (primary(peer=GONE), "it is gone"),
        (primary(peer=UNHEARD), "last seen 9 s ago"),
        (primary(peer={"fit": reading(False), "unfit_because": "no card"}), "no card"),
        (primary(peer={"doubts": "the disk takes nothing"}), "the disk takes nothing"),
        (secondary(fit=False, unfit_because=["span 1 is gone"]), "span 1 is gone"),
        (secondary(doubts=["the LAN cannot be seen"]), "the LAN cannot be seen"),
        (secondary("off"), "is off there"),
        (secondary("waiting"), "waits for the other node there"),
    ],
)
def test_without_a_ready_standby_it_runs_without_protection_and_says_why(found: Any, why: str) -> None:
    assert (found.name, found.health) == ("running without protection", Health.DEGRADED)
    assert found.says.startswith(
        "Running without protection: the primary (pbx1) is active, and the secondary"
    )
    assert why in found.says


def test_after_a_failover_both_nodes_say_since_when_and_the_primary_why() -> None:
    there = primary("standby", PEER_SERVES, transfer=GAVE_UP)
    assert there.says == (
        "Running on the secondary (pbx2) for 12 min (Asterisk died). The primary (pbx1) is ready to take over."
    )
    here = secondary("active", {"role": "standby", "granted": reading(False)}, transfer=SERVED)
    assert here.says == (
        "Running on the secondary (pbx2) for 12 min. The primary (pbx1) is ready to take over."
    )
    assert (
        (there.name, there.health)
        == (here.name, here.health)
        == ("running on the secondary", Health.DEGRADED)
    )
    unready = secondary("active", GONE, transfer=SERVED)
    assert unready.name == "running on the secondary" and "(pbx1) is not ready: it is gone." in unready.says


def test_what_is_wrong_beside_the_service_degrades_it() -> None:
    found = primary(problems=["link of Heartbeat down: eth1", "the data are stale"])
    assert (found.name, found.health) == ("degraded", Health.DEGRADED)
    assert found.says == "Degraded: link of Heartbeat down: eth1 (and 1 more)."


@pytest.mark.parametrize(
    "found",
    [
        secondary(
            "acquiring", GONE, transfer={"goal": "acquire", "phase": "linking", "note": "", "began": 3.0}
        ),
        primary("releasing", transfer={"goal": "release", "phase": "stopping", "began": 3.0}),
        primary("standby", {"role": "acquiring", "granted": reading(True)}),
    ],
)
def test_service_on_its_way_is_a_failover(found: Any) -> None:
    assert (found.name, found.health) == ("failing over", Health.DEGRADED)


BLOCKED = {"goal": "acquire", "phase": "blocked", "note": "the line is held by the primary", "began": 60.0}


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (
            secondary(peer={"role": "standby", "granted": reading(False)}),
            "is standby, and here: it is on standby",
        ),
        (secondary(peer=GONE, fit=False, unfit_because=["no Asterisk"]), "is gone, and here: no Asterisk"),
        (primary("off", {"role": "off", "granted": reading(False)}), "is off, and here"),
        (secondary("acquiring", GONE, transfer=BLOCKED), "the line is held by the primary"),
        (primary(pbx={"state": reading("hung")}), "Asterisk is hung on the primary (pbx1)"),
        (primary(lan={"reached": reading(False, "eth0 has no carrier")}), "eth0 has no carrier"),
    ],
)
def test_nobody_serves(found: Any, why: str) -> None:
    assert (found.name, found.health) == ("no service", Health.NO_SERVICE)
    assert why in found.says


def test_a_blocked_line_beside_a_running_asterisk_is_told_as_what_is_wrong() -> None:
    found = secondary(
        "acquiring", GONE, transfer=BLOCKED, pbx={"state": reading("running")}, problems=[BLOCKED["note"]]
    )
    assert found.name == "running on the secondary"


@pytest.mark.parametrize(
    "found",
    [
        primary(peer=PEER_SERVES),
        secondary("active"),
        primary(peer=UNHEARD, address={"duplicate": "02:00:00:00:02:00"}),
    ],
)
def test_two_that_serve_are_called_so_by_each(found: Any) -> None:
    assert (found.name, found.health) == ("two active", Health.NO_SERVICE)


def test_a_node_that_cannot_see_anything_does_not_call_that_no_service() -> None:
    found = secondary(peer={**UNHEARD, "alive": reading(None, "no word")})
    assert (found.name, found.health) == ("not known", Health.UNKNOWN)
    heard = secondary(peer=UNHEARD, lan={"calls": reading(True)})
    assert heard.name == "running without protection" and "telephones can call" in heard.says


def test_a_node_that_is_not_set_up_says_that_alone() -> None:
    assert primary("not set up", set_up=False).name == "not set up"
