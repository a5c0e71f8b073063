"""The context: everything that the parts of one agent share, handed to each of them as one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.agent.journal import Journal
from appliance.agent.observations import Observations
from appliance.agent.this_node import ThisNode
from appliance.core.engine_traits import EngineTraits
from appliance.core.roles import Role
from appliance.core.service_state import ServiceState
from appliance.host.clock import Clock


@dataclass(slots=True)
class Service:
    """The service of this node as it is now: the cycle writes it after each step, every part may read it."""

    state: ServiceState

    @property
    def role(self) -> Role:
        """The role of this node in the pair."""
        return self.state.role

    @property
    def generation(self) -> int:
        """The generation of the grant on file."""
        return self.state.grant.generation


@dataclass(frozen=True, slots=True)
class Context:
    """The conf file, clock and journal that a part needs even on a machine that is no node yet."""

    conf_path: Path
    clock: Clock
    journal: Journal


@dataclass(frozen=True, slots=True)
class NodeContext(Context):
    """The values that the parts of a node's agent share.

    `observations` is what the sensors see, `service` what this node does about it. `restart` ends this agent, so
    that another begins as the conf file now says. `engine`: the cluster engine as core knows it.
    """

    this_node: ThisNode
    observations: Observations
    service: Service
    restart: Callable[[], None]
    engine: EngineTraits
