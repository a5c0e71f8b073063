"""One look at a page over one TLS connection: the page, and the stylesheet and script that it names."""

from __future__ import annotations

import http.client
import re
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlencode, urljoin

from hwsim.page import PANEL_PORT

_NEEDED = re.compile(r'<link rel="stylesheet" href="([^"]+)"|<script src="([^"]+)"')
_HIDDEN = re.compile(r'name="csrf" value="([^"]*)"')
_DEADLINE = 20.0
HERE = "127.0.0.1"


class NotServed(Exception):
    """The answer was not the page; the message has its status."""


@dataclass(frozen=True, slots=True)
class Look:
    """The seconds from the request to the first byte, and to the last byte of all `parts` (path → body)."""

    first: float
    whole: float
    parts: dict[str, bytes]

    @property
    def size(self) -> int:
        """The bytes of all bodies."""
        return sum(map(len, self.parts.values()))


def connection(port: int = PANEL_PORT) -> http.client.HTTPSConnection:
    """Return an unopened connection to a server on this machine; its certificate is not verified."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(HERE, port, timeout=_DEADLINE, context=context)


def needed(page: str) -> list[str]:
    """Return the paths of the stylesheets and scripts that a page at / names, in its order."""
    return [urljoin("/", style or script) for style, script in _NEEDED.findall(page)]


def look(server: http.client.HTTPConnection, cookie: str = "") -> Look:
    """Get / and what it needs. Raises NotServed and OSError.

    The time includes opening the connection when it is not open.
    """
    began = time.monotonic()
    server.request("GET", "/", headers={"Cookie": cookie})
    answer = server.getresponse()
    first = time.monotonic() - began
    parts = {"/": _body(answer)}
    for path in needed(parts["/"].decode()):
        server.request("GET", path, headers={"Cookie": cookie})
        parts[path] = _body(server.getresponse())
    return Look(first, time.monotonic() - began, parts)


def first_login(server: http.client.HTTPConnection, code: str, name: str, password: str) -> str:
    """Become the first operator with the installation's code; return the session's cookie.

    Raises NotServed and OSError.
    """
    server.request("GET", "/first")
    answer = server.getresponse()
    cookie = answer.getheader("Set-Cookie", "").partition(";")[0]
    hidden = _HIDDEN.search(_body(answer).decode())
    filled = {
        "code": code,
        "name": name,
        "new": password,
        "again": password,
        "csrf": hidden[1] if hidden else "",
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
    server.request("POST", "/first", urlencode(filled), headers)
    answer = server.getresponse()
    answer.read()
    given = answer.getheader("Set-Cookie", "")
    if answer.status != http.client.FOUND or not given:
        raise NotServed(f"the first login was answered with {answer.status}")
    return given.partition(";")[0]


def _body(answer: http.client.HTTPResponse) -> bytes:
    body = answer.read()
    if answer.status != http.client.OK:
        raise NotServed(f"{answer.status} {answer.reason}: {body[:200]!r}")
    return body
