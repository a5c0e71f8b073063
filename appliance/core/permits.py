"""What an operator may do in which state: the rules of the seed, held by the agent for every way in."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from appliance.core.reading import is_known
from appliance.core.roles import Role
from appliance.core.transfer import Peer


class Wish(enum.Enum):
    """What an operator can ask for."""

    START_HA = "ha start"
    STOP_HA = "ha stop"
    START_PBX = "pbx start"
    STOP_PBX = "pbx stop"
    STANDBY = "standby"
    TAKEOVER = "takeover"
    RELEASE_LINE = "line release"


@dataclass(frozen=True, slots=True)
class Permit:
    """Allowed or not, with a sentence: the consequence when allowed, the reason and the way when not."""

    allowed: bool
    says: str = ""


def _yes(says: str = "") -> Permit:
    return Permit(True, says)


def _no(says: str) -> Permit:
    return Permit(False, says)


def _start_ha(role: Role, peer: Peer) -> Permit:
    if role is Role.OFF:
        return _yes("the line is let go and Asterisk stopped first; Heartbeat starts it where it belongs")
    return _no(f"the HA engine runs already (this node is {role.value})")


def _stop_ha(role: Role, peer: Peer) -> Permit:
    if role is Role.OFF:
        return _no("the HA engine does not run here")
    if role.holds and is_known(peer.alive, True):
        return _yes("service moves to the peer")
    return _yes("service ends: no peer is there to take it" if role.holds else "")


def _start_pbx(role: Role, peer: Peer) -> Permit:
    if role is Role.OFF:
        return _yes("the HA engine is off: Asterisk starts plainly, and the relay stays released")
    if role.holds:
        return _yes()
    if role is Role.WAITING:
        return _no(
            "the HA engine waits for its peer and starts Asterisk itself, at the latest after HAINITDEAD"
        )
    return _no(
        "this node does not hold the service; Asterisk must never run on both. 'asha takeover' brings it here"
    )


def _stop_pbx(role: Role, peer: Peer) -> Permit:
    if not role.holds:
        return _yes() if role is Role.OFF else _no("Asterisk does not run on a node that does not serve")
    if not is_known(peer.alive, True) or is_known(peer.fit, False):
        return _no("no standby could take over, so calls would end: 'asha ha stop' ends service on purpose")
    return _yes("this is a failover: the peer takes over")


def _standby(role: Role, peer: Peer) -> Permit:
    if not role.holds:
        return _no(f"this node does not hold the service (it is {role.value})")
    if not is_known(peer.alive, True):
        return _no("the peer is not there")
    if is_known(peer.fit, False):
        return _no(f"the peer is not fit: {peer.unfit_because or 'it gives no reason'}")
    return _yes("the peer takes over")


def _takeover(role: Role, peer: Peer) -> Permit:
    if role.holds:
        return _no("this node holds the service already")
    if role is not Role.STANDBY:
        return _no(f"only a standby can take over (this node is {role.value})")
    return _yes("service moves here")


def _release_line(role: Role, peer: Peer) -> Permit:
    if not role.holds:
        return _yes()
    if not is_known(peer.alive, True):
        return _no("no peer is there to take the line: 'asha ha stop' ends service on purpose")
    if is_known(peer.fit, False):
        return _no(f"the peer is not fit: {peer.unfit_because or 'it gives no reason'}")
    return _yes("the relay drops and the peer takes over")


_RULES: Mapping[Wish, Callable[[Role, Peer], Permit]] = MappingProxyType(
    {
        Wish.START_HA: _start_ha,
        Wish.STOP_HA: _stop_ha,
        Wish.START_PBX: _start_pbx,
        Wish.STOP_PBX: _stop_pbx,
        Wish.STANDBY: _standby,
        Wish.TAKEOVER: _takeover,
        Wish.RELEASE_LINE: _release_line,
    }
)


def may(wish: Wish, role: Role, peer: Peer) -> Permit:
    """Whether `wish` is safe now."""
    return _RULES[wish](role, peer)
