"""What every page needs, in one place, and how it gets at it."""

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
    """The panel's own parts: made once, when the server starts."""

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
    certificate_expires: float | None  # in wall seconds
    clock: Clock

    def keep_in(self, extensions: dict[str, object]) -> None:
        """Make these the application's."""
        extensions[_NAME] = self


def parts() -> Parts:
    """Those of the application that answers this request."""
    return cast(Parts, current_app.extensions[_NAME])
