"""Behind another web server of this machine, such as SARK's Apache."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Prefix:
    """Serves under `prefix`; whoever asks for anything else is sent there."""

    def __init__(self, app: WSGIApplication, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == self._prefix or path.startswith(f"{self._prefix}/"):
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + self._prefix
            environ["PATH_INFO"] = path[len(self._prefix) :] or "/"
            return self._app(environ, start_response)
        start_response("302 Found", [("Location", f"{self._prefix}/"), ("Content-Length", "0")])
        return [b""]


class Loopback:
    """`trusting` for whoever asks from this very machine, `plain` for everybody else.

    Only a web server here may say for whom it asks: anybody else could name an address that is not his.
    """

    def __init__(self, trusting: WSGIApplication, plain: WSGIApplication) -> None:
        self._trusting = trusting
        self._plain = plain

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        chosen = self._trusting if _is_loopback(environ.get("REMOTE_ADDR", "")) else self._plain
        return chosen(environ, start_response)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
