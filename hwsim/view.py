"""The rack at one moment, as values from which a picture is drawn."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node as seen from outside. `state`: up, off or frozen."""

    state: str
    asterisk: bool
    alarm: str
    dchannel: str
    in_service: bool


@dataclass(frozen=True, slots=True)
class RackView:
    """The rack at one moment; `relay` is where the line leads, "" while the armature moves."""

    primary: NodeView
    secondary: NodeView
    relay: str
    address_at: str
    address: str
    card: bool
    telco: bool
