"""The releasing half of a transfer: the relay first, then Asterisk, then the address.

The address is removed here only when Heartbeat is gone. `plan` asks this module for transfers whose goal is
to release or to leave.
"""

from __future__ import annotations

from collections.abc import Iterator

from appliance.core.model import Line, Pbx, Relay
from appliance.core.reading import Known, Reading, Unknown, is_known
from appliance.core.relay_facts import WATCHDOG_SLACK
from appliance.core.transfer import Goal, Order, Phase, Policy, Seen, Transfer, arrived, unknown_because
from appliance.core.values import changed

# After so many seconds Asterisk is stopped although the relay has not answered.
RELAY_HEAD_START = 1.0

# An order of these that is still under way may bring Asterisk up again after it was found to be gone.
_STARTING = frozenset({Order.START_PBX, Order.RESTART_PBX})


def watch(transfer: Transfer, seen: Seen, now: float) -> Transfer:
    """Note since when the line is no longer here."""
    if arrived(seen.line):
        return changed(transfer, away_since=None)
    return transfer if transfer.away_since is not None else changed(transfer, away_since=now)


def phase(transfer: Transfer, seen: Seen, now: float) -> tuple[Phase, str]:
    """Return how much this node still has to let go of, and the sentence that tells people so."""
    free = line_is_free(transfer, seen, now)
    gone = is_known(seen.pbx, Pbx.DEAD) and not seen.busy & _STARTING
    # An order to put the address back that is under way would undo the engine's removal, which follows the release.
    cleared = Order.PUT_ADDRESS not in seen.busy
    cleared = cleared and (transfer.goal is not Goal.LEAVE or is_known(seen.address, False))
    if free and gone and cleared:
        return Phase.DONE, "the line is let go and Asterisk is gone"
    if now - transfer.began >= transfer.policy.release_deadline:
        return Phase.BLOCKED, _why_blocked(free, gone, seen)
    if not free:
        return Phase.LETTING_GO, "the relay is being released"
    if gone:
        return Phase.STOPPING, "Asterisk is gone; the cluster address is being removed"
    return Phase.STOPPING, "the line is let go; Asterisk is being stopped"


def wanted(transfer: Transfer, seen: Seen, now: float) -> Iterator[Order]:
    """Yield the orders that bring the world nearer to the goal."""
    if holds_relay(transfer.policy, seen):
        # This holds whatever the peer says of the line: its report may be old, and the relay must not stay
        # energised.
        yield Order.RELEASE
    if line_is_free(transfer, seen, now) or now - transfer.began >= RELAY_HEAD_START:
        yield from _pbx_orders(transfer, seen, now)
    if transfer.goal is Goal.LEAVE and not is_known(seen.address, False):
        yield Order.REMOVE_ADDRESS


def line_is_free(transfer: Transfer, seen: Seen, now: float) -> bool:
    """Tell whether this node surely does not hold the line.

    That is so when there is no card, when the card is gone, when the relay took the order to release, or when its own
    watchdog must have run out; also when the peer has said, since the relay was told, that the line arrived there,
    whatever the card here answered: the line is the witness.
    """
    if not holds_relay(transfer.policy, seen):
        return True
    if _watchdog_has_released(transfer, seen, now):
        return True
    told = transfer.ordered.get(Order.RELEASE)
    return told is not None and _at_peer_since(told, seen.line, seen.peer.line)


def _watchdog_has_released(transfer: Transfer, seen: Seen, now: float) -> bool:
    """Tell whether a device that could not be told to release the line has done so by its own watchdog.

    It gets no food under a transfer that releases, so that counts from where it began, however long the tries to tell
    it take: each may take longer than is left until a stop fails.
    """
    after, said = transfer.policy.frees_after, seen.commanded
    tried = isinstance(said, Unknown) and said.at >= transfer.began and Order.ENERGISE not in seen.busy
    return bool(after) and tried and now - transfer.began >= after + WATCHDOG_SLACK


def holds_relay(policy: Policy, seen: Seen) -> bool:
    """Tell whether the card is not known to have taken the order to release, or one to energise is still under way."""
    let_go = is_known(seen.commanded, Relay.RELEASED) and Order.ENERGISE not in seen.busy
    return policy.has_card and not is_known(seen.card, False) and not let_go


def stop_fails(transfer: Transfer | None, seen: Seen, now: float) -> bool:
    """Tell whether the engine's stop must fail, so that it reboots this node and so frees the line (design rule 1).

    That is so when a release is blocked and the line not let go. A start that came after the stop is not that.
    """
    if transfer is None or transfer.goal is Goal.ACQUIRE or transfer.phase is not Phase.BLOCKED:
        return False
    return not line_is_free(transfer, seen, now)


def _at_peer_since(told: float, line: Reading[Line], peers: Reading[Line]) -> bool:
    return arrived(peers) and peers.at > told and not arrived(line)


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
        if is_known(seen.pbx, Pbx.DEAD):
            return "Asterisk may still come up: an order to start it from before has not ended"
        state = seen.pbx.value.value if isinstance(seen.pbx, Known) else unknown_because(seen.pbx)
        return f"Asterisk is not gone: {state}"
    if Order.PUT_ADDRESS in seen.busy:
        return "the cluster address may still come back: an order to put it back has not ended"
    if because := unknown_because(seen.address):
        return f"whether the cluster address is gone cannot be seen: {because}"
    return (
        f"the cluster address is still here: {seen.failed.get(Order.REMOVE_ADDRESS) or 'it was not removed'}"
    )
