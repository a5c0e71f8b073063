"""The rack at one moment, as values: what a picture is drawn from."""

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
    """The whole rack at one moment. `relay`: side the line leads to, empty while the armature moves."""

    primary: NodeView
    secondary: NodeView
    relay: str
    address_at: str
    address: str
    card: bool
    telco: bool
