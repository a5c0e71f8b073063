"""Short ways to say what a node sees, and to take a transfer through it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from appliance.core import plan
from appliance.core.model import DChannel, Line, Node, Pbx, Relay
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.transfer import Goal, Order, Peer, Phase, Policy, Seen, Transfer, Witness

POLICY = Policy(
    node=Node.PRIMARY,
    has_card=True,
    has_line=True,
    witness=Witness.OFF,
    witness_wait=5.0,
    line_deadline=8.0,
    dchannel_deadline=8.0,
    pbx_start_deadline=60.0,
    pbx_stop_deadline=5.0,
)
SECONDARY = replace(POLICY, node=Node.SECONDARY, has_card=False)


def known(value: Any, at: float = 0.0) -> Any:
    """Known, unless it is a reading already; None is Unknown."""
    if isinstance(value, Known | Unknown):
        return value
    return Unknown("the probe got no answer", at) if value is None else Known(value, at)


def peer(
    alive: bool | None = True,
    fit: bool | None = True,
    line: Line | Reading[Line] | None = Line.ABSENT,
    granted: bool | Reading[bool] | None = False,
    relay: Relay | None = Relay.RELEASED,
    unfit_because: str = "",
) -> Peer:
    return Peer(known(alive), known(fit), known(line), known(granted), known(relay), unfit_because)


def seen(
    commanded: Relay | None = Relay.RELEASED,
    card: bool | None = True,
    line: Line | None = Line.ABSENT,
    dchannel: DChannel | Reading[DChannel] | None = DChannel.DOWN,
    pbx: Pbx | None = Pbx.DEAD,
    address: bool | None = None,
    other: Peer | None = None,
    busy: frozenset[Order] | set[Order] = frozenset(),
    failed: Mapping[Order, str] | None = None,
    maintenance: bool = False,
) -> Seen:
    return Seen(
        known(commanded),
        known(card),
        known(line),
        known(dchannel),
        known(pbx),
        known(address),
        other or peer(),
        frozenset(busy),
        failed or {},
        maintenance,
    )


SERVING = seen(commanded=Relay.ENERGISED, line=Line.CLEAR, dchannel=DChannel.UP, pbx=Pbx.RUNNING)


class Walk:
    """A transfer taken step by step; every look keeps the phase, the note and the orders of its step."""

    def __init__(self, goal: Goal = Goal.ACQUIRE, policy: Policy = POLICY, began: float = 100.0) -> None:
        self.transfer: Transfer = plan.begin(goal, 1, "granted by Heartbeat", policy, began)

    def look(self, at: float, what: Seen) -> tuple[Order, ...]:
        """One step at `at` seconds; the orders."""
        step = plan.next_step(self.transfer, what, at)
        self.transfer = step.transfer
        return step.orders

    @property
    def phase(self) -> Phase:
        return self.transfer.phase

    @property
    def note(self) -> str:
        return self.transfer.note
