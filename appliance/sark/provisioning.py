"""The address telephones are provisioned with, in files that SARK's PHP and any other program can read."""

from __future__ import annotations

import os
from pathlib import Path

from appliance.config import value_types
from appliance.core.errors import HostError
from appliance.host.disk import read_small, replace_file, set_aside
from appliance.host.paths import PROVISIONING

# Not /var/lib/asha, where asha's own files are: in /etc a web server may read, under SELinux too. The files
# are there from boot on, before an agent runs.
TEXT, PHP = "provision-address", "provision-address.php"


def provision_address(*, use_cluster: bool, cluster_ip: str, own: str) -> str:
    """Return the cluster address where telephones are to follow a failover, otherwise this node's own.

    The node's own address `own` is also returned when there is no cluster address.
    """
    return cluster_ip if use_cluster and cluster_ip else own


def written_address(folder: Path = PROVISIONING) -> str:
    """Return the address that is in both files, or "" when one of them lacks it."""
    try:
        text = (read_small(folder / TEXT) or b"").decode().strip()
        return text if (read_small(folder / PHP) or b"").decode() == _php(_checked(text)) else ""
    except (OSError, ValueError):
        return ""


def write_address(address: str, folder: Path = PROVISIONING) -> None:
    """Write `address` to both files, each in one step.

    Raises HostError, also when `address` is no IP address.
    """
    try:
        php = _php(_checked(address))
        if not folder.exists():
            folder.mkdir(parents=True)
            folder.chmod(0o755)  # mkdir's mode depends on our umask
        for name, text in ((PHP, php), (TEXT, address + "\n")):
            if (folder / name).is_dir():  # a file cannot replace a directory
                set_aside(folder / name)
            replace_file(folder / name, text)
    except ValueError:
        raise HostError("What telephones should be provisioned with is no IP address.") from None
    except OSError as problem:
        raise HostError(
            f"{problem.filename or folder} could not be written: {os.strerror(problem.errno or 0)}.",
            todo="Telephones are still provisioned with what was there before.",
        ) from problem


def _checked(address: str) -> str:
    """Return `address`, an IP address that cannot contain PHP code. Raises ValueError."""
    return value_types.any_unicast(address)


def _php(address: str) -> str:
    return f"<?php return '{address}';\n"
