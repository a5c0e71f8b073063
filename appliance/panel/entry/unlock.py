"""A code by which root lets one user's next login go before all others: for when many others try to log in."""

from __future__ import annotations

import json
from pathlib import Path

from appliance.core.document import parse_object
from appliance.core.errors import UserError
from appliance.host.clock import Clock, SystemClock
from appliance.panel.entry.codes import is_code, new_code
from appliance.panel.entry.places import PANEL_DIR, read_own, remove_own, write_own
from appliance.panel.entry.users import Users

VALID_FOR = 15 * 60.0


class Unlock:
    """The code that is open in `directory`, if there is one. It is no password: that is wanted as well.

    Times are wall seconds, since two processes read them. Every method raises HostError.
    """

    def __init__(self, directory: Path = PANEL_DIR, clock: Clock | None = None) -> None:
        self.path = directory / "unlock"
        self._users = Users(directory)
        self._clock = clock or SystemClock()

    def new_code(self, name: str) -> str:
        """Make a code for the user `name`, for showing once; one that was there before is void. Raises UserError."""
        if self._users.get(name) is None:
            raise UserError(f"There is no user {name}.", todo="'asha panel user list' names them.")
        shown, kept = new_code()
        document = {"name": name, "hash": kept, "until": self._clock.wall() + VALID_FOR}
        write_own(self.path, json.dumps(document) + "\n")
        return shown

    def is_open(self) -> bool:
        """A code would be taken now."""
        return self._kept() is not None

    def is_right(self, name: str, code: str) -> bool:
        """`code` is the one for the user `name`."""
        kept = self._kept()
        return kept is not None and kept[0] == name and is_code(kept[1], code)

    def use_up(self) -> None:
        """Its user is in."""
        remove_own(self.path)

    def _kept(self) -> tuple[str, str] | None:
        try:
            kept = parse_object(read_own(self.path) or "")
            return (
                (str(kept["name"]), str(kept["hash"])) if self._clock.wall() < float(kept["until"]) else None
            )
        except (ValueError, TypeError, KeyError):
            return None  # none, or damaged: a new one is quickly made
