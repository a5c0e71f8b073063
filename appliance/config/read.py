"""Reading of `/etc/asha.conf`."""

from __future__ import annotations

from pathlib import Path

from appliance.config.conf import Conf
from appliance.config.problem import ConfError
from appliance.config.source import read_source

CONF_PATH = Path("/etc/asha.conf")


def load(path: Path = CONF_PATH) -> Conf:
    """Return the values of the conf file at `path`.

    Raises ConfError with every problem of the file and of its values, and HostError when there is no such
    file or it cannot be read.
    """
    verdict = read_source(path).judge()
    if isinstance(verdict, Conf):
        return verdict
    raise ConfError(verdict, path=path)
