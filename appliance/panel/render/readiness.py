"""Fitness of the standby to take over now, point by point, as the page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from appliance.core.status import PeerStatus, Status, StatusValue
from appliance.core.text import format_duration


@dataclass(frozen=True, slots=True)
class Check:
    """Point of the standby's fitness; `tone` is good, doubt or bad."""

    name: str
    tone: str
    says: str


def readiness(status: Status) -> tuple[Check, ...]:
    """Return every point for the node that stands by: this node, or else the peer by its own report."""
    own = status.role == "standby"
    found = [
        _fit(status, own=own),
        _data(status, own=own),
        _spans(status, own=own),
        _card(status),
        _lan(status, own=own),
        _calls(status, own=own),
        _links(status),
        _versions(status),
    ]
    return tuple(check for check in found if check is not None)


def _fit(status: Status, *, own: bool) -> Check:
    peer = status.peer
    who = status.node if own else peer.node
    fit: bool | None
    if own:
        fit, why, doubts = status.fit, "; ".join(status.unfit_because), "; ".join(status.doubts)
    elif peer.alive.value is False:
        return Check("could take over", "bad", f"no: the {who} is gone")
    else:
        fit, why, doubts = peer.fit.value, peer.unfit_because or peer.fit.why, peer.doubts
    if fit is None:
        return Check("could take over", "doubt", f"unknown: {why}")
    if fit and doubts:
        return Check("could take over", "doubt", f"the {who} is fit, and not known to be ready: {doubts}")
    return Check("could take over", "good" if fit else "bad", f"the {who} is fit" if fit else f"no: {why}")


def _data(status: Status, *, own: bool) -> Check | None:
    data = status.data
    if not own and not _heard(status.peer):
        return None
    seconds = data.age if own else status.peer.data_age
    if own and data.problem:
        return Check("data", "bad", data.problem)
    if own and data.newer:
        return Check("data", "doubt", data.why)
    if seconds is None:
        return Check("data", "doubt", "never known to be in step") if own and data.duty == "pull" else None
    tone = "bad" if own and data.stale else "good"
    return Check("data", tone, f"in step {format_duration(seconds)} ago")


def _spans(status: Status, *, own: bool) -> Check | None:
    if status.line is None:
        return None
    if not own:
        return _peer_line(status.peer.line, here=status.line.value) if _heard(status.peer) else None
    spans = status.spans
    if spans is None or spans.value is None:
        return Check("spans", "bad", f"cannot be seen: {spans.why if spans else 'not checked yet'}")
    if status.line.value == "unverifiable":
        return Check("spans", "doubt", f"there, but not to be verified: {status.line.why}")
    red = [str(span.number) for span in spans.value if span.alarms or span.line == "absent"]
    if len(red) == len(spans.value):
        return Check(
            "spans", "good", "there, without signal: the line is with the other node, as it should be"
        )
    return Check("spans", "good", f"there; {len(red)} of {len(spans.value)} without signal")


def _heard(peer: PeerStatus) -> bool:
    """Return whether what the peer last said of itself is still true, as far as can be known."""
    return peer.alive.value is True and peer.fit.value is not None


def _peer_line(line: StatusValue[str], *, here: str | None) -> Check:
    ours = ": the line is here, as it should be" if here in ("clear", "settling") else ""
    tones: Mapping[str | None, tuple[str, str]] = {
        "absent": ("good", f"there, without signal{ours}"),
        "settling": ("doubt", "the line arrives there"),
        "clear": ("doubt", "the line is there"),
        "unverifiable": ("good", "there; no alarm tells whether the line is there"),
    }
    says = tones.get(line.value)
    return Check("spans", *says) if says else Check("spans", "doubt", f"unknown: {line.why}")


def _card(status: Status) -> Check | None:
    card = status.relay.card
    if card is None:
        return None
    match card.value:
        case True:
            return Check("relay card", "good", f"at {status.relay.place}")
        case False:
            return Check(
                "relay card", "bad", "gone: the line is at the secondary until it is plugged in again"
            )
        case _:
            return Check("relay card", "doubt", f"unknown: {card.why}")


def _lan(status: Status, *, own: bool) -> Check | None:
    """Return whether the node that stands by reaches the telephones."""
    if not own and not _heard(status.peer):
        return None
    reached = status.lan.reached if own else status.peer.lan
    match reached.value:
        case True:
            return Check("LAN", "good", "reached")
        case False:
            return Check(
                "LAN", "bad", f"cut off: {reached.why}" if own else "cut off: no telephone reaches it"
            )
        case _:
            return Check("LAN", "doubt", f"not known: {reached.why}")


def _calls(status: Status, *, own: bool) -> Check | None:
    """Return whether a telephone can call now, as the node that stands by has tried."""
    if not own and not _heard(status.peer):
        return None
    calls = status.lan.calls if own else status.peer.calls
    match calls.value:
        case True:
            return Check("a telephone's call", "good", "seen from there, SIP at the cluster address answers")
        case False:
            return Check("a telephone's call", "bad", f"not possible: {calls.why or 'see the standby'}")
        case _:
            return None


def _links(status: Status) -> Check:
    peer = status.peer
    tone = "bad" if peer.links_down else "good" if len(peer.links) > 1 else "doubt"
    return Check(f"links of {status.engine.title}", tone, peer.links_say)


def _versions(status: Status) -> Check:
    here, there = status.version, status.peer.version
    if not there:
        return Check("versions", "doubt", f"{here} here; the other node's is not known yet")
    if here != there:
        return Check("versions", "bad", f"{here} here, {there} there: upgrade the older")
    return Check("versions", "good", f"{here} on both nodes")
