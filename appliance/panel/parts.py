"""Objects that every page needs, kept with the Flask application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app

from appliance.config import Conf
from appliance.host.clock import Clock
from appliance.panel.agent_link import AgentLink
from appliance.panel.entry.door import Door
from appliance.panel.entry.first_login import FirstLogin
from appliance.panel.entry.seal import Seal
from appliance.panel.entry.sessions import Sessions
from appliance.panel.entry.token import MetricsToken
from appliance.panel.entry.unlock import Unlock
from appliance.panel.entry.users import Users
from appliance.panel.shown.feed import Feed
from appliance.panel.shown.sections import Press

_NAME = "asha"


@dataclass(frozen=True, slots=True)
class Parts:
    """The panel's objects, made once when the server starts."""

    conf: Conf
    agent: AgentLink
    feed: Feed
    users: Users
    first_login: FirstLogin
    metrics_token: MetricsToken
    sessions: Sessions
    door: Door
    seal: Seal
    unlock: Unlock
    press: Press
    certificate_expires: float | None  # epoch seconds
    clock: Clock

    def keep_in(self, extensions: dict[str, object]) -> None:
        """Store these parts in the `extensions` of a Flask application."""
        extensions[_NAME] = self


def parts() -> Parts:
    """Return the parts of the application that answers the current request."""
    return cast(Parts, current_app.extensions[_NAME])
