"""The memory of an acquiring transfer: since when it has seen what, and what cannot be trusted any more."""

from __future__ import annotations

from dataclasses import replace

from appliance.core import cluster_address
from appliance.core.model import DChannel, Line, Node, Pbx
from appliance.core.reading import Known, Reading, Unknown, is_known
from appliance.core.transfer import Order, Phase, Seen, Transfer, Witness, arrived, doubted_because

# The line as a witness for whether the secondary may act while its peer is silent.
#
# A silent peer and a line that arrived here mean that the primary is down; a silent peer and a line that has
# not arrived mean that the primary still holds it. HAWITNESS says what to do. Part of `transfer`.


def holds_back(transfer: Transfer, seen: Seen, now: float) -> bool:
    """Tell whether the secondary must not start yet.

    A silent peer and a line that has not arrived mean that the primary still holds the line.
    """
    policy = transfer.policy
    if policy.node is Node.PRIMARY or policy.witness is Witness.OFF or not policy.has_line:
        return False
    if arrived(seen.line) or is_known(seen.peer.alive, True):
        return False
    return policy.witness is Witness.REQUIRE or now - transfer.began < policy.witness_wait


def why_held_back(transfer: Transfer, seen: Seen) -> str:
    """Return the sentence that tells people why the secondary is held back."""
    if isinstance(seen.line, Unknown) or seen.line.value is Line.UNVERIFIABLE:
        return _why_unseen(transfer.policy.witness, doubted_because(seen.line))
    if transfer.policy.witness is Witness.PREFER:
        return "the peer is silent and the line has not arrived: waiting HAWITNESSWAIT before acting"
    return (
        "the peer is silent and the line has not arrived, so it still holds the line: HAWITNESS=REQUIRE "
        "keeps Asterisk stopped here until the line arrives. Power off the primary to free it"
    )


def _why_unseen(witness: Witness, why: str) -> str:
    """Return the sentence for a line of which nobody can say whether it arrived.

    Such a line is never taken for one that has arrived.
    """
    if witness is Witness.PREFER:
        return (
            f"the peer is silent, and nobody can say whether the line arrived: waiting HAWITNESSWAIT ({why})"
        )
    return (
        "the peer is silent, and nobody can say whether the line arrived, so HAWITNESS=REQUIRE keeps Asterisk stopped "
        f"here: {why}. Where the line cannot be verified, use HAWITNESS=PREFER or OFF"
    )


# While one of these orders is under way, an Asterisk that runs is about to end, and an ended one ended on
# purpose.
ENDING = frozenset({Order.STOP_PBX, Order.KILL_PBX, Order.RESTART_PBX})


def watch(transfer: Transfer, seen: Seen, now: float) -> Transfer:
    """Return the transfer with a note of what has come, gone or become unreadable."""
    noted = cluster_address.note(_note_times(transfer, seen, now), seen, now)
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
        or is_known(seen.dchannel, DChannel.DOWN)
    )
    return not contrary and now - transfer.unseen_since < transfer.policy.line_deadline


def _known_other(reading: Reading[Line] | Reading[Pbx], *values: Line | Pbx) -> bool:
    return isinstance(reading, Known) and reading.value not in values


def _note_times(transfer: Transfer, seen: Seen, now: float) -> Transfer:
    running = is_known(seen.pbx, Pbx.RUNNING)
    waits = not running and not holds_back(transfer, seen, now)
    unseen = any(isinstance(reading, Unknown) for reading in (seen.line, seen.pbx, seen.dchannel))
    return replace(
        transfer,
        away_since=_since(transfer.away_since, now, not arrived(seen.line)),
        unclear_since=_since(transfer.unclear_since, now, is_known(seen.line, Line.SETTLING)),
        unseen_since=_since(transfer.unseen_since, now, unseen),
        pbx_since=_since(transfer.pbx_since, now, waits),
        was_here=transfer.was_here or arrived(seen.line),
        served=transfer.served or (running and not seen.busy & ENDING),
    )


def _note_ghost(transfer: Transfer, seen: Seen, now: float) -> Transfer:
    """Note a ghost link: the line was here, was seen to leave, and came back, and Asterisk never noticed.

    See docs/facts/pri-timing.md, ghost link. Only a line that is known to be absent has left: a span that
    cannot be read for a moment has not lost its line.
    """
    noticed = is_known(seen.dchannel, DChannel.DOWN) or is_known(seen.dchannel, DChannel.NONE)
    young = is_known(seen.pbx, Pbx.DEAD) or is_known(seen.pbx, Pbx.STARTING)
    if noticed or young:
        return replace(transfer, left=False, ghost=False, relinked_at=None)
    if is_known(seen.line, Line.ABSENT):
        # A link that is up without a line was there before, even if this transfer never saw the line itself.
        left = transfer.left or transfer.was_here or is_known(seen.dchannel, DChannel.UP)
        return replace(transfer, left=left, ghost=False, relinked_at=None)
    if arrived(seen.line) and transfer.left:
        return replace(transfer, left=False, ghost=True, relinked_at=None)
    return _note_relinked(transfer, seen, now)


def _note_relinked(transfer: Transfer, seen: Seen, now: float) -> Transfer:
    since = transfer.linking_since
    if not transfer.ghost or since is None or transfer.relinked_at is not None:
        return transfer
    order = Order.RESTART_SPANS
    if not ordered_since(transfer, order, since) or order in seen.busy or order in seen.failed:
        return transfer
    return replace(transfer, relinked_at=now)


def _note_linking(transfer: Transfer, seen: Seen, now: float) -> Transfer:
    if link_is_up(transfer, seen.dchannel) and is_known(seen.line, Line.CLEAR):
        return replace(transfer, ghost=False, relinked_at=None, linking_since=None)
    if seen.maintenance:
        return replace(transfer, linking_since=None)  # the deadline runs from the end of maintenance
    if is_known(seen.line, Line.CLEAR) and is_known(seen.pbx, Pbx.RUNNING):
        return replace(transfer, linking_since=_since(transfer.linking_since, now, True))
    if _known_other(seen.line, Line.CLEAR) or _known_other(seen.pbx, Pbx.RUNNING):
        return replace(transfer, linking_since=None)
    return transfer


def _since(before: float | None, now: float, holds: bool) -> float | None:
    if not holds:
        return None
    return now if before is None else before
