"""What the agent says in each state, for the tests of the page: those of asha 1.0.0-2, and those of the pair."""

from __future__ import annotations

import copy
from typing import Any

from appliance.core.move_limit import says
from tests.plugins.agent_stand_in import STATUS, AgentStandIn, known, permits, span, unknown

PASSWORD = "correct horse battery"
DEAD = {"state": known("dead"), "pid": None, "silent": []}
HERE = {"ip": "192.168.1.5", "here": known(True), "duplicate": ""}
AWAY = {"ip": "192.168.1.5", "here": known(False), "duplicate": ""}
OFF_ENGINE = {"running": known(False), "holds": unknown("off"), "waits_another": None}
Document = dict[str, Any]


def peer(**changes: Any) -> Document:
    return {**copy.deepcopy(STATUS["peer"]), **changes}


UNSEEN = peer(
    alive=unknown("Heartbeat does not run"),
    fit=unknown("silent"),
    role="",
    version="",
    data_age=None,
    links={},
)
# State → what the agent says of itself, and exactly the buttons that are then on the page.
STATES: dict[str, tuple[Document, list[str]]] = {
    "not-set-up": (
        {"set_up": False, "role": "not set up",
         "agent": None, "node": "", "names": {}, "headline": "This machine is not set up yet.",
         "permits": permits(), "pbx": {"state": unknown("not looked"), "pid": None, "silent": []}, "line": None,
         "spans": None, "address": {"ip": "", "here": unknown("none"), "duplicate": ""}, "engine": OFF_ENGINE,
         "peer": {**UNSEEN, "node": "", "name": ""}, "relay": {"card": None, "place": "", "commanded": None}},
        [],
    ),
    "all-off": (
        {"role": "off", "headline": "This node (primary) is off: the HA engine does not run.", "pbx": DEAD,
         "permits": permits("ha start", "pbx start"), "line": known("absent"), "address": AWAY,
         "spans": known([span(1, "RED")]), "peer": UNSEEN, "engine": OFF_ENGINE, "transfer": None},
        ["Start HA", "Start Asterisk"],
    ),
    "waiting": (
        {"role": "waiting", "pbx": DEAD,
         "headline": "This node (primary) waits for the other node, at most 97 s more; then it goes on alone.",
         "permits": permits("ha stop"), "line": known("absent"), "address": AWAY, "peer": UNSEEN,
         "engine": {"running": known(True), "holds": known("none"), "waits_another": 97.0}, "transfer": None},
        ["Stop HA"],
    ),
    "active": (
        {"permits": permits("ha stop", "pbx stop", "pbx start", "standby", "maintenance on")},
        ["Stop HA", "Stop Asterisk", "Fail over now", "Maintenance on"],
    ),
    "standby": (
        {"node": "secondary", "role": "standby", "headline": "This node (secondary) is on standby.", "pbx": DEAD,
         "line": known("absent"), "spans": known([span(1, "RED")]), "address": AWAY, "granted": False,
         "relay": {"card": None, "place": "", "commanded": None},
         "data": {**STATUS["data"], "duty": "pull", "age": 3.0},
         "permits": permits("ha stop", "takeover", "maintenance on"),
         "peer": peer(node="primary", name="pbx1.example.com", role="active", line=known("clear"),
                      granted=known(True))},
        ["Stop HA", "Fail over to here now", "Maintenance on"],
    ),
    "failed-over": (
        {"role": "standby", "headline": "This node (primary) is on standby.", "pbx": DEAD, "line": known("absent"),
         "address": AWAY, "spans": known([span(1, "RED")]), "granted": False,
         "relay": {"card": known(True), "place": "/dev/ttyUSB0", "commanded": known("released")},
         "data": {**STATUS["data"], "duty": "merge", "peer_newer": True},
         "permits": permits("ha stop", "takeover", "failback", "maintenance on"),
         "peer": peer(role="active", line=known("clear"), granted=known(True))},
        ["Stop HA", "Fail back", "Maintenance on"],
    ),
    "alone": (
        {"problems": ["no standby is there; RESTART=NO"],
         "peer": peer(alive=known(False), links={"eth0": "dead", "eth1": "dead"}),
         "permits": permits("ha stop", "maintenance on")},
        ["Stop HA", "Maintenance on"],
    ),
    "moved-too-often": (
        {"moves": {"within_hour": 6, "limit": 6, "held": True, "says": says(6, 6), "failback_wait": 640.0},
         "problems": [says(6, 6)],
         "permits": permits("ha stop", "standby", "maintenance on", "cleanup")},
        ["Stop HA", "Fail over now", "Maintenance on", "Acknowledge the moves"],
    ),
    "blocked": (
        {"role": "acquiring", "headline": "This node (primary) is taking over: the relay card is gone.",
         "problems": ["the relay card is gone: the line is at the secondary until it is plugged in again"],
         "line": known("absent"), "spans": known([span(1, "RED"), span(2)]),
         "relay": {"card": known(False), "place": "", "commanded": unknown("the card went away")},
         "permits": permits("ha stop", "standby", "maintenance on")},
        ["Stop HA", "Fail over now", "Maintenance on"],
    ),
    "maintenance": (
        {"maintenance": {"until": 1_790_003_600.0, "left": 3540.0, "by": "olga", "why": "new cable"},
         "problems": ["in maintenance for 59 min more (olga: new cable): a dead Asterisk moves nothing"],
         "permits": permits("ha stop", "pbx stop", "standby", "maintenance off")},
        ["Stop HA", "Stop Asterisk", "Fail over now", "Maintenance off"],
    ),
}  # fmt: skip


# State of the pair → the state above in which it is so, or what is different from a pair with nothing wrong.
OF_THE_PAIR: dict[str, str | Document] = {
    "protected": "active",
    "running on the secondary": "failed-over",
    "running without protection": "alone",
    "degraded": "moved-too-often",
    "failing over": {
        "role": "acquiring", "headline": "This node (primary) is taking over: the line settles.",
        "line": known("settling"), "permits": permits(),
        "transfer": {"goal": "acquire", "phase": "settling", "note": "the line settles", "reason": "granted",
                     "generation": 8, "began": 2.4, "since": 1.1},
    },
    "no service": {
        "role": "off", "headline": "This node (primary) is off: the HA engine does not run.", "pbx": DEAD,
        "permits": permits("ha start", "pbx start"), "line": known("absent"), "address": AWAY, "engine": OFF_ENGINE,
        "spans": known([span(1, "RED")]), "transfer": None, "peer": peer(alive=known(False), granted=unknown("dead")),
    },
    "two active": {
        "peer": peer(role="active", granted=known(True)),
        "pair": [{"fault": "both serve", "since": 40.0, "tried": 1, "overdue": True,
                  "says": "both nodes serve, and the HA engine does not settle it", "todo": "asha ha stop on one"}],
        "problems": ["both nodes serve, and the HA engine does not settle it"],
        "permits": permits("ha stop"),
    },
    "not known": "all-off",
    "not set up": "not-set-up",
}  # fmt: skip


class Panel:
    """The panel at `url`, and the agent behind it."""

    def __init__(self, url: str, agent: AgentStandIn) -> None:
        self.url = url
        self.agent = agent

    def be(self, state: str) -> list[str]:
        """The agent says that from now on; the buttons there should be."""
        changes, labels = STATES[state]
        self.say(changes)
        return labels

    def be_pair(self, state: str) -> None:
        """The agent says from now on that the pair is in that state."""
        found = OF_THE_PAIR[state]
        self.say(STATES[found][0] if isinstance(found, str) else found)

    def say(self, changes: Document) -> None:
        """The agent says that nothing is wrong, but for `changes`."""
        self.agent.says["status"] = {**copy.deepcopy(STATUS), **copy.deepcopy(changes)}
