"""The fitness of a node: whether it could serve if asked now, with the reasons why not, told to the peer."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.model import Line
from appliance.core.reading import Reading, Unknown, is_known


@dataclass(frozen=True, slots=True)
class FitnessInputs:
    """The facts that fitness depends on.

    `start_failed_at`: when Asterisk last failed to start here (monotonic seconds), or None.
    """

    has_card: bool
    has_line: bool
    card: Reading[bool]
    line: Reading[Line]
    pbx_installed: bool
    start_failed_at: float | None
    start_failure: str = ""


# A node on which Asterisk failed to start counts as unfit for this many seconds.
START_FAILURE_COUNTS_FOR = 60.0


def unfit_reasons(standing: FitnessInputs, now: float) -> tuple[str, ...]:
    """Return the reasons why this node is not fit to serve; empty when it is fit.

    A standby whose span is in RED alarm is fit: the line is at its peer, where it belongs.
    """
    reasons = []
    if not standing.pbx_installed:
        reasons.append("Asterisk is not installed")
    failed_at = standing.start_failed_at
    if failed_at is not None and now - failed_at < START_FAILURE_COUNTS_FOR:
        reasons.append(f"Asterisk failed to start just now: {standing.start_failure}")
    if standing.has_card and is_known(standing.card, False):
        reasons.append("the relay card is not there, so the line cannot be brought here")
    if standing.has_line and isinstance(standing.line, Unknown):
        reasons.append(f"its spans cannot be seen: {standing.line.reason}")
    return tuple(reasons)
