"""WSGI application of the panel."""

from __future__ import annotations

import secrets
from pathlib import Path

from flask import Flask, Response, g, render_template, request
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from appliance import __version__
from appliance.config import Conf
from appliance.control.client import AgentAbsent, AgentSilent
from appliance.core.errors import AshaError, ClusterError, UserError
from appliance.host.clock import Clock, SystemClock
from appliance.host.paths import PANEL_DIR
from appliance.panel.agent_client import AgentClient
from appliance.panel.auth.first_login import FirstLogin
from appliance.panel.auth.rate_limit import LoginThrottle
from appliance.panel.auth.seal import Seal
from appliance.panel.auth.sessions import Sessions
from appliance.panel.auth.token import MetricsToken
from appliance.panel.auth.unlock import Unlock
from appliance.panel.auth.users import Users
from appliance.panel.context import PanelContext
from appliance.panel.render import filters
from appliance.panel.render.feed import Feed
from appliance.panel.render.sections import SectionRenderer
from appliance.panel.server.certificate import read_certificate
from appliance.panel.server.proxy import Loopback, Prefix
from appliance.panel.server.single_sign_on import SingleSignOn
from appliance.panel.server.webserver import BODY_LIMIT
from appliance.panel.views import (
    access,
    actions,
    alarm,
    api,
    charts,
    introduction,
    journal,
    login,
    metrics,
    relay,
    settings,
    status,
)

# Content security policy: the browser loads everything from this server, and runs scripts and applies styles
# only from files of the panel.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_VIEWS = (status, login, actions, alarm, charts, relay, journal, settings, introduction, api, metrics)


def create_app(
    conf: Conf,
    *,
    agent: AgentClient | None = None,
    directory: Path = PANEL_DIR,
    clock: Clock | None = None,
    proxy_digest: str = "",
) -> Flask:
    """Return the Flask application for `conf`.

    `directory` is where the panel keeps its users and the other files of its own. `proxy_digest`: the digest of the
    secret by which the site's proxy is known, "" for no single sign-on.
    """
    app = Flask(__name__)
    app.config.update(MAX_CONTENT_LENGTH=BODY_LIMIT, MAX_FORM_MEMORY_SIZE=BODY_LIMIT, MAX_FORM_PARTS=200)
    app.secret_key = secrets.token_bytes(32)  # signs flashed messages only; sessions are kept in memory
    app.config.update(
        SESSION_COOKIE_NAME="asha-said", SESSION_COOKIE_SECURE=True, SESSION_COOKIE_SAMESITE="Strict"
    )
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(filters.FILTERS)
    _parts(app, conf, agent or AgentClient(), directory, clock or SystemClock()).keep_in(app.extensions)
    for view in _VIEWS:
        app.register_blueprint(view.blueprint)
    app.register_blueprint(status.records_blueprint)
    app.before_request(access.admit)
    app.after_request(access.give_form_cookie)
    app.after_request(_harden)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(AshaError, _failed)
    app.context_processor(_common)
    _behind(app, conf, proxy_digest)
    return app


def _parts(app: Flask, conf: Conf, agent: AgentClient, directory: Path, clock: Clock) -> PanelContext:
    return PanelContext(
        conf=conf,
        agent=agent,
        feed=Feed(agent, clock),
        users=Users(directory),
        first_login=FirstLogin(directory, clock),
        metrics_token=MetricsToken(directory),
        sessions=Sessions(clock),
        door=LoginThrottle(clock),
        seal=Seal(directory, clock),
        unlock=Unlock(directory, clock),
        press=SectionRenderer(app),
        certificate_expires=_expiry(conf),
        clock=clock,
    )


def _expiry(conf: Conf) -> float | None:
    """Return when the panel's certificate expires, in epoch seconds, or None if it cannot be read.

    The certificate is read once, when the panel starts: a new certificate is served only after a restart.
    """
    try:
        return read_certificate(conf.panel_cert).expires
    except AshaError:
        return None  # the application is served by something that has a certificate of its own


def _behind(app: Flask, conf: Conf, proxy_digest: str) -> None:
    """Wrap `app` for a path prefix and for a reverse proxy, as `conf` asks.

    Only a proxy on this machine is believed when it names the client for which it asks.
    """
    if conf.panel_prefix:
        app.wsgi_app = Prefix(app.wsgi_app, conf.panel_prefix)  # type: ignore[method-assign]
    if conf.panel_proxy:
        plain = app.wsgi_app
        fixed = ProxyFix(plain, x_for=0, x_proto=1, x_host=0)
        app.wsgi_app = Loopback(fixed, plain)  # type: ignore[method-assign]
    digest = proxy_digest if conf.panel_proxy else ""
    app.wsgi_app = SingleSignOn(app.wsgi_app, digest)  # type: ignore[method-assign]


def _common() -> dict[str, object]:
    return {
        "user": g.get("user"),
        "csrf": access.csrf(),
        "version": __version__,
        "operator": filters.is_operator(),
    }


def _harden(response: Response) -> Response:
    response.headers.update(_HEADERS)
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response


def _refused(problem: HTTPException) -> Response | HTTPException:
    code = problem.code or 500
    if code < 400:
        return problem
    return _answer(code, filters.refusal(problem), "")


def _failed(problem: AshaError) -> Response:
    return _answer(status_of(problem), str(problem.args[0]), problem.todo)


def status_of(problem: AshaError) -> int:
    """Return the HTTP status for the kind of failure that `problem` is."""
    match problem:
        case AgentAbsent():
            return 503
        case AgentSilent():
            return 504
        case UserError():
            return 400
        case ClusterError():
            return 409
        case _:
            return 500


def _answer(code: int, says: str, todo: str) -> Response:
    if access.wants_page():
        return Response(render_template("problem.html", code=code, says=says, todo=todo), code)
    return api.problem(code, says, todo)
