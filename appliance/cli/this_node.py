"""The node a command runs on: its conf, its part, its clock, and where its data's things are. Quick to import."""

from __future__ import annotations

import os

from appliance.config import CONF_PATH, Conf, load, which_node
from appliance.core.model import Node
from appliance.host.clock import SystemClock
from appliance.sync.places import Places

__all__ = ["CLOCK", "CONF_PATH", "PLACES", "site"]
PLACES = Places()
CLOCK = SystemClock()


def site() -> tuple[Conf, Node]:
    """Conf and node of this machine. Raises UserError."""
    conf = load(CONF_PATH)
    return conf, which_node(conf, os.uname().nodename)
