"""The acquiring half of a transfer: bring the line here and start Asterisk.

The relay is energised and Asterisk started in parallel; after that the line itself must say that it arrived.
`plan` asks this module for transfers whose goal is to acquire.
"""

from __future__ import annotations

from collections.abc import Iterator

from appliance.core import cluster_address, progress, stuck_line
from appliance.core.model import DChannel, Line, Node, Pbx, Relay
from appliance.core.progress import (
    ENDING,
    link_is_up,
    still_confirmed,
)
from appliance.core.reading import Known, Reading, Unknown, is_known
from appliance.core.transfer import (
    Order,
    Phase,
    Seen,
    Transfer,
    Witness,
    arrived,
    doubted_because,
    other_cause,
    unknown_because,
)
from appliance.core.values import changed
from appliance.core.witness import holds_back, why_held_back

# A peer that has started Asterisk ahead of a grant ends it as soon as it hears that service was taken back. It is
# waited for so many seconds, so that there are not two.
PREPARED_ENDS = 3.0

__all__ = ["PREPARED_ENDS", "phase", "wanted", "watch"]  # what `plan` asks of each half


def watch(transfer: Transfer, seen: Seen, now: float) -> Transfer:
    """Return the transfer with a note of what has come, gone or become unreadable, and of the link's recovery."""
    watched = progress.watch(transfer, seen, now)
    return changed(watched, recovery=stuck_line.follow(watched, seen, now))


def phase(transfer: Transfer, seen: Seen, now: float) -> tuple[Phase, str]:
    """Return how far the line and Asterisk are, and the sentence that tells people so."""
    if transfer.aside.since is not None:
        return _aside(transfer, seen, now)
    if still_confirmed(transfer, seen, now):
        return transfer.phase, transfer.note
    return _by_line(transfer, seen, now) if transfer.policy.has_line else _without_line(transfer, seen, now)


def _by_line(transfer: Transfer, seen: Seen, now: float) -> tuple[Phase, str]:
    line = seen.line
    if not isinstance(line, Known) or line.value is Line.ABSENT:
        return _away(transfer, seen, now)
    if line.value is Line.UNVERIFIABLE:
        return _unverifiable(transfer, seen, now)
    if line.value is Line.SETTLING:
        return _settling(transfer, seen, now)
    return _linking(transfer, seen, now)


def wanted(transfer: Transfer, seen: Seen, now: float) -> Iterator[Order]:
    """Yield the orders that bring the world nearer to the goal."""
    if transfer.aside.since is not None:
        yield from _leave(transfer, seen)
    elif _relay_missing(transfer, seen, now):
        yield Order.ENERGISE
    if cluster_address.to_be_put_back(transfer, seen, now):
        yield Order.PUT_ADDRESS
    yield from _pbx_orders(transfer, seen, now)
    if (is_known(seen.line, Line.CLEAR) and not seen.busy & ENDING) or stuck_line.leads_away(transfer, now):
        yield from stuck_line.wanted(transfer, seen, now)


def _aside(transfer: Transfer, seen: Seen, now: float) -> tuple[Phase, str]:
    """Return where a node is that has stepped aside for the other one (see `core/witness.py`)."""
    if transfer.policy.node is Node.SECONDARY:
        return _held_back(transfer, seen, now)
    return Phase.BLOCKED, transfer.aside.because


def _leave(transfer: Transfer, seen: Seen) -> Iterator[Order]:
    released = is_known(seen.commanded, Relay.RELEASED) and Order.ENERGISE not in seen.busy
    if transfer.policy.has_card and not is_known(seen.card, False) and not released:
        yield Order.RELEASE
    if is_known(seen.address, True):
        yield Order.REMOVE_ADDRESS


def _relay_missing(transfer: Transfer, seen: Seen, now: float) -> bool:
    if not transfer.policy.has_card or is_known(seen.card, False) or stuck_line.leads_away(transfer, now):
        return False
    return not is_known(seen.commanded, Relay.ENERGISED) or _has_dropped(transfer, seen, now)


def _has_dropped(transfer: Transfer, seen: Seen, now: float) -> bool:
    """Tell whether the line is at the peer although the card here took the order to energise.

    The card may have lost that order, so it is given again, but not more often than once per `line_deadline`.
    """
    if not is_known(seen.line, Line.ABSENT) or not arrived(seen.peer.line) or transfer.away_since is None:
        return False
    last = max(transfer.away_since, transfer.ordered.get(Order.ENERGISE, transfer.began))
    return now - last >= transfer.policy.line_deadline


def _pbx_orders(transfer: Transfer, seen: Seen, now: float) -> Iterator[Order]:
    if transfer.served:
        return
    if is_known(seen.pbx, Pbx.HUNG):
        yield Order.KILL_PBX
    elif is_known(seen.pbx, Pbx.DEAD) and _may_start(transfer, seen, now):
        yield Order.START_PBX


def _may_start(transfer: Transfer, seen: Seen, now: float) -> bool:
    return (
        not seen.busy & ENDING
        and not holds_back(transfer, seen, now)
        and not _peer_prepared(transfer, seen, now)
    )


def _peer_prepared(transfer: Transfer, seen: Seen, now: float) -> bool:
    prepared = is_known(seen.peer.alive, True) and seen.peer.prepares
    return prepared and now - transfer.began < PREPARED_ENDS


def _without_line(transfer: Transfer, seen: Seen, now: float) -> tuple[Phase, str]:
    if is_known(seen.pbx, Pbx.RUNNING):
        return Phase.DONE, f"{_answers(seen)}; this pair has no line to move"
    return _pbx_awaited(transfer, seen, now, Phase.MOVING)


def _answers(seen: Seen) -> str:
    if isinstance(seen.sip, Unknown):
        return "Asterisk runs"
    return "Asterisk answers" if seen.sip.value else "Asterisk runs, and does not answer by SIP"


def _pbx_awaited(transfer: Transfer, seen: Seen, now: float, meanwhile: Phase) -> tuple[Phase, str]:
    if transfer.served and not seen.busy & ENDING and (ended := _ended(seen.pbx)):
        return Phase.BLOCKED, f"{ended} after it had served; 'asha pbx start' starts it afresh"
    failure = seen.failed.get(Order.START_PBX, "")
    since = transfer.pbx_since if transfer.pbx_since is not None else now
    if (unseen := unknown_because(seen.pbx)) and Order.START_PBX not in transfer.ordered:
        # It is not known to be dead, so nobody has started it, and there is no start to wait for.
        phase = Phase.BLOCKED if now - since >= transfer.policy.line_deadline else meanwhile
        return phase, f"Asterisk cannot be seen, so it is not started: {unseen}"
    if now - since >= transfer.policy.pbx_start_deadline or failure:
        because = failure or unknown_because(seen.pbx) or "it does not finish booting"
        return Phase.BLOCKED, f"Asterisk does not start: {because}"
    return meanwhile, "Asterisk is starting"


def _ended(pbx: Reading[Pbx]) -> str:
    if is_known(pbx, Pbx.HUNG):
        return "Asterisk hangs"
    return "Asterisk died" if is_known(pbx, Pbx.DEAD) else ""


def _held_back(transfer: Transfer, seen: Seen, now: float) -> tuple[Phase, str]:
    waited = now - (transfer.away_since if transfer.away_since is not None else now)
    for_good = transfer.policy.witness is Witness.REQUIRE and waited >= transfer.policy.line_deadline
    return Phase.BLOCKED if for_good else Phase.MOVING, why_held_back(transfer, seen)


def _away(transfer: Transfer, seen: Seen, now: float) -> tuple[Phase, str]:
    if holds_back(transfer, seen, now):
        return _held_back(transfer, seen, now)
    waited = now - (transfer.away_since if transfer.away_since is not None else now)
    if _watchdog_awaited(transfer, seen, waited):
        return Phase.MOVING, _why_freed(transfer)
    if waited < transfer.policy.line_deadline:
        return Phase.MOVING, stuck_line.progress(transfer) or "waiting for the line's signal"
    return Phase.BLOCKED, _why_away(transfer, seen)


def _watchdog_awaited(transfer: Transfer, seen: Seen, waited: float) -> bool:
    """Tell whether the relay's own watchdog may yet take the line from a silent primary."""
    policy = transfer.policy
    if not policy.frees_after or policy.node is Node.PRIMARY or not is_known(seen.peer.alive, False):
        return False
    return is_known(seen.line, Line.ABSENT) and waited < policy.frees_after + policy.line_deadline


def _why_away(transfer: Transfer, seen: Seen) -> str:
    if is_known(seen.line, Line.ABSENT):
        return _why_absent(transfer, seen) + other_cause(seen.line)
    return f"the line cannot be seen: {unknown_because(seen.line)}"


def _why_absent(transfer: Transfer, seen: Seen) -> str:
    if is_known(seen.peer.line, Line.ABSENT):
        return (
            "neither node receives the line: it is dead on the provider's side or before the relay. "
            "Check the cable to the relay card's common port, then call the provider"
        )
    if transfer.policy.node is Node.SECONDARY:
        return _why_held(transfer, seen)
    if is_known(seen.card, False):
        return "the relay card is gone, so the line is at the secondary. Plug the card in, or run on the secondary"
    if failure := seen.failed.get(Order.ENERGISE, ""):
        return f"the relay could not be energised: {failure}"
    if arrived(seen.peer.line):
        return "the relay was told to bring the line here, but the secondary still receives it: the relay is stuck"
    return "the relay was told to bring the line here, but no signal arrives. Check the card and both cables"


def _why_held(transfer: Transfer, seen: Seen) -> str:
    if is_known(seen.peer.alive, True):
        return "the primary is up but the line does not arrive: see 'asha status' there; 'asha line release' frees it"
    if after := transfer.policy.frees_after:
        return (
            f"the line is held by the silent primary, and within {after:g} s its relay's own watchdog has not given it "
            "here. Power off the relay device: the line then comes here on its own"
        )
    return (
        "the line is held by the primary, which is silent but still powered: its relay keeps the line. "
        "Power off or reset the primary; the line then comes here on its own"
    )


def _why_freed(transfer: Transfer) -> str:
    after = transfer.policy.frees_after
    return f"the silent primary holds the line; its relay's own watchdog gives it here within {after:g} s"


def _unverifiable(transfer: Transfer, seen: Seen, now: float) -> tuple[Phase, str]:
    if not is_known(seen.pbx, Pbx.RUNNING):
        held = holds_back(transfer, seen, now)
        return _held_back(transfer, seen, now) if held else _pbx_awaited(transfer, seen, now, Phase.MOVING)
    return (
        Phase.UNVERIFIABLE,
        f"Asterisk runs, but nobody can say whether the line is here: {doubted_because(seen.line)}",
    )


def _settling(transfer: Transfer, seen: Seen, now: float) -> tuple[Phase, str]:
    since = transfer.unclear_since if transfer.unclear_since is not None else now
    if now - since >= 2 * transfer.policy.line_deadline:
        return Phase.BLOCKED, "signal received, but its alarm does not clear: the line is disturbed"
    here = f"signal received{_whence(transfer, seen)}"
    return Phase.SETTLING, f"{here}; waiting for the span to settle"


def _whence(transfer: Transfer, seen: Seen) -> str:
    """Return what a line that has arrived says of a silent primary."""
    if transfer.policy.node is Node.PRIMARY or not is_known(seen.peer.alive, False):
        return ""
    return ": the silent primary has let go of it or lost its power"


def _linking(transfer: Transfer, seen: Seen, now: float) -> tuple[Phase, str]:
    if not is_known(seen.pbx, Pbx.RUNNING):
        return _pbx_awaited(transfer, seen, now, Phase.LINKING)
    if link_is_up(transfer, seen.dchannel):
        return Phase.DONE, f"the line is in service here{_whence(transfer, seen)}"
    since = transfer.linking_since if transfer.linking_since is not None else now
    waited, patience = now - since, transfer.policy.dchannel_deadline
    unseen = isinstance(seen.dchannel, Unknown) and waited >= 3 * patience
    if unseen or (stuck_line.gave_up(transfer) and waited >= patience):
        return Phase.BLOCKED, _why_unlinked(transfer, seen.dchannel)
    return Phase.LINKING, stuck_line.progress(transfer) or "the alarm is clear; waiting for the D-channel"


def _why_unlinked(transfer: Transfer, dchannel: Reading[DChannel]) -> str:
    if because := unknown_because(dchannel):
        return f"the alarm is clear, but the D-channel cannot be seen: {because}"
    tried = stuck_line.tried(transfer)
    if is_known(dchannel, DChannel.UP):
        return f"the line was away and Asterisk did not notice, so its link cannot be trusted.{tried} {_ASK}"
    if is_known(dchannel, DChannel.PARTLY):
        return (
            f"one of the spans has no alarm, but its D-channel stays down.{tried} {_ASK}. More would end the calls of "
            "the spans that work: at a quiet hour, 'asha pbx stop' and 'asha pbx start' restart Asterisk"
        )
    return f"the line has no alarm, but its D-channel stays down.{tried} {_ASK}"


_ASK = (
    "Ask the provider to reset layer 2 (Q.921) of this line and to see that it is in service at the exchange; "
    "'pri show spans' on Asterisk's console shows it here"
)
