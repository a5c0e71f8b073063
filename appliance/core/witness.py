"""The line as a witness, for two nodes that hear nothing of each other (docs/adr/0025-the-line-is-a-message.md).

The relay obeys the primary alone and falls to the secondary when the primary lets go or loses its power. So its release
is a message that no cut cable stops: a line that arrives at the secondary says that the silent primary does not serve,
and one that does not arrive says that the primary lives and holds it, unless the provider's line is dead.

The secondary *listens*: HAWITNESS says what it does while the line has not arrived (`holds_back`). The primary
*speaks*: when it cannot serve and its peer is silent, it lets go of line and address although its grant stands, because
nobody else could tell the secondary. A node that does either **steps aside** (`Aside`): it leaves the cluster address
too, so that telephones which reach both nodes find the one that serves. What ends that again is the line's arrival, the
peer's word, or that nobody serves at the cluster address while this node could.

With HASTONITH the last is not enough: the engine was told that the silent primary is gone because the line had come, so
the secondary serves, whatever this node's own cables show. Then a primary stays aside while the peer is not heard,
unless HAFENCE has just confirmed that it is off, or an operator has Asterisk started here.
"""

from __future__ import annotations

from appliance.core.cluster_address import expect
from appliance.core.fencing import still_counts
from appliance.core.model import Line, Node, Pbx
from appliance.core.reading import Known, Unknown, is_known
from appliance.core.transfer import Aside, Goal, Order, Seen, Transfer, Witness, arrived, doubted_because
from appliance.core.values import changed, held_since

# A LAN that is known to be cut at most so many seconds after the peer fell silent went with the peer: what lies between
# is LANDWELL and HADEADTIME. A peer that was gone for longer is not there to be told anything.
TOGETHER = 60.0
# A node that could serve again waits so many seconds for a sign that the other one serves, when nobody can say that.
RESUME_DWELL = 10.0

# What a primary that steps aside has done, and why.
LEFT = "the line and the cluster address were let go, so that the other node serves if it lives"

_COMES_BACK = "They come back when Asterisk runs here again ('asha pbx start')"
_ASK_FOR_IT = (
    "With HASTONITH the other node may serve by now, so they come back when it is heard and does not serve. When you "
    "have seen that it is off: 'asha pbx start' here"
)

_PBX_ORDERS = frozenset({Order.START_PBX, Order.STOP_PBX, Order.KILL_PBX, Order.RESTART_PBX})


def holds_back(transfer: Transfer, seen: Seen, now: float) -> bool:
    """Tell whether the secondary must not start Asterisk yet.

    A silent peer and a line that has not arrived mean that the primary still holds the line.
    """
    policy = transfer.policy
    if policy.node is Node.PRIMARY or policy.witness is Witness.OFF or not policy.has_line:
        return False
    if arrived(seen.line) or is_known(seen.peer.alive, True) or seen.peer_off_at is not None:
        return False
    if policy.witness is Witness.REQUIRE or now - transfer.began < policy.witness_wait:
        return True
    # The primary lives as far as is known, and no telephone would find this node.
    return is_known(seen.lan, False) and is_known(seen.line, Line.ABSENT)


def why_held_back(transfer: Transfer, seen: Seen) -> str:
    """Return the sentence that tells people why the secondary is held back."""
    if isinstance(seen.line, Unknown) or seen.line.value is Line.UNVERIFIABLE:
        return _why_unseen(transfer.policy.witness, doubted_because(seen.line))
    if isinstance(seen.lan, Known) and not seen.lan.value:
        return (
            "the other node is silent, the line has not arrived, and this node is cut off from the LAN "
            f"({seen.lan.why}): the primary is taken to serve"
        )
    if transfer.policy.witness is Witness.PREFER:
        return "the other node is silent and the line has not arrived: waiting HAWITNESSWAIT before acting"
    return (
        "the other node is silent and the line has not arrived, so it still holds the line: HAWITNESS=REQUIRE "
        "keeps Asterisk stopped here until the line arrives. Power off the primary to free it"
    )


def _why_unseen(witness: Witness, why: str) -> str:
    """Return the sentence for a line of which nobody can say whether it arrived.

    Such a line is never taken for one that has arrived.
    """
    if witness is Witness.PREFER:
        return f"the other node is silent, and nobody can say whether the line arrived: waiting HAWITNESSWAIT ({why})"
    return (
        "the other node is silent, and nobody can say whether the line arrived, so HAWITNESS=REQUIRE keeps Asterisk "
        f"stopped here: {why}. Where the line cannot be verified, use HAWITNESS=PREFER or OFF"
    )


def note(transfer: Transfer, seen: Seen, now: float) -> Transfer:
    """Return the transfer with a note of the peer's silence and of whether this node steps aside."""
    noted = changed(transfer, aside=_note_silence(transfer.aside, seen, now))
    before = noted.aside
    because = _why_aside(noted, seen, now)
    if because:
        since = now if before.since is None else before.since
        return changed(noted, aside=changed(before, since=since, because=because))
    if before.since is not None:
        return changed(noted, aside=changed(before, since=None, because="", ended=now))
    return noted


def goes_on(before: Transfer | None, begun: Transfer) -> Transfer:
    """Return the transfer `begun` with what `before` knew and what is still true.

    When the same service goes on in it, the peer's silence is not forgotten, nor that the address was here.
    """
    if before is None:
        return begun
    begun = changed(begun, recovery=before.recovery)
    if before.goal is not Goal.ACQUIRE or begun.goal is not Goal.ACQUIRE:
        return begun
    aside = changed(before.aside, since=None, because="")
    return changed(
        begun,
        had_address=before.had_address,
        address_puts=before.address_puts,
        never_set=before.never_set,
        aside=aside,
    )


def begun_aside(begun: Transfer, reason: str) -> Transfer:
    """Return the transfer `begun` of a node that steps aside from its beginning, for `reason`."""
    return changed(expect(begun), aside=Aside(since=begun.began, because=f"{reason}: {LEFT}"))


def still_aside(begun: Transfer, aside: Aside) -> Transfer:
    """Return the transfer `begun` of a node that has stepped aside, if `aside` says so, and stays so."""
    return changed(begun, aside=changed(begun.aside, since=aside.since, because=aside.because))


def left_line(transfer: Transfer | None, now: float) -> bool:
    """Tell whether this node has left the line to the other one, or takes it back: it may be on its way."""
    if transfer is None or not transfer.policy.has_card:
        return False
    since, ended = transfer.aside.since, transfer.aside.ended
    return since is not None or (ended is not None and now - ended < transfer.policy.line_deadline)


def _note_silence(aside: Aside, seen: Seen, now: float) -> Aside:
    alive, cut = seen.peer.alive, is_known(seen.lan, False)
    heard = aside.peer_heard or is_known(alive, True)
    silent = is_known(alive, False) and heard
    able = is_known(seen.pbx, Pbx.RUNNING) and not cut
    return changed(
        aside,
        peer_heard=heard,
        silent_since=held_since(aside.silent_since, now, silent),
        lan_cut_since=held_since(aside.lan_cut_since, now, cut),
        able_since=held_since(aside.able_since, now, able),
    )


def _why_aside(transfer: Transfer, seen: Seen, now: float) -> str:
    policy = transfer.policy
    if not policy.has_line:
        return ""
    if policy.node is Node.SECONDARY:
        waits = policy.witness is Witness.REQUIRE and holds_back(transfer, seen, now)
        return why_held_back(transfer, seen) if waits and not transfer.served else ""
    if not policy.has_card:
        return ""
    if is_known(seen.peer.alive, False) and (because := _cannot_serve(transfer, seen)):
        return because
    return transfer.aside.because if _stays_aside(transfer, seen, now) else ""


def _cannot_serve(transfer: Transfer, seen: Seen) -> str:
    """Return why this node serves nobody and knows it, with what it has done about it; "" when it may well serve."""
    if seen.maintenance:
        return ""
    if why := _pbx_is_gone(transfer, seen):
        comes_back = _ASK_FOR_IT if transfer.policy.stonith else _COMES_BACK
        return f"{why}, and the other node is silent: {LEFT}. {comes_back}"
    aside = transfer.aside
    if aside.silent_since is None or aside.lan_cut_since is None or not isinstance(seen.lan, Known):
        return ""
    if aside.lan_cut_since - aside.silent_since > TOGETHER:
        return ""
    return (
        f"no telephone of the LAN reaches this node ({seen.lan.why}), and the other node fell silent with it: {LEFT}. "
        f"Mend the cables of this node{f'. {_ASK_FOR_IT}' if transfer.policy.stonith else ''}"
    )


def _pbx_is_gone(transfer: Transfer, seen: Seen) -> str:
    """Return what is known to be wrong with Asterisk when nothing is on its way that could mend it."""
    if seen.busy & _PBX_ORDERS:
        return ""
    if is_known(seen.pbx, Pbx.DEAD):
        if failure := seen.failed.get(Order.START_PBX, ""):
            return f"Asterisk does not start ({failure})"
        return "Asterisk died" if transfer.served else ""
    return "Asterisk hangs" if is_known(seen.pbx, Pbx.HUNG) and transfer.served else ""


def _stays_aside(transfer: Transfer, seen: Seen, now: float) -> bool:
    """Tell whether a primary that stepped aside leaves line and address where they are.

    A peer that is heard again, or that telephones still find, is not robbed of what was left to it.
    """
    aside = transfer.aside
    if aside.since is None:
        return False
    if is_known(seen.peer.alive, True):
        return not is_known(seen.peer.serves, False)
    if transfer.policy.stonith and not still_counts(seen.peer_off_at, now):
        return True
    if aside.able_since is None or is_known(seen.calls, True):
        return True
    return not is_known(seen.calls, False) and now - aside.able_since < RESUME_DWELL
