"""Alerts by HTTP POST, as JSON."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from appliance import __version__
from appliance.core.alerts import one_line
from appliance.notify.notice import Notice
from appliance.notify.transport import Undelivered

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


@dataclass(frozen=True, slots=True)
class Webhook:
    """Way to `url`, http or https with a valid certificate.

    A URL can hold a secret, so it appears in no message.
    """

    url: str = field(repr=False)
    name: str = "webhook"
    deadline: float = 15.0

    def send(self, notice: Notice) -> None:
        headers = {"Content-Type": "application/json", "User-Agent": f"asha/{__version__}"}
        body = json.dumps(notice.document()).encode()
        request = urllib.request.Request(self.url, body, headers, method="POST")  # noqa: S310 - see config.kinds.URL
        try:
            # The body of the answer is of no interest, and may never end.
            urllib.request.build_opener(_NoRedirect).open(request, timeout=self.deadline).close()
        except urllib.error.HTTPError as problem:
            refused = 400 <= problem.code < 500 and problem.code not in _LATER
            raise Undelivered(
                f"answered {problem.code} {one_line(str(problem.reason), _REASON)}", refused=refused
            ) from problem
        except urllib.error.URLError as problem:
            raise Undelivered(str(problem.reason)) from problem
        except (OSError, http.client.HTTPException, ValueError) as problem:
            raise Undelivered(str(problem) or type(problem).__name__) from problem
