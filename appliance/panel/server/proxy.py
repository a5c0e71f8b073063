"""Behind another web server of this machine, such as SARK's Apache."""

from __future__ import annotations

import ipaddress
import re
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

    Only a web server here may say for whom it asks: anybody else could name an address that is not his. Of the
    addresses it names, the last that is not this machine's own is the one it has seen itself; what stands before that
    was sent along by whoever asked.
    """

    def __init__(self, trusting: WSGIApplication, plain: WSGIApplication) -> None:
        self._trusting = trusting
        self._plain = plain

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not _is_loopback(environ.get("REMOTE_ADDR", "")):
            return self._plain(environ, start_response)
        environ["REMOTE_ADDR"] = client_of(environ.get("HTTP_X_FORWARDED_FOR", ""), environ["REMOTE_ADDR"])
        return self._trusting(environ, start_response)


def client_of(forwarded: str, peer: str) -> str:
    """The address for which `peer`, which is trusted, asks, as its X-Forwarded-For says; `peer` when that says none."""
    for named in reversed(forwarded.split(",")):
        address = _bare(named.strip())
        if address is None:
            return peer
        if not _is_loopback(address):
            return address
    return peer


def _bare(named: str) -> str | None:
    """An address without its port and brackets, as some proxies write it; None for what is no address."""
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::[0-9]+)?", named)
    if bracketed is not None:
        named = bracketed[1]
    elif named.count(":") == 1:
        named = named.partition(":")[0]
    try:
        return str(ipaddress.ip_address(named))
    except ValueError:
        return None


def _is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback
