"""The message from this node to its peer, and the reading of the peer's message.

One small message goes each way.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from appliance import __version__
from appliance.agent.observations import PeerReport
from appliance.config.value_types import any_unicast
from appliance.core.fitness import Fitness
from appliance.core.lost_request import minutes_left
from appliance.core.model import Line, Relay
from appliance.core.prepared_start import offers
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.roles import Role
from appliance.core.service_state import ServiceState
from appliance.core.transfer import Seen, heard_since

Word = TypeVar("Word", bound=enum.Enum)

# An Unknown travels as this mark and its reason.
_UNKNOWN = "?"
# Reasons are for people, and a message must stay small enough for a serial link (see
# cluster/heartbeat/messages.py), where a character that is not printable ASCII takes three bytes for each of its own.
_REASON_LENGTH = 186
_DIGITS = 15
# What is said of a start ahead of a grant: the peer may begin one after a move that was planned, or that was not, or
# this node has begun one.
_PLANNED, _OFFERED, _BEGUN = "planned", "offered", "begun"
# The longest identity of a master: its pid and its start in ticks since boot.
_ENGINE_LENGTH = 24
# How many links are named, and the longest name of one (IFNAMSIZ of Linux).
_LINKS, _LINK_LENGTH = 4, 15


@dataclass(frozen=True, slots=True)
class DataWord:
    """The facts about the data of this node that the peer is told.

    `served`: this node has data that the peer has not got. `age`: seconds since the data here were last known
    to equal the peer's, None when they never were.
    """

    served: bool = False
    age: float | None = None


@dataclass(frozen=True, slots=True)
class Hearing:
    """What this node hears of the peer, which the peer cannot know by itself.

    `peer`: the peer's agent is heard. `deaf_links`: the engine's links over which nothing of the peer arrives here.
    `boot`: which boot of this machine it is (see `host.boot`), `run`: which agent of that boot. `engine`: the identity
    of the engine's master here.
    `demands`: when an operator asked here for service by force, in whole seconds since the epoch; 0 when not just now.
    """

    peer: Reading[bool]
    deaf_links: tuple[str, ...] = ()
    boot: str = ""
    engine: str = ""
    demands: int = 0
    run: str = ""


def tell(
    state: ServiceState,
    fitness: Fitness,
    seen: Seen,
    now: float,
    *,
    data: DataWord,
    hearing: Hearing,
    lan_address: str = "",
) -> dict[str, str]:
    """Return the message to the peer at `now`: everything about this node that the peer's decisions need.

    `lan_address`: this node's own address on the LAN, where the peer may ask for it; "" when it has none.
    """
    return {
        "v": __version__,
        "role": state.role.value,
        "granted": "yes" if state.grant.held else "no",
        "since": str(state.served_since) if state.grant.held else "",
        "saw": str(heard_since(seen.peer)),
        "still": "yes" if state.gap else "",
        "gen": str(state.grant.generation),
        "eng": hearing.engine[:_ENGINE_LENGTH],
        "drops": _minutes(minutes_left(state.lost.own, now)),
        "lost": _minutes(minutes_left(state.lost.peers, now)),
        "demands": str(hearing.demands or ""),
        "fit": "no" if fitness.unfit else "yes",
        "lanfit": "yes" if fitness.for_lan else "no",
        "why": _short("; ".join(fitness.unfit or fitness.doubts)),
        "line": _spell(seen.line),
        "relay": _spell(seen.commanded),
        "served": "yes" if data.served else "no",
        "maint": "yes" if seen.maintenance else "no",
        "boot": hearing.boot,
        "run": hearing.run,
        "hears": _spell_yes_or_no(hearing.peer),
        "deaf": " ".join(name[:_LINK_LENGTH] for name in hearing.deaf_links[:_LINKS]),
        "lan": _spell_yes_or_no(seen.lan),
        "calls": _spell_yes_or_no(seen.every_call),
        "ip": lan_address,
        "ahead": _ahead(state, seen, now),
        "age": "" if data.age is None else f"{data.age // 10 * 10:.0f}",  # in steps: ageing alone is no news
    }


def hear(fields: Mapping[str, str], at: float) -> PeerReport:
    """Return the report in a message of the peer, true at `at` (monotonic seconds of this node).

    A missing or unexpected value becomes Unknown, or None, 0 or "" where the field is no reading.
    """
    fit, why = fields.get("fit"), fields.get("why", "")
    return PeerReport(
        at=at,
        role=fields.get("role", ""),
        granted=_yes_or_no(fields.get("granted"), at),
        fit=_yes_or_no(fit, at),
        line=_read(Line, fields.get("line", ""), at),
        relay=_read(Relay, fields.get("relay", ""), at),
        unfit_because="" if fit == "yes" else why,
        doubts=why if fit == "yes" else "",
        version=fields.get("v", ""),
        generation=_number(fields.get("gen", "")) or 0,
        served=_yes_or_no(fields.get("served"), at),
        data_age=_number(fields.get("age", "")),
        fit_for_lan=_yes_or_no(fields.get("lanfit"), at),
        serves=_serves(fields.get("role", ""), at),
        served_since=_number(fields.get("since", "")),
        engine=fields.get("eng", "")[:_ENGINE_LENGTH],
        drops_minutes=_number(fields.get("drops", "")),
        lost_minutes=_number(fields.get("lost", "")),
        demands=_number(fields.get("demands", "")) or 0,
        heard_since=_number(fields.get("saw", "")),
        stood_still=fields.get("still") == "yes",
        maintenance=_yes_or_no(fields.get("maint"), at),
        boot=fields.get("boot", ""),
        run=fields.get("run", ""),
        hears_us=_yes_or_no(fields.get("hears"), at),
        deaf_links=tuple(fields.get("deaf", "").split())[:_LINKS],
        lan=_yes_or_no(fields.get("lan"), at),
        calls=_yes_or_no(fields.get("calls"), at),
        lan_address=_address(fields.get("ip", "")),
        offers=fields.get("ahead") in (_PLANNED, _OFFERED),
        planned=fields.get("ahead") == _PLANNED,
        prepares=fields.get("ahead") == _BEGUN,
    )


def _ahead(state: ServiceState, seen: Seen, now: float) -> str:
    if state.prepared.since is not None:
        return _BEGUN
    if not offers(state, seen, now):
        return ""
    return _PLANNED if state.planned else _OFFERED


def _address(text: str) -> str:
    """Return an address that one machine can have; "" for anything else: the peer's words are data."""
    try:
        return any_unicast(text)
    except ValueError:
        return ""


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None


def _minutes(minutes: int | None) -> str:
    return "" if minutes is None else str(minutes)


def _short(reason: str) -> str:
    length = 0
    for place, char in enumerate(reason):
        plain = char.isascii() and char.isprintable() and char != "%"
        length += 1 if plain else 3 * len(char.encode(errors="replace"))
        if length > _REASON_LENGTH:
            return reason[:place]
    return reason


def _spell(reading: Reading[Word]) -> str:
    if isinstance(reading, Unknown):
        return _UNKNOWN + _short(reading.reason)
    return str(reading.value.value)


def _read(kind: type[Word], text: str, at: float) -> Reading[Word]:
    if text.startswith(_UNKNOWN) or not text:
        return Unknown(text.removeprefix(_UNKNOWN) or "the other node does not say", at)
    try:
        return Known(kind(text), at)
    except ValueError:
        return Unknown(f"the other node says '{text}', a word this version does not know", at)


def _serves(role: str, at: float) -> Reading[bool]:
    try:
        return Known(Role(role).holds, at)
    except ValueError:
        return Unknown(f"the other node calls its role '{role}'", at)


def _spell_yes_or_no(reading: Reading[bool]) -> str:
    """Spell a reading without its reason."""
    if isinstance(reading, Unknown):
        return ""
    return "yes" if reading.value else "no"


def _yes_or_no(text: str | None, at: float) -> Reading[bool]:
    if text in ("yes", "no"):
        return Known(text == "yes", at)
    return Unknown("the other node does not know" if text == _UNKNOWN else "the other node does not say", at)
