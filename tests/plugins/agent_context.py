"""What the parts of an agent share, for a test that looks at one of them without a machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from appliance.agent.context import NodeContext, Service
from appliance.agent.journal import Journal, JournalFile
from appliance.agent.observations import Observations
from appliance.agent.this_node import ThisNode
from appliance.config import Conf
from appliance.core.engine_traits import EngineTraits
from appliance.core.grant import Grant
from appliance.core.model import Node
from appliance.core.service_state import first_state
from appliance.host.clock import Clock, SystemClock


def node_context(
    folder: Path,
    this_node: ThisNode | None = None,
    clock: Clock | None = None,
    restart: Callable[[], None] = lambda: None,
    grant: Grant | None = None,
    engine: EngineTraits | None = None,
) -> NodeContext:
    """Return a context whose journal and conf file are in `folder`; the node holds `grant`, or has none."""
    clock = clock or SystemClock()
    return NodeContext(
        folder / "asha.conf",
        clock,
        Journal(JournalFile(folder / "journal"), clock, lambda problem: None),
        this_node or ThisNode(Conf(), Node.PRIMARY),
        Observations(),
        Service(first_state(grant or Grant(), clock.now())),
        restart,
        engine or EngineTraits(),
    )
