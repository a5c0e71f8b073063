"""Objects that every page needs, kept with the Flask application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app

from appliance.config import Conf
from appliance.host.clock import Clock
from appliance.panel.agent_client import AgentClient
from appliance.panel.auth.first_login import FirstLogin
from appliance.panel.auth.rate_limit import LoginThrottle
from appliance.panel.auth.seal import Seal
from appliance.panel.auth.sessions import Sessions
from appliance.panel.auth.token import MetricsToken
from appliance.panel.auth.unlock import Unlock
from appliance.panel.auth.users import Users
from appliance.panel.render.feed import Feed
from appliance.panel.render.sections import SectionRenderer

_NAME = "asha"


@dataclass(frozen=True, slots=True)
class PanelContext:
    """The panel's objects, made once when the server starts."""

    conf: Conf
    agent: AgentClient
    feed: Feed
    users: Users
    first_login: FirstLogin
    metrics_token: MetricsToken
    sessions: Sessions
    door: LoginThrottle
    seal: Seal
    unlock: Unlock
    press: SectionRenderer
    certificate_expires: float | None  # epoch seconds
    clock: Clock

    def keep_in(self, extensions: dict[str, object]) -> None:
        """Store these parts in the `extensions` of a Flask application."""
        extensions[_NAME] = self


def parts() -> PanelContext:
    """Return the parts of the application that answers the current request."""
    return cast(PanelContext, current_app.extensions[_NAME])
