"""Where everything of a pair is, in words: what a finding tells of the world in which it was made."""

from __future__ import annotations

from typing import Protocol

from appliance.core.model import Node
from hwsim.virtual.heartbeat import Heartbeat
from hwsim.virtual.metal import Card, Server
from hwsim.virtual.node import Agent


class Told(Protocol):
    """What is told of (see `hwsim/virtual/world.py`)."""

    servers: dict[Node, Server]
    agents: dict[Node, Agent | None]
    heartbeat: Heartbeat
    card: Card


def in_words(world: Told) -> str:
    """Say where everything is."""
    said = []
    for node, server in world.servers.items():
        agent, engine = world.agents[node], world.heartbeat.engines[node]
        role = "has no agent" if agent is None else f"is {agent.role.value}"
        master = "no Heartbeat" if engine.identity is None else f"Heartbeat {engine.stage.value}"
        parts = [master, f"Asterisk {server.pbx.state.value}"]
        parts += ["the address"] if server.address else []
        parts += [f"a hand-over at '{engine.standby.value}'"] if engine.standby_until is not None else []
        said.append(
            f"the {node.value} {role}, {', '.join(parts)}" if server.power else f"the {node.value} is dark"
        )
    return f"{'; '.join(said)}; the relay is {world.card.armature.value}"
