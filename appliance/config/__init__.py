"""Conf file `/etc/asha.conf`: its possible content, its reading, and (in `edit`) its change in place."""

from __future__ import annotations

from appliance.config.conf import CardDriver, Conf, Medium, MediumKind, Synch, Witness, which_node
from appliance.config.conf_file import CONF_PATH, load
from appliance.config.parse import ConfError, Problem, parse

__all__ = [
    "CONF_PATH",
    "CardDriver",
    "Conf",
    "ConfError",
    "Medium",
    "MediumKind",
    "Problem",
    "Synch",
    "Witness",
    "load",
    "parse",
    "which_node",
]
