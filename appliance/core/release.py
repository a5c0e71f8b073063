"""Releasing: the relay first, then Asterisk, then (when Heartbeat is gone) the address. Part of `transfer`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from appliance.core.model import Pbx, Relay
from appliance.core.reading import Known, is_known
from appliance.core.transfer import Goal, Order, Phase, Seen, Transfer, arrived, unknown_because

# A relay that does not answer must not keep Asterisk from being stopped, in seconds.
RELAY_HEAD_START = 1.0


def watch(transfer: Transfer, seen: Seen, now: float) -> Transfer:
    """Note since when the line is no longer here."""
    if arrived(seen.line):
        return replace(transfer, away_since=None)
    return transfer if transfer.away_since is not None else replace(transfer, away_since=now)


def phase(transfer: Transfer, seen: Seen, now: float) -> tuple[Phase, str]:
    """How much of this node's hold is left, and the sentence that says so."""
    free = line_is_free(transfer, seen)
    gone = is_known(seen.pbx, Pbx.DEAD)
    cleared = transfer.goal is not Goal.LEAVE or is_known(seen.address, False)
    if free and gone and cleared:
        return Phase.DONE, "the line is let go and Asterisk is gone"
    if now - transfer.began >= transfer.policy.release_deadline:
        return Phase.BLOCKED, _why_blocked(free, gone, seen)
    if not free:
        return Phase.LETTING_GO, "the relay is being released"
    return Phase.STOPPING, "the line is let go; Asterisk is being stopped"


def wanted(transfer: Transfer, seen: Seen, now: float) -> Iterator[Order]:
    """The orders that would bring the world nearer to the goal."""
    free = line_is_free(transfer, seen)
    if not free:
        yield Order.RELEASE
    if free or now - transfer.began >= RELAY_HEAD_START:
        yield from _pbx_orders(transfer, seen, now)
    if transfer.goal is Goal.LEAVE and is_known(seen.address, True):
        yield Order.REMOVE_ADDRESS


def line_is_free(transfer: Transfer, seen: Seen) -> bool:
    """This node surely does not hold the line: no card, a card that is gone, or a relay that took the order.

    Or the peer says that the line has arrived there, whatever our card answered: the line is the witness.
    """
    if not transfer.policy.has_card or is_known(seen.card, False):
        return True
    return is_known(seen.commanded, Relay.RELEASED) or arrived(seen.peer.line)


def _pbx_orders(transfer: Transfer, seen: Seen, now: float) -> Iterator[Order]:
    if is_known(seen.pbx, Pbx.DEAD):
        return
    late = now - transfer.began >= transfer.policy.pbx_stop_deadline + RELAY_HEAD_START
    if late or is_known(seen.pbx, Pbx.HUNG):
        yield Order.KILL_PBX
    elif Order.KILL_PBX not in seen.busy:
        yield Order.STOP_PBX


def _why_blocked(free: bool, gone: bool, seen: Seen) -> str:
    if not free:
        because = (
            seen.failed.get(Order.RELEASE) or unknown_because(seen.commanded) or "the card does not answer"
        )
        return f"the line cannot be let go: {because}. Cut the card's power or the primary's"
    if not gone:
        state = seen.pbx.value.value if isinstance(seen.pbx, Known) else unknown_because(seen.pbx)
        return f"Asterisk is not gone: {state}"
    return (
        f"the cluster address is still here: {seen.failed.get(Order.REMOVE_ADDRESS) or 'it was not removed'}"
    )
