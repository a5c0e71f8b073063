"""The node that a command runs on: its conf, which node it is, its clock, and the places of its data.

The module is quick to import.
"""

from __future__ import annotations

import os

from appliance.config import Conf, load, which_node
from appliance.core.errors import UserError
from appliance.core.model import Node
from appliance.host.clock import SystemClock
from appliance.host.paths import CONF, SyncPaths

__all__ = ["CLOCK", "PLACES", "conf_and_node"]
PLACES = SyncPaths()
CLOCK = SystemClock()


def conf_and_node() -> tuple[Conf, Node]:
    """Return the conf and the node of this machine.

    Raises UserError when the conf file is wrong or this machine is neither node, and HostError when the file
    cannot be read.
    """
    conf = load(CONF, to_run=True)
    try:
        return conf, which_node(conf, os.uname().nodename)
    except UserError:
        from appliance.agent.active_conf import read_this_node  # noqa: PLC0415 - only a host that was renamed needs it

        return conf, read_this_node().node
