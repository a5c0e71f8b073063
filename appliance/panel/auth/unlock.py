"""Unlock code: with it, root lets the next login of one user go ahead while many others try to log in."""

from __future__ import annotations

import json
from pathlib import Path

from appliance.core.document import parse_object
from appliance.core.errors import UserError
from appliance.host.clock import Clock, SystemClock
from appliance.host.paths import PANEL_DIR
from appliance.panel.auth.codes import is_code, new_code
from appliance.panel.auth.files import read_own, remove_own, write_own
from appliance.panel.auth.users import Users

VALID_FOR = 15 * 60.0


class Unlock:
    """The unlock code kept in `directory`, if there is one.

    The code does not replace the password, which is needed as well. Times are in epoch seconds, because two
    processes read them. Every method raises HostError.
    """

    def __init__(self, directory: Path = PANEL_DIR, clock: Clock | None = None) -> None:
        self.path = directory / "unlock"
        self._users = Users(directory)
        self._clock = clock or SystemClock()

    def new_code(self, name: str) -> str:
        """Make a code for the user `name`, to be shown once, and return it; a code made before becomes void.

        Raises UserError when there is no such user.
        """
        if self._users.get(name) is None:
            raise UserError(f"There is no user {name}.", todo="'asha panel user list' names them.")
        shown, kept = new_code()
        document = {"name": name, "hash": kept, "until": self._clock.wall() + VALID_FOR}
        write_own(self.path, json.dumps(document) + "\n")
        return shown

    def is_open(self) -> bool:
        """Return whether a code would be accepted now."""
        return self._kept() is not None

    def is_right(self, name: str, code: str) -> bool:
        """Return whether `code` is the valid unlock code of the user `name`."""
        kept = self._kept()
        return kept is not None and kept[0] == name and is_code(kept[1], code)

    def use_up(self) -> None:
        """Remove the code once its user has logged in."""
        remove_own(self.path)

    def _kept(self) -> tuple[str, str] | None:
        try:
            kept = parse_object(read_own(self.path) or "")
            return (
                (str(kept["name"]), str(kept["hash"])) if self._clock.wall() < float(kept["until"]) else None
            )
        except (ValueError, TypeError, KeyError):
            return None  # no code, or a damaged file: root can easily make a new code
