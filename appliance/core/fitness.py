"""The fitness of a node that stands by: whether it could serve if it were asked, with the reasons, told to the peer.

Two kinds of reasons are kept apart:

- A node is **unfit** when something is known that keeps it from serving. Service is not moved there while the other
  node can do anything else.
- It is **not known to be ready** when nothing such is known, and something is doubtful: a disk that takes nothing, a
  LAN that cannot be seen, an engine that does not answer. A move that can wait (an operator's, a drill, the automatic
  way back) waits until that is mended, or is made by name (`--not-ready`). A failover cannot wait: it goes there all
  the same, because a node that may serve is better than one that does not.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.model import Line
from appliance.core.reading import Known, Reading, Unknown, is_known

# A node on which Asterisk failed to start counts as unfit for this many seconds.
START_FAILURE_COUNTS_FOR = 60.0

_UNSEEN = Unknown("not checked yet", 0.0)


@dataclass(frozen=True, slots=True)
class FitnessInputs:
    """The facts that fitness depends on.

    Attributes:
        has_card: A relay card is to be in this node.
        has_line: A line is moved, so spans are to be here.
        card: Whether the card is there.
        line: Where the line is, which tells whether the spans can be seen.
        pbx_installed: Asterisk's program is there.
        start_failed_at: When Asterisk last failed to start here, in monotonic seconds, or None.
        start_failure: Why it did.
        lan: Whether this node reaches the LAN.
        not_settable: Why a cluster address could not be set here; "" when nothing is known against it.
        engine: Whether the engine runs, as it answers.
        has_address: A cluster address is set, so that the LAN is to be reached.
        disks: What is wrong with the disks that asha and Asterisk write to, in sentences.
    """

    has_card: bool
    has_line: bool
    card: Reading[bool]
    line: Reading[Line]
    pbx_installed: bool
    start_failed_at: float | None
    start_failure: str = ""
    lan: Reading[bool] = _UNSEEN
    not_settable: str = ""
    engine: Reading[bool] = _UNSEEN
    disks: tuple[str, ...] = ()
    has_address: bool = True


@dataclass(frozen=True, slots=True)
class Fitness:
    """The fitness of one node, at one moment.

    Attributes:
        unfit: Why it could not; empty when nothing is known that keeps it from that.
        for_lan: Whether it could serve the LAN's telephones at least, without the line.
        doubts: Why it is not known to be ready, though it may well serve.
    """

    unfit: tuple[str, ...] = ()
    for_lan: bool = True
    doubts: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """True when it could serve, and nothing about that is doubtful."""
        return not self.unfit and not self.doubts


def fitness_of(standing: FitnessInputs, now: float) -> Fitness:
    """Return the fitness of a node at `now` (monotonic seconds)."""
    return Fitness(unfit_reasons(standing, now), not lan_unfit_reasons(standing, now), doubts(standing))


def unfit_reasons(standing: FitnessInputs, now: float) -> tuple[str, ...]:
    """Return the reasons why this node is not fit to serve; empty when it is fit.

    A standby whose span is in RED alarm is fit: the line is at its peer, where it belongs.
    """
    return lan_unfit_reasons(standing, now) + _line_unfit_reasons(standing)


def lan_unfit_reasons(standing: FitnessInputs, now: float) -> tuple[str, ...]:
    """Return the reasons why this node could not even serve the telephones of the LAN, without the line."""
    reasons = []
    if not standing.pbx_installed:
        reasons.append("Asterisk is not installed")
    failed_at = standing.start_failed_at
    if failed_at is not None and now - failed_at < START_FAILURE_COUNTS_FOR:
        reasons.append(f"Asterisk failed to start just now: {standing.start_failure}")
    if standing.not_settable:
        reasons.append(standing.not_settable)
    elif isinstance(standing.lan, Known) and not standing.lan.value:
        reasons.append(f"it is cut off from the LAN: {standing.lan.why}")
    return tuple(reasons)


def _line_unfit_reasons(standing: FitnessInputs) -> tuple[str, ...]:
    reasons = []
    if standing.has_card and is_known(standing.card, False):
        reasons.append("the relay card is not there, so the line cannot be brought here")
    if standing.has_line and isinstance(standing.line, Unknown):
        reasons.append(f"its spans cannot be seen: {standing.line.reason}")
    return tuple(reasons)


def doubts(standing: FitnessInputs) -> tuple[str, ...]:
    """Return why this node is not known to be ready, though nothing may be known that keeps it from serving."""
    reasons = list(standing.disks)
    if standing.has_card and isinstance(standing.card, Unknown):
        reasons.append(f"it is not known whether the relay card is there: {standing.card.reason}")
    if standing.has_address and isinstance(standing.lan, Unknown):
        reasons.append(f"it is not known whether it reaches the LAN: {standing.lan.reason}")
    if isinstance(standing.engine, Unknown):
        reasons.append(f"its HA engine does not answer: {standing.engine.reason}")
    return tuple(reasons)
