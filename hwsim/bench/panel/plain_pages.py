"""The panel's peer: the same bytes from Python's own http.server with TLS.

Run: `python -m hwsim.bench.panel.plain_pages DIR`. The peer asks no agent and renders no page; it shows what
TLS and HTTP in Python cost by themselves.
"""

from __future__ import annotations

import functools
import http.server
import ssl
import sys
from typing import Any

from hwsim.bench.panel.page import HERE

PORT = 8444
CERT, KEY = "/etc/asha/panel.crt", "/etc/asha/panel.key"


class _Files(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body are two writes here: with Nagle's algorithm the second would wait for the client's
    # acknowledgement.
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Write no log, since the panel writes no line for a request either."""


def main() -> None:
    """Serve until killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERT, KEY)
    server = http.server.ThreadingHTTPServer((HERE, PORT), functools.partial(_Files, directory=sys.argv[1]))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
