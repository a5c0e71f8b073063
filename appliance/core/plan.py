"""The plan of a transfer, one step at a time.

`next_step(transfer, seen, now)` compares what is wanted with what is seen, and gives the orders that are
missing. The plan is level-triggered: orders follow from the difference between goal and world, never from
where the code was before. So a transfer that was interrupted anywhere, and is begun again by an agent that
knows only its goal, ends in the same place (docs/adr/0006-the-plan-is-level-triggered.md).
"""

from __future__ import annotations

from appliance.core import acquire, release
from appliance.core.transfer import FIRST, TABLE, Goal, Order, Phase, Policy, Seen, Step, Transfer
from appliance.core.values import changed


def begin(goal: Goal, generation: int, reason: str, policy: Policy, now: float) -> Transfer:
    """Return a new transfer that has not looked at the world yet. `now`: monotonic seconds."""
    return Transfer(goal, generation, reason, now, policy, FIRST[goal], now, away_since=now)


def noted(transfer: Transfer, seen: Seen, now: float) -> Transfer:
    """Return the transfer with a note of what is seen, before its first step: that may find it gone again."""
    half = acquire if transfer.goal is Goal.ACQUIRE else release
    watched: Transfer = half.watch(transfer, seen, now)
    return watched


def next_step(transfer: Transfer, seen: Seen, now: float) -> Step:
    """Take one step of a transfer.

    The result holds the phase that fits what is seen, and the orders that are missing and not under way.
    """
    half = acquire if transfer.goal is Goal.ACQUIRE else release
    if transfer.done and transfer.goal is not Goal.ACQUIRE:
        return Step(transfer, ())
    watched = half.watch(transfer, seen, now)
    phase, note = half.phase(watched, seen, now)
    entered = _enter(watched, phase, note, now)
    orders = tuple(order for order in half.wanted(entered, seen, now) if _due(entered, order, seen, now))
    return Step(_mark(entered, orders, now), orders)


def _enter(transfer: Transfer, phase: Phase, note: str, now: float) -> Transfer:
    if phase is transfer.phase:
        return changed(transfer, note=note)
    if phase not in TABLE[transfer.goal][transfer.phase]:
        raise ValueError(f"a {transfer.goal.value} cannot go from {transfer.phase.value} to {phase.value}")
    return changed(transfer, phase=phase, since=now, note=note)


# Orders that are expensive and fail for reasons that last are retried only after this many retry times.
_PATIENCE = {Order.START_PBX: 5.0}


def _due(transfer: Transfer, order: Order, seen: Seen, now: float) -> bool:
    if order in seen.busy:
        return False
    last = transfer.ordered.get(order)
    return last is None or now - last >= transfer.policy.retry * _PATIENCE.get(order, 1.0)


def _mark(transfer: Transfer, orders: tuple[Order, ...], now: float) -> Transfer:
    if not orders:
        return transfer
    return changed(transfer, ordered={**transfer.ordered, **dict.fromkeys(orders, now)})
