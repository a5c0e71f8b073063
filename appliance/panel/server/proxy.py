"""WSGI middleware for running behind another web server on this machine, such as SARK's Apache."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Prefix:
    """Middleware that serves `app` under `prefix`, and redirects every other path there."""

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
    """Middleware that calls `trusting` for clients on this machine, and `plain` for all others.

    Only a web server on this machine may name the client for which it asks: anybody else could name a false
    address. Of the addresses in X-Forwarded-For, the last that is not this machine's own is the one that the
    web server itself has seen; the addresses before it were sent along by the client.
    """

    def __init__(self, trusting: WSGIApplication, plain: WSGIApplication) -> None:
        self._trusting = trusting
        self._plain = plain

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not is_loopback(environ.get("REMOTE_ADDR", "")):
            return self._plain(environ, start_response)
        environ["REMOTE_ADDR"] = client_of(environ.get("HTTP_X_FORWARDED_FOR", ""), environ["REMOTE_ADDR"])
        return self._trusting(environ, start_response)


def secret_digest(secret: str) -> str:
    """Return what the panel keeps of the proxy's secret (PANELPROXYSECRET), "" for none; root alone has the secret."""
    return hashlib.sha256(secret.encode()).hexdigest() if secret else ""


def client_of(forwarded: str, peer: str) -> str:
    """Return the client's address for which the trusted proxy at `peer` asks, or `peer` when none is named.

    `forwarded` is the proxy's X-Forwarded-For.
    """
    for named in reversed(forwarded.split(",")):
        address = _bare(named.strip())
        if address is None:
            return peer
        if not is_loopback(address):
            return address
    return peer


def _bare(named: str) -> str | None:
    """Return `named` without the port and brackets that some proxies write, or None if it is no address."""
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::[0-9]+)?", named)
    if bracketed is not None:
        named = bracketed[1]
    elif named.count(":") == 1:
        named = named.partition(":")[0]
    try:
        return str(ipaddress.ip_address(named))
    except ValueError:
        return None


def is_loopback(address: str) -> bool:
    """Tell whether `address` is this machine's own, of either family, or IPv4's as a socket of IPv6 shows it."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback
