"""The node a command runs on: its conf, its part, its clock, and where its data's things are. Quick to import."""

from __future__ import annotations

import os
from pathlib import Path

from appliance.config import Conf, load, which_node
from appliance.core.model import Node
from appliance.host.clock import SystemClock
from appliance.sync.places import Places

PLACES = Places()
CLOCK = SystemClock()


def site() -> tuple[Conf, Node]:
    """Conf and node of this machine. Raises UserError."""
    conf = load(Path("/etc/asha.conf"))
    return conf, which_node(conf, os.uname().nodename)
