"""First-login code: its holder creates the first operator on the page, once, within a week.

The package prints a code when it is installed, and root makes another with `asha panel code`. Only the hash
of the code is kept.
"""

from __future__ import annotations

import json
from pathlib import Path

from appliance.core.document import parse_object
from appliance.core.errors import UserError
from appliance.host.clock import Clock, SystemClock
from appliance.host.paths import PANEL_DIR
from appliance.panel.auth.codes import is_code, new_code
from appliance.panel.auth.files import read_own, remove_own, write_own
from appliance.panel.auth.users import User, Users

VALID_FOR = 7 * 24 * 3600.0


class FirstLogin:
    """The first-login code kept in `directory`, if there is one.

    Times are in epoch seconds, because the code outlives a reboot.
    """

    def __init__(self, directory: Path = PANEL_DIR, clock: Clock | None = None) -> None:
        self.path = directory / "setup"
        self._users = Users(directory)
        self._clock = clock or SystemClock()

    def new_code(self) -> str:
        """Make a code, to be shown once, and return it; a code made before becomes void.

        Raises UserError when there is a user already, and HostError.
        """
        if self._users.all():
            raise UserError(
                "There are users already, so no code is needed.", todo="'asha panel user add' makes another."
            )
        shown, kept = new_code()
        write_own(self.path, json.dumps({"hash": kept, "until": self._clock.wall() + VALID_FOR}) + "\n")
        return shown

    def code_for_new(self) -> str:
        """Return a new code if no code is kept and there is no user, else "". Raises HostError."""
        return "" if self.path.exists() or self._users.all() else self.new_code()

    def is_open(self) -> bool:
        """Return whether a code would be accepted now: an unexpired one exists, and there is no user.

        Raises HostError.
        """
        return self._kept() is not None and not self._users.all()

    def check_code(self, code: str) -> bool:
        """Return whether `code` is the valid first-login code. Raises HostError."""
        kept = self._kept() if self.is_open() else None
        return kept is not None and is_code(kept, code)

    def use_code(self, code: str, name: str, password: str) -> User:
        """Create `name` as the first operator, and make the code void.

        Raises UserError for a wrong code, and also for a name or password that is not acceptable; the code
        stays valid then.
        """
        if not self.check_code(code):
            raise UserError(
                "That code is not the one, or was used, or is older than a week.",
                todo="Root makes a new one: 'asha panel code'.",
            )
        # If the panel is killed between these two steps, there is a user, and while there is a user no code
        # is accepted.
        user = self._users.add_first(name, password)
        remove_own(self.path)
        return user

    def _kept(self) -> str | None:
        text = read_own(self.path)
        try:
            kept = parse_object(text or "")
            return str(kept["hash"]) if self._clock.wall() < float(kept["until"]) else None
        except (ValueError, TypeError, KeyError):
            return None  # no code, or a damaged file: root can easily make a new code
