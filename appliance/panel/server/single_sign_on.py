"""Single sign-on through the site's own proxy: who asks is named by headers that only that proxy may set.

Three headers count: X-Asha-User, X-Asha-Role and X-Asha-Proxy, whose value is PANELPROXYSECRET. That a request comes
from this machine is not proof enough, because every program on it can connect to the page; the secret is. A request
from anywhere else loses the three headers, whatever is in them. Before that `server/webserver.py` has refused a request
in which one of them is there twice, or folded, and has dropped names with an underscore.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from appliance.panel.auth.users import ROLES, Role
from appliance.panel.server.proxy import is_loopback, secret_digest

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_USER, _ROLE, _PROXY = "HTTP_X_ASHA_USER", "HTTP_X_ASHA_ROLE", "HTTP_X_ASHA_PROXY"
# A name of this kind never comes from a header: those begin with HTTP_.
_FOUND = "asha.single_sign_on"
# As directories have them: anna, anna@example.com, EXAMPLE\anna.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+\\-]{0,63}", re.ASCII)


class ProxyWord(NamedTuple):
    """What the proxy says of who asks. `refusal`: why that does not count; "" when it does."""

    name: str = ""
    role: Role = "viewer"
    refusal: str = ""


class SingleSignOn:
    """Middleware that reads the proxy's headers, and takes them away from everybody else's requests.

    It is the outermost, so that the address of the request is still that of its connection. `digest`: that of the
    proxy's secret (`secret_digest`), or "" for no single sign-on.
    """

    def __init__(self, app: WSGIApplication, digest: str) -> None:
        self._app = app
        self._digest = digest

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        name, role, secret = (str(environ.pop(header, "")) for header in (_USER, _ROLE, _PROXY))
        environ.pop(_FOUND, None)
        if self._digest and name and is_loopback(environ.get("REMOTE_ADDR", "")):
            environ[_FOUND] = self._word(name, role, secret)
        return self._app(environ, start_response)

    def _word(self, name: str, role: str, secret: str) -> ProxyWord:
        if not hmac.compare_digest(secret_digest(secret), self._digest):
            return ProxyWord(refusal="X-Asha-User came without the secret of the proxy (PANELPROXYSECRET).")
        if not _NAME.fullmatch(name):
            return ProxyWord(refusal="X-Asha-User is no name of a user.")
        if role not in ROLES:
            return ProxyWord(refusal=f"X-Asha-Role is none of: {', '.join(ROLES)}.")
        return ProxyWord(name, role)


def proxy_word(environ: WSGIEnvironment) -> ProxyWord | None:
    """Return what the proxy says of who asks; None when nobody may say it, or it says nothing."""
    found = environ.get(_FOUND)
    return found if isinstance(found, ProxyWord) else None
