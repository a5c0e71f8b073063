"""The cluster address while this node serves: what is noted of it, when it is put back, and what people are told.

The engine sets the address before it grants, and looks at it never again. Others may take it away: networkd and
NetworkManager when they are restarted, an operator with `ip`. It is put back at once where it was here under this
grant. One that was not is given `NEVER_SET`: an engine that believes that it is here already sets it no more. When it
goes again within `KEPT`, something here fights for that: people are told, and each further try waits longer (`_WAITS`).

A node that serves again after it has stepped aside, or takes service back, finds the address away because it has
removed it itself: Pacemaker has been seen to stop and start asha then, and to take the address for unchanged. That is
put back at once too, and counted as no fight, since the engine may still be about to remove it.

A node that steps aside (see `core/witness.py`) has removed the address itself, and puts it back when that is over.

The order is void once the grant has ended (`ServiceState.wants`), and a release is not done while it is under way: the
engine removes the address after the release, and it must not come back behind that.
"""

from __future__ import annotations

from appliance.core.engine_traits import ENGINE
from appliance.core.reading import is_known
from appliance.core.transfer import AddressPuts, Order, Seen, Transfer
from appliance.core.values import changed

# Seconds for which an address that was put back must stay before what took it away is forgotten.
KEPT = 60.0
# Seconds after the address was put back until that is tried again: when it failed (a peer that lets go has it for a
# moment longer), and when it was taken away once, twice and more often since it last stayed.
_FAILED = 1.0
_WAITS = (0.0, 5.0, 10.0, 20.0, 40.0, KEPT)
# Seconds after which an address that was put back is here, unless it was taken away at once.
_ARRIVES = 2.0
# Seconds after which an address that the engine has never set under this grant is set, and told.
NEVER_SET = 5.0
TAKEN = "the cluster address was taken away from this node while it serves"


def note(transfer: Transfer, seen: Seen, now: float) -> Transfer:
    """Return the transfer with a note of whether the address was here, and since when it is not.

    Where the cluster has two addresses it is here when both are. What has not come within `NEVER_SET` counts as if it
    had been here.
    """
    gone = (is_known(seen.address, False) or bool(seen.address_missing)) and transfer.aside.since is None
    since = (now if transfer.address_gone_since is None else transfer.address_gone_since) if gone else None
    any_here = is_known(seen.address, True)
    whole = any_here and not seen.address_missing
    late = since is not None and now - since >= NEVER_SET
    missing = seen.address_missing if any_here else "the cluster address"
    never_set = missing if late and not transfer.had_address else transfer.never_set
    return changed(
        transfer,
        had_address=transfer.had_address or whole or late,
        never_set="" if whole else never_set,
        address_gone_since=since,
        address_puts=_puts(transfer, seen, whole, now),
    )


def expect(transfer: Transfer) -> Transfer:
    """Return the transfer of a node that has served before: it has removed the address itself, or the engine set it."""
    return changed(transfer, had_address=True, address_puts=AddressPuts(expected=True))


def is_left(left: bool, transfer: Transfer, seen: Seen) -> bool:
    """Tell whether this node has removed the address itself, and it was not here since.

    `left`: whether that was so at the look before.
    """
    return not is_known(seen.address, True) and (
        left or (transfer.aside.since is not None and is_known(seen.address, False))
    )


def _puts(transfer: Transfer, seen: Seen, whole: bool, now: float) -> AddressPuts:
    puts, last = transfer.address_puts, transfer.ordered.get(Order.PUT_ADDRESS)
    if last is not None and last != puts.last:
        puts = changed(puts, count=puts.count + 1, last=last)
    if Order.PUT_ADDRESS in seen.failed:
        return changed(puts, count=0)
    stayed = puts.last is not None and now - puts.last >= KEPT
    return changed(puts, count=0, expected=False) if whole and (puts.expected or stayed) else puts


def to_be_put_back(transfer: Transfer, seen: Seen, now: float) -> bool:
    """Tell whether the address was here under this transfer, is not now, and may be put back by now."""
    if not transfer.had_address or transfer.address_gone_since is None:
        return False
    last, ended = put_back_at(transfer), transfer.aside.ended
    if last is None:
        return True
    wait = _FAILED if Order.PUT_ADDRESS in seen.failed else _wait(transfer)
    return now - last >= wait or (ended is not None and last < ended)


def _wait(transfer: Transfer) -> float:
    return _WAITS[min(transfer.address_puts.count, len(_WAITS) - 1)]


def why_put_back(transfer: Transfer) -> str:
    """Return why the address is put back, for the journal and for people."""
    last, ended = put_back_at(transfer), transfer.aside.ended
    left = ended is not None and (last is None or last <= ended + KEPT)
    if transfer.never_set and not left:
        return f"{transfer.never_set} was never set on this node by {ENGINE}, although it serves"
    return "this node had left the cluster address to the other one, and serves now" if left else TAKEN


def put_back_at(transfer: Transfer) -> float | None:
    """Return when the address was last put back during this service (monotonic seconds), or None."""
    return transfer.ordered.get(Order.PUT_ADDRESS, transfer.address_puts.last)


def trouble(transfer: Transfer, seen: Seen, now: float) -> str:
    """Return what is wrong with the address of a node that serves, and what to do; "" when nothing is."""
    since = transfer.address_gone_since
    if since is None or not transfer.had_address:
        return ""
    if failure := seen.failed.get(Order.PUT_ADDRESS, ""):
        return f"{why_put_back(transfer)}, and it could not be put back: {failure}"
    last, wait = put_back_at(transfer), _wait(transfer)
    arrives = last is not None and since <= last and now - last < _ARRIVES
    if last is None or arrives or now - last >= wait:
        return f"{why_put_back(transfer)}; it is being put back"
    return (
        f"{TAKEN}, and again within {KEPT:g} s of being put back: find what removes it (NetworkManager, networkd, "
        f"a script), or hand service over by 'asha standby'. The next try is {wait:g} s after the last one"
    )
