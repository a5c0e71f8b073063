"""The board: sensors write on it what the agent currently sees, and the cycle reads from it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from appliance.core.engine_requests import NOTHING_ASKED, Asked
from appliance.core.engine_target import EngineTarget
from appliance.core.fencing import FenceOutcome
from appliance.core.health import IDLE, Activity, ProbePolicy, ProbeRecord, Witnesses, judge, kept_off
from appliance.core.lan import LAN_MAX_AGE
from appliance.core.model import DChannel, Line, Pbx, Relay
from appliance.core.reading import Known, Reading, Unknown, fresh, is_known
from appliance.core.relay_facts import Contacts
from appliance.core.transfer import Peer
from appliance.core.waking import Woke
from appliance.dahdi.span import Span


def _unseen() -> Unknown:
    return Unknown("not checked yet", 0.0)


@dataclass(frozen=True, slots=True)
class PeerReport:
    """The last report of the peer about itself; `at` is in monotonic seconds of this node.

    `doubts`: why it is not known to be ready, though it is fit.
    """

    at: float
    role: str
    granted: Reading[bool]
    fit: Reading[bool]
    line: Reading[Line]
    relay: Reading[Relay]
    unfit_because: str = ""
    doubts: str = ""
    version: str = ""
    generation: int = 0
    served: Reading[bool] = field(default_factory=_unseen)
    data_age: float | None = None
    maintenance: Reading[bool] = field(default_factory=_unseen)
    boot: str = ""
    run: str = ""
    hears_us: Reading[bool] = field(default_factory=_unseen)
    deaf_links: tuple[str, ...] = ()
    fit_for_lan: Reading[bool] = field(default_factory=_unseen)
    serves: Reading[bool] = field(default_factory=_unseen)
    served_since: int | None = None
    engine: str = ""
    drops_minutes: int | None = None
    lost_minutes: int | None = None
    demands: int = 0
    heard_since: int | None = None
    stood_still: bool = False
    lan: Reading[bool] = field(default_factory=_unseen)
    calls: Reading[bool] = field(default_factory=_unseen)
    calls_missing: str = ""
    lan_address: str = ""
    offers: bool = False
    planned: bool = False
    prepares: bool = False


@dataclass(slots=True)
class Observations:
    """The board of current readings. `engine_target`: whether the engine is to run here, as it is kept on file.

    A sensor that changes anything calls `notify_changed`, and the cycle turns at once.
    `stepped` is set after every step of the controller, for those who follow the role. `line_moved` is set when the
    line's signal comes or goes, for the one who then looks whether the other node answers.
    `activity`: what the kernel shows of Asterisk while a probe is silent.
    `latency`: how long each probe's last answer took, in seconds; `slowest`: the longest since the last
    sample was taken. `pbx_started_by`: what started the present or the last Asterisk. It and `spans` are for people:
    nothing is decided by them.
    `address`: one of the cluster's addresses is here; `address_missing`: those that are not, while another is.
    `calls_missing`: why one of the cluster's addresses does not answer telephones, while another does (`calls`), or
    while that is not known of another.
    `lan_address`: this node's own address on the LAN. `not_settable`: why a cluster address could not be set here.
    `disks`: what is wrong with the disks that asha and Asterisk write to.
    `lan_back_at`, `claim_over_at`: as `core.transfer.Seen` has them.
    `woke`: how the machine went on after it stood still the last time.
    `duplicate`: the hardware address of another machine that has the cluster address, `peer_mac`: the peer's, "" when
    not known. `fenced`: how HAFENCE ended last. `gone_asked_at`: when the engine was
    last seen to ask whether the peer is gone, in monotonic seconds. `asked`: what was asked of the engine.
    `engine_troubles`: what keeps the engine from its work, for people.
    `demands`: when an operator asked here for service by force, in whole seconds since the epoch; 0: not just now.
    """

    engine: Reading[bool] = field(default_factory=_unseen)
    engine_id: str = ""
    engine_since: float | None = None
    peer_alive: Reading[bool] = field(default_factory=_unseen)
    peer_seen: bool = False
    report: PeerReport | None = None
    links: dict[str, str] = field(default_factory=dict)
    engine_holds: Reading[str] = field(default_factory=_unseen)
    engine_serves: Reading[bool] = field(default_factory=_unseen)
    engine_moving: bool = False
    engine_target: EngineTarget = EngineTarget.UNSET
    engine_troubles: tuple[str, ...] = ()
    process: Reading[bool] = field(default_factory=_unseen)
    pid: int | None = None
    booted: bool = False
    pbx_started_by: str = ""
    probes: dict[str, ProbeRecord] = field(default_factory=dict)
    activity: Activity = IDLE
    latency: dict[str, float] = field(default_factory=dict)
    slowest: dict[str, float] = field(default_factory=dict)
    pbx_installed: bool = True
    card: Reading[bool] = field(default_factory=_unseen)
    card_place: str = ""
    contacts: Reading[Contacts] = field(default_factory=_unseen)
    line: Reading[Line] = field(default_factory=_unseen)
    spans: Reading[tuple[Span, ...]] = field(default_factory=_unseen)
    dchannel: Reading[DChannel] = field(default_factory=_unseen)
    channels: Reading[int] = field(default_factory=_unseen)
    address: Reading[bool] = field(default_factory=_unseen)
    address_missing: str = ""
    duplicate: str = ""
    peer_mac: str = ""
    fenced: FenceOutcome | None = None
    gone_asked_at: float = float("-inf")
    lan: Reading[bool] = field(default_factory=_unseen)
    calls: Reading[bool] = field(default_factory=_unseen)
    calls_missing: str = ""
    lan_address: str = ""
    lan_back_at: float = float("-inf")
    claim_over_at: float = float("-inf")
    not_settable: str = ""
    disks: tuple[str, ...] = ()
    woke: Woke | None = None
    asked: Asked = NOTHING_ASKED
    demands: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    stepped: asyncio.Event = field(default_factory=asyncio.Event)
    line_moved: asyncio.Event = field(default_factory=asyncio.Event)

    def notify_changed(self) -> None:
        """Have the cycle turn now, because something may have changed."""
        self.changed.set()

    def answered(self, probe: str, seconds: float) -> None:
        """Record that an answer of `probe` took `seconds`."""
        self.latency[probe] = seconds
        self.slowest[probe] = max(seconds, self.slowest.get(probe, 0.0))

    def pbx(self, policy: ProbePolicy, now: float) -> Reading[Pbx]:
        """Return the state of Asterisk, from what the kernel and the probes say."""
        return judge(self.process, self.booted, self.probes, policy, now, witnesses=self._witnesses(now))

    def kept_off(self, policy: ProbePolicy, now: float) -> bool:
        """Tell whether this node's questions by SIP are kept from an Asterisk that lives."""
        alive = is_known(self.process, True)
        return alive and kept_off(self.probes, policy, now, self._witnesses(now))

    def _witnesses(self, now: float) -> Witnesses:
        if self.report is None:
            return Witnesses(self.activity)
        return Witnesses(self.activity, fresh(self.report.calls, now, LAN_MAX_AGE))

    def peer_maintenance(self, now: float, max_age: float) -> Reading[bool]:
        """Return whether an operator works on the peer, as the peer reports.

        A report older than `max_age` seconds gives Unknown.
        """
        if self.report is None:
            return Unknown("the other node's agent has said nothing yet", now)
        return fresh(self.report.maintenance, now, max_age)

    def hears_peer(self, now: float, max_age: float) -> Reading[bool]:
        """Return whether the peer's agent is heard: Unknown until it has been heard once, or is known to be gone."""
        if self.report is None:
            return (
                Known(False, now) if is_known(self.peer_alive, False) else Unknown("nothing heard yet", now)
            )
        return Known(now - self.report.at <= max_age, now)

    def deaf_links(self) -> tuple[str, ...]:
        """Return the engine's links over which nothing of the peer arrives."""
        return tuple(name for name, state in self.links.items() if state != "up")

    def hears_us(self, now: float, max_age: float) -> Reading[bool]:
        """Return whether the peer hears this node, as the peer reports."""
        if self.report is None:
            return Unknown("the other node's agent has said nothing yet", now)
        return fresh(self.report.hears_us, now, max_age)

    def peer(self, now: float, max_age: float) -> Peer:
        """Return the peer, with everything older than `max_age` seconds turned into Unknown."""
        said = self.report
        if said is None:
            silent = Unknown("the other node's agent has said nothing yet", now)
            return Peer(self.peer_alive, silent, silent, silent, silent, lan=silent, calls=silent)
        if now - said.at > max_age:
            silent = Unknown(f"the other node's agent has been silent for {now - said.at:.0f} s", now)
            return Peer(self.peer_alive, silent, silent, silent, silent, lan=silent, calls=silent)
        return Peer(
            alive=self.peer_alive,
            fit=fresh(said.fit, now, max_age),
            line=fresh(said.line, now, max_age),
            granted=fresh(said.granted, now, max_age),
            relay=fresh(said.relay, now, max_age),
            unfit_because=said.unfit_because,
            doubts=said.doubts,
            fit_for_lan=fresh(said.fit_for_lan, now, max_age),
            serves=fresh(said.serves, now, max_age),
            served_since=said.served_since,
            engine=said.engine,
            drops_minutes=said.drops_minutes,
            lost_minutes=said.lost_minutes,
            demands=said.demands,
            heard_since=said.heard_since,
            stood_still=said.stood_still,
            lan=fresh(said.lan, now, max_age),
            calls=fresh(said.calls, now, max_age),
            hears_us=fresh(said.hears_us, now, max_age),
            offers=said.offers,
            prepares=said.prepares,
        )
