"""Conf file `/etc/asha.conf`: its possible content, its reading, and (in `edit`) its change in place."""

from __future__ import annotations

from appliance.config.conf import CardDriver, Conf, Medium, MediumKind, Synch, Witness
from appliance.config.identity import which_node
from appliance.config.parse import parse
from appliance.config.problem import ConfError, Problem
from appliance.config.read import CONF_PATH, load

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
