"""Conf file `/etc/asha.conf`: its possible content, its reading, and (in `edit`) its change in place."""

from __future__ import annotations

from appliance.config.conf import Conf, same_name, which_node
from appliance.config.conf_file import load
from appliance.config.media import Medium
from appliance.config.parse import ConfError, Problem, parse

__all__ = [
    "Conf",
    "ConfError",
    "Medium",
    "Problem",
    "load",
    "parse",
    "same_name",
    "which_node",
]
