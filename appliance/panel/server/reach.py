"""Check that the page answers where the conf file says it is."""

from __future__ import annotations

import socket
import ssl

from appliance.config import Conf
from appliance.core.errors import HostError
from appliance.core.ip_address import with_port

_DEADLINE = 2.0


def local_address(conf: Conf) -> str:
    """Return an address at which a browser on this machine finds the page."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(conf.panel_addr, conf.panel_addr)  # noqa: S104 - compared


def reach(conf: Conf) -> None:
    """Do a TLS handshake with the page's server. Raises HostError when the server does not answer."""
    address = local_address(conf)
    # The server's identity does not matter: nothing is told to it.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address, conf.panel_port), _DEADLINE) as plain,
            context.wrap_socket(plain) as talk,
        ):
            talk.version()
    except OSError as problem:
        raise HostError(
            f"The page does not answer at {with_port(address, conf.panel_port)}: {problem.strerror or problem}.",
            todo="Start it: service asha-panel start.",
        ) from problem
