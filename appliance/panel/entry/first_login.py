"""The first-login code: whoever has it makes the first operator on the page, once, within a week.

The package prints one when it is installed, and root makes another with `asha panel code`. Only its hash is kept.
"""

from __future__ import annotations

import json
from pathlib import Path

from appliance.core.document import parse_object
from appliance.core.errors import UserError
from appliance.host.clock import Clock, SystemClock
from appliance.panel.entry.codes import is_code, new_code
from appliance.panel.entry.places import PANEL_DIR, read_own, remove_own, write_own
from appliance.panel.entry.users import User, Users

VALID_FOR = 7 * 24 * 3600.0


class FirstLogin:
    """The code that is open in `directory`, if there is one. Times are wall seconds: it outlives a boot."""

    def __init__(self, directory: Path = PANEL_DIR, clock: Clock | None = None) -> None:
        self.path = directory / "setup"
        self._users = Users(directory)
        self._clock = clock or SystemClock()

    def new_code(self) -> str:
        """Make a code, for showing once; one that was there before is void. Raises UserError when there is a user."""
        if self._users.all():
            raise UserError(
                "There are users already, so no code is needed.", todo="'asha panel user add' makes another."
            )
        shown, kept = new_code()
        write_own(self.path, json.dumps({"hash": kept, "until": self._clock.wall() + VALID_FOR}) + "\n")
        return shown

    def code_for_new(self) -> str:
        """A code, when there has never been one and nobody is there; else "". Raises HostError."""
        return "" if self.path.exists() or self._users.all() else self.new_code()

    def is_open(self) -> bool:
        """A code would be taken now: nobody is there yet, and it is not too late. Raises HostError."""
        return self._kept() is not None and not self._users.all()

    def check_code(self, code: str) -> bool:
        """`code` is the one. Raises HostError."""
        kept = self._kept() if self.is_open() else None
        return kept is not None and is_code(kept, code)

    def use_code(self, code: str, name: str, password: str) -> User:
        """Make `name` the first operator, and the code void. Raises UserError, also for a name or password that
        cannot be; the code stays good then."""
        if not self.check_code(code):
            raise UserError(
                "That code is not the one, or was used, or is older than a week.",
                todo="Root makes a new one: 'asha panel code'.",
            )
        # Killed between these two: there is a user, and with one no code is taken.
        user = self._users.add_first(name, password)
        remove_own(self.path)
        return user

    def _kept(self) -> str | None:
        text = read_own(self.path)
        try:
            kept = parse_object(text or "")
            return str(kept["hash"]) if self._clock.wall() < float(kept["until"]) else None
        except (ValueError, TypeError, KeyError):
            return None  # none, or damaged: a new one is quickly made
