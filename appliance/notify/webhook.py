"""Alerts by HTTP POST, as JSON."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from appliance import __version__
from appliance.core.alerts import one_line
from appliance.notify.addresses import Names
from appliance.notify.notice import Notice
from appliance.notify.transport import Undelivered
from appliance.notify.trust import NoTrust, Trust

# These 4xx statuses mean that a later try may succeed.
_LATER = frozenset({408, 425, 429})
# Characters kept of the server's reason. Its answer is bounded by http.client: a line of 64 KiB, 100 headers.
_REASON = 200


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Handler that follows no redirect.

    urllib would follow with a GET, whose answer says nothing about the alert.
    """

    def redirect_request(self, *request: Any, **more: Any) -> None:
        return None


class _Http(urllib.request.HTTPHandler):
    """Handler whose connections look their server up by `names`."""

    def __init__(self, names: Names) -> None:
        super().__init__()
        self._names = names

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_connection, http.client.HTTPConnection, self._names), req)


class _Https(urllib.request.HTTPSHandler):
    """Handler that does the same by TLS; the certificate is checked against the name in the URL."""

    def __init__(self, names: Names, context: ssl.SSLContext) -> None:
        super().__init__()
        self._names = names
        self._tls = context

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        make = partial(_connection, http.client.HTTPSConnection, self._names, context=self._tls)
        return self.do_open(make, req)


def _connection(
    kind: type[http.client.HTTPConnection], names: Names, host: str, **more: Any
) -> http.client.HTTPConnection:
    """Return a connection of `kind` that is made to what `names` says; urllib gives the other arguments."""

    def connect(place: tuple[str, int], timeout: float, source: object = None) -> socket.socket:
        return names.connect(*place, timeout)

    connection = kind(host, **more)
    connection._create_connection = connect  # type: ignore[attr-defined] # it has no other way in
    return connection


@dataclass(frozen=True, slots=True)
class Webhook:
    """Way to `url`, http or https with a valid certificate.

    A URL can hold a secret, so it appears in no message.
    """

    url: str = field(repr=False)
    name: str = "webhook"
    deadline: float = 15.0
    names: Names = field(default_factory=Names)
    trust: Trust = field(default_factory=Trust)

    def send(self, notice: Notice) -> None:
        headers = {"Content-Type": "application/json", "User-Agent": f"asha/{__version__}"}
        body = json.dumps(notice.document()).encode()
        request = urllib.request.Request(self.url, body, headers, method="POST")  # noqa: S310 - see config.kinds.URL
        try:
            # The body of the answer is of no interest, and may never end.
            self._opener().open(request, timeout=self.deadline).close()
        except urllib.error.HTTPError as problem:
            refused = 400 <= problem.code < 500 and problem.code not in _LATER
            raise Undelivered(
                f"answered {problem.code} {one_line(str(problem.reason), _REASON)}", refused=refused
            ) from problem
        except urllib.error.URLError as problem:
            raise Undelivered(self._explain(problem.reason)) from problem
        except (OSError, http.client.HTTPException, ValueError, NoTrust) as problem:
            raise Undelivered(str(problem) or type(problem).__name__) from problem

    def _explain(self, reason: str | BaseException) -> str:
        if isinstance(reason, ssl.SSLCertVerificationError):
            return self.trust.explain(reason)
        return str(reason)

    def _opener(self) -> urllib.request.OpenerDirector:
        """Return what sends the request. Raises NoTrust."""
        handlers: list[urllib.request.BaseHandler] = [_NoRedirect(), _Http(self.names)]
        if self.url.casefold().startswith("https:"):
            handlers.append(_Https(self.names, self.trust.context()))
        return urllib.request.build_opener(*handlers)
