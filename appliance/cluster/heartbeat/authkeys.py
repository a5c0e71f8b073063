"""The secret with which both nodes sign their Heartbeat messages.

The secret must be the same on both nodes and known to nobody else. So one node makes it, and it is carried
over to the other: the primary makes it, the secondary is given it. An existing file is kept as it is.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from appliance.cluster.heartbeat.files import write_if_missing
from appliance.core.errors import ClusterError, HostError
from appliance.core.model import Node

FILE_NAME = "authkeys"
_METHODS = ("sha1", "md5", "crc")


def settle_secret(
    ha_dir: Path, node: Node, *, given: str = "", peer: str = "", ssh_port: int = 22
) -> str | None:
    """Return the secret to write, or None when the existing file is to be kept.

    `given` has precedence over everything. Otherwise an existing file stays; otherwise the primary makes a
    secret. On the secondary the secret cannot be known: then ClusterError is raised, with the command that
    copies the file.
    """
    if given:
        return checked_secret(given)
    path = ha_dir / FILE_NAME
    if path.exists():
        read_key(path)
        return None
    if node is Node.PRIMARY:
        return secrets.token_hex(20)
    raise ClusterError(
        f"{path} is missing. Both nodes need the same one, and the primary makes it.",
        todo=f"Start asha on {peer or 'the primary'} once, then bring it over: "
        f"scp -p -P {ssh_port} {peer or 'PRIMARY'}:{path} {path}",
    )


def made_key(ha_dir: Path) -> tuple[str, str]:
    """Return (method, secret) of the authkeys file in `ha_dir`, which is made when there is none.

    Two processes that make the file at the same moment end up with the same secret. Raises ClusterError or
    HostError.
    """
    path = ha_dir / FILE_NAME
    if not path.exists():
        place_key(ha_dir, "sha1", secrets.token_hex(20))
    return read_key(path)


def place_key(ha_dir: Path, method: str, secret: str) -> None:
    """Write authkeys, unless the file exists by now.

    Raises ClusterError for an unusable method or secret, HostError when the file cannot be written.
    """
    if method not in _METHODS:
        raise ClusterError(f"{method!r} is no method of Heartbeat's: {', '.join(_METHODS)}.")
    text = f"auth 1\n1 {method} {checked_secret(secret) if method != 'crc' else ''}".rstrip() + "\n"
    write_if_missing(ha_dir / FILE_NAME, text, 0o600)


def checked_secret(secret: str) -> str:
    """Return `secret` when Heartbeat can take it: one word of printable ASCII. Raises ClusterError."""
    if not secret or len(secret) > 256 or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise ClusterError("A cluster secret is one word of at most 256 printable ASCII characters.")
    return secret


def read_key(path: Path) -> tuple[str, str]:
    """Return (method, secret) of the key that `path` has in use; the secret is "" for crc.

    Raises ClusterError or HostError.
    """
    try:
        lines = [line.split() for line in path.read_text(errors="replace").splitlines()]
    except OSError as problem:
        raise HostError(f"{path} could not be read: {problem.strerror}.", todo="Are you root?") from problem
    words = [line for line in lines if line and not line[0].startswith("#")]
    number = next((line[1] for line in words if line[0] == "auth" and len(line) == 2), None)
    for line in words:
        if line[0] == number and len(line) > 1 and line[1] in _METHODS:
            return line[1], " ".join(line[2:])
    raise ClusterError(
        f"{path} names no usable key.",
        todo="It should be two lines, 'auth 1' and '1 sha1 SECRET'; or delete it on both nodes and begin anew.",
    )
