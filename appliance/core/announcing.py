"""When a node that serves tells the LAN where the cluster address is: the schedule, and what begins it anew.

The engine announces the address when it sets it (IPaddr, IPaddr2), in the first second or not at all. What it says is
lost at a switch port that does not forward yet (the spanning tree's 30 s), at a telephone that starts, on a bond whose
other half takes over. So the agent repeats it: ten times in a minute, at first close together, then ever further apart.

It begins anew with everything after which a switch or a telephone may have another hardware address for it: service has
come here, the address has come back to the interface, the LAN has, the other node is heard again or serves no longer,
another machine had claimed the address. Only a node that serves, and has the address, announces anything; with the end
of its service the rest of the schedule is forgotten, and what a thread has not sent by then it does not send.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.reading import Known, is_known
from appliance.core.transfer import Seen
from appliance.core.values import changed

# Seconds after the address has come, or after what begins the schedule anew.
ANNOUNCED = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 60.0)
# The first announcements are so close together, in seconds, that the controller must turn for them. What happens while
# they are made begins nothing anew: the rest of the schedule follows, and whatever flaps is not answered by a flood.
_CLOSE = 1.0

SERVICE = "service has come here"
PEER_BACK = "the other node is heard again"
PEER_YIELDS = "the other node serves no longer"
PUT_BACK = "the address has come back to the interface"
LAN_BACK = "the LAN has come back, or reaches this node by another way"
CLAIM_OVER = "another machine had claimed it, and does so no more"


@dataclass(frozen=True, slots=True)
class Announcing:
    """What is remembered of announcing the address; times are monotonic seconds.

    `peer_served`: the peer said at the last turn that it serves. `here`: the address was here when that was last known.
    `service`: when the service began for which the address was announced. `lan_back_at`, `claim_over_at`: as `Seen` had
    them at the last turn. `due`: when it is to be announced. `waits`: why it is to be, once it is here; "" otherwise.
    """

    peer_served: bool = False
    here: bool = False
    service: float = float("-inf")
    lan_back_at: float = float("-inf")
    claim_over_at: float = float("-inf")
    due: tuple[float, ...] = ()
    waits: str = ""

    @property
    def close(self) -> bool:
        """Announcements less than a second apart are left: the controller must turn more often than when it idles."""
        return len(self.due) > 1 and self.due[1] - self.due[0] < _CLOSE


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a turn comes to: what is remembered, whether to announce now, and why the schedule began in this turn.

    `why` is "" when it goes on with an earlier one.
    """

    after: Announcing
    now: bool = False
    why: str = ""


def follow(
    before: Announcing, seen: Seen, *, serves_since: float | None, peer_back: bool, now: float
) -> Announcement:
    """Return what a turn comes to.

    Args:
        before: What was remembered.
        seen: What the turn looks at.
        serves_since: When the present service of this node began; None when it does not serve.
        peer_back: The peer is heard again in this turn.
        now: Monotonic seconds.
    """
    here = seen.address.value if isinstance(seen.address, Known) else before.here
    after = changed(
        before,
        peer_served=is_known(seen.peer.serves, True),
        here=here,
        lan_back_at=seen.lan_back_at,
        claim_over_at=seen.claim_over_at,
    )
    if serves_since is None:
        return Announcement(changed(after, due=(), waits=""))
    cause = _cause(before, after, serves_since, peer_back=peer_back)
    begins = cause and (not before.close or cause == SERVICE)
    waits = before.waits or (cause if begins else "")
    after = changed(after, service=serves_since, waits=waits)
    if not is_known(seen.address, True):
        return Announcement(after if here else changed(after, due=()))
    due = tuple(now + seconds for seconds in ANNOUNCED) if waits else after.due
    left = tuple(at for at in due if at > now)
    return Announcement(changed(after, due=left, waits=""), now=left != due, why=waits)


def _cause(before: Announcing, after: Announcing, serves_since: float, *, peer_back: bool) -> str:
    """Return what has happened since the last turn after which others may look for the address elsewhere."""
    if before.service != serves_since:
        return SERVICE
    if after.here and not before.here:
        return PUT_BACK
    if after.lan_back_at > before.lan_back_at:
        return LAN_BACK
    if before.peer_served and not after.peer_served:
        return PEER_YIELDS
    if after.claim_over_at > before.claim_over_at:
        return CLAIM_OVER
    return PEER_BACK if peer_back else ""
