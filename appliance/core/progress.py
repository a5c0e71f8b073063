"""The memory of an acquiring transfer: since when it has seen what, and what cannot be trusted any more."""

from __future__ import annotations

from appliance.core import cluster_address, witness
from appliance.core.model import DChannel, Line, Pbx
from appliance.core.reading import Known, Reading, Unknown, is_known
from appliance.core.transfer import Order, Phase, Seen, Transfer, arrived
from appliance.core.values import changed, held_since

# While one of these orders is under way, an Asterisk that runs is about to end, and an ended one ended on
# purpose.
ENDING = frozenset({Order.STOP_PBX, Order.KILL_PBX, Order.RESTART_PBX})


def watch(transfer: Transfer, seen: Seen, now: float) -> Transfer:
    """Return the transfer with a note of what has come, gone or become unreadable."""
    noted = cluster_address.note(witness.note(_note_times(transfer, seen, now), seen, now), seen, now)
    return _note_linking(_note_ghost(noted, seen, now), seen, now)


def link_is_up(transfer: Transfer, dchannel: Reading[DChannel]) -> bool:
    """Tell whether the D-channel is up and belongs to the present line, or there is no D-channel at all.

    The link of a line that was away in between does not count: after such a ghost link, only a report made
    after the restart of the spans counts.
    """
    if is_known(dchannel, DChannel.NONE):
        return True
    if not is_known(dchannel, DChannel.UP):
        return False
    return not transfer.ghost or (transfer.relinked_at is not None and dchannel.at >= transfer.relinked_at)


def ordered_since(transfer: Transfer, order: Order, since: float) -> bool:
    """Tell whether `order` was given at `since` or later."""
    return transfer.ordered.get(order, float("-inf")) >= since


def still_confirmed(transfer: Transfer, seen: Seen, now: float) -> bool:
    """Tell whether a confirmed service still counts as confirmed while something cannot be seen.

    Unknown readings alone leave it confirmed for `line_deadline` seconds; any contrary reading ends that at
    once.
    """
    if transfer.phase not in (Phase.DONE, Phase.UNVERIFIABLE) or transfer.unseen_since is None:
        return False
    contrary = (
        _known_other(seen.line, Line.CLEAR, Line.UNVERIFIABLE)
        or _known_other(seen.pbx, Pbx.RUNNING)
        or (isinstance(seen.dchannel, Known) and seen.dchannel.value.is_down)
    )
    return not contrary and now - transfer.unseen_since < transfer.policy.line_deadline


def _known_other(reading: Reading[Line] | Reading[Pbx], *values: Line | Pbx) -> bool:
    return isinstance(reading, Known) and reading.value not in values


def _note_times(transfer: Transfer, seen: Seen, now: float) -> Transfer:
    running = is_known(seen.pbx, Pbx.RUNNING)
    waits = not running and not witness.holds_back(transfer, seen, now)
    looked_at = (seen.line, seen.pbx, seen.dchannel) if transfer.policy.has_line else (seen.pbx,)
    unseen = any(isinstance(reading, Unknown) for reading in looked_at)
    return changed(
        transfer,
        away_since=held_since(transfer.away_since, now, not arrived(seen.line)),
        unclear_since=held_since(transfer.unclear_since, now, is_known(seen.line, Line.SETTLING)),
        unseen_since=held_since(transfer.unseen_since, now, unseen),
        pbx_since=held_since(transfer.pbx_since, now, waits),
        was_here=transfer.was_here or arrived(seen.line),
        served=transfer.served or (running and not seen.busy & ENDING),
    )


def _note_ghost(transfer: Transfer, seen: Seen, now: float) -> Transfer:
    """Note a ghost link: the line was here, was seen to leave, and came back, and Asterisk never noticed.

    See docs/facts/pri-timing.md, ghost link. Only a line that is known to be absent has left: a span that
    cannot be read for a moment has not lost its line.
    """
    noticed = isinstance(seen.dchannel, Known) and seen.dchannel.value is not DChannel.UP
    young = is_known(seen.pbx, Pbx.DEAD) or is_known(seen.pbx, Pbx.STARTING)
    if noticed or young:
        return changed(transfer, left=False, ghost=False, relinked_at=None)
    if is_known(seen.line, Line.ABSENT):
        # A link that is up without a line was there before, even if this transfer never saw the line itself.
        left = transfer.left or transfer.was_here or is_known(seen.dchannel, DChannel.UP)
        return changed(transfer, left=left, ghost=False, relinked_at=None)
    if arrived(seen.line) and transfer.left:
        return changed(transfer, left=False, ghost=True, relinked_at=None)
    return _note_relinked(transfer, seen, now)


def _note_relinked(transfer: Transfer, seen: Seen, now: float) -> Transfer:
    since = transfer.linking_since
    if not transfer.ghost or since is None or transfer.relinked_at is not None:
        return transfer
    order = Order.RESTART_SPANS
    if not ordered_since(transfer, order, since) or order in seen.busy or order in seen.failed:
        return transfer
    return changed(transfer, relinked_at=now)


def _note_linking(transfer: Transfer, seen: Seen, now: float) -> Transfer:
    if link_is_up(transfer, seen.dchannel) and is_known(seen.line, Line.CLEAR):
        return changed(transfer, ghost=False, relinked_at=None, linking_since=None)
    if seen.maintenance:
        return changed(transfer, linking_since=None)  # the deadline runs from the end of maintenance
    if is_known(seen.line, Line.CLEAR) and is_known(seen.pbx, Pbx.RUNNING):
        return changed(transfer, linking_since=held_since(transfer.linking_since, now, True))
    if _known_other(seen.line, Line.CLEAR) or _known_other(seen.pbx, Pbx.RUNNING):
        return changed(transfer, linking_since=None)
    return transfer
