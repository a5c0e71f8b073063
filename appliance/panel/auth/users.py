"""Users who may log in to the page: names, roles and password hashes, in one file that is replaced whole."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, get_args

from appliance.core.document import parse_object
from appliance.core.errors import HostError, UserError
from appliance.host.disk import in_turn
from appliance.host.paths import PANEL_DIR
from appliance.panel.auth.files import read_own, write_own
from appliance.panel.auth.passwords import checked, hash_of, is_right
from appliance.panel.auth.second_factor import accepted_step, is_secret

Role: TypeAlias = Literal["viewer", "operator"]
ROLES: tuple[Role, ...] = get_args(Role)
NAME = re.compile(r"[a-z][a-z0-9._-]{0,31}", re.ASCII)
_MOST = 200
# In the place of the stamp of a user whom the proxy names; a stamp from the file is hexadecimal.
OF_THE_SITE = "single sign-on"


@dataclass(frozen=True, slots=True)
class User:
    """One user of the page.

    `stamp` changes with every change of password, role or second factor: a session that has an old stamp has ended.
    `second_factor`: a login needs a code of the user's authenticator too.
    """

    name: str
    role: Role
    stamp: str
    second_factor: bool = False

    @property
    def of_the_site(self) -> bool:
        """Whether the site's proxy has logged this user in, who is not in the file and has no password here."""
        return self.stamp == OF_THE_SITE


@dataclass(frozen=True, slots=True)
class _Entry:
    """Entry of one user in the users file.

    `totp`: the secret of the second factor, "" for none; `totp_step`: the step of the last code that was accepted.
    """

    role: Role
    stamp: str
    hash: str
    totp: str = ""
    totp_step: int = -1


_Entries: TypeAlias = dict[str, _Entry]


class Users:
    """The users file in `directory`.

    Several processes may change the file; each change is made completely or not at all. Every method raises
    HostError when the file cannot be read or is damaged: nobody can log in then.
    """

    def __init__(self, directory: Path = PANEL_DIR) -> None:
        self.directory = directory
        self.path = directory / "users"

    def all(self) -> tuple[User, ...]:
        """Return all users, ordered by name."""
        return tuple(_user(name, one) for name, one in sorted(self._read().items()))

    def get(self, name: str) -> User | None:
        """Return the user called `name`, or None. Cheap enough to be asked on every request of a session."""
        one = self._read().get(name)
        return _user(name, one) if one else None

    def verify(self, name: str, password: str) -> User | None:
        """Return the user with this name and password, or None.

        An unknown name takes as long as a wrong password.
        """
        one = self._read().get(name)
        if not is_right(one.hash if one else None, password) or one is None:
            return None
        # A user who was changed or removed while the hash was computed is not let in.
        return _user(name, one) if self._read().get(name) == one else None

    def verify_login(self, name: str, password: str, code: str, wall: float) -> User | None:
        """Return the user with this name, this password and, if the user has a second factor, this `code`; else None.

        `wall`: the time in epoch seconds. A code that was accepted is not accepted again, by whatever process.
        """
        user = self.verify(name, password)
        if user is None or not user.second_factor:
            return user
        with self._changing() as entries:
            one = entries.get(name)
            # Another login by the same code, or root's command, may have come in between.
            if one is None or one.stamp != user.stamp:
                return None
            step = accepted_step(one.totp, code, wall, one.totp_step)
            if step is None:
                return None
            entries[name] = replace(one, totp_step=step)
        return user

    def add(self, name: str, password: str, role: Role) -> User:
        """Add a user, and return it.

        Raises UserError for a name that is taken or not a valid name, for a password of unacceptable length
        or characters, and when there are too many users.
        """
        return self._add(name, password, role, only_as_first=False)

    def add_first(self, name: str, password: str) -> User:
        """Add the first operator, and return it.

        Raises UserError as `add` does, and also when there is a user already.
        """
        return self._add(name, password, "operator", only_as_first=True)

    def _add(self, name: str, password: str, role: Role, *, only_as_first: bool) -> User:
        if not NAME.fullmatch(name):
            want = "1 to 32 of a-z, 0-9, dot, dash and underscore, a letter first"
            raise UserError(f"A user's name is {want}.", todo="Choose another.")
        entry = _Entry(role, _new_stamp(), hash_of(checked(password)))
        with self._changing() as entries:
            if only_as_first and entries:
                raise UserError("There is a user already.", todo="Log in, or ask for 'asha panel user add'.")
            if name in entries:
                raise UserError(
                    f"There is a user {name} already.", todo="Change it with 'asha panel user passwd'."
                )
            if len(entries) >= _MOST:
                raise UserError(f"There are {_MOST} users already.", todo="Remove one first.")
            entries[name] = entry
        return User(name, role, entry.stamp)

    def change_password(self, name: str, password: str) -> None:
        """Change the password of the user `name`; every session of that user ends. Raises UserError."""
        fresh = hash_of(checked(password))
        with self._changing() as entries:
            entries[name] = replace(_of(entries, name), hash=fresh, stamp=_new_stamp())

    def change_role(self, name: str, role: Role) -> None:
        """Change the role of the user `name`; every session of that user ends. Raises UserError."""
        with self._changing() as entries:
            entries[name] = replace(_of(entries, name), role=role, stamp=_new_stamp())

    def set_second_factor(self, name: str, secret: str) -> None:
        """Have every login of the user `name` need a code made of `secret`; "" for none. Raises UserError.

        Every session of that user ends.
        """
        with self._changing() as entries:
            entries[name] = replace(_of(entries, name), totp=secret, totp_step=-1, stamp=_new_stamp())

    def remove(self, name: str) -> None:
        """Remove the user `name`. Raises UserError when there is no such user."""
        with self._changing() as entries:
            _of(entries, name)
            del entries[name]

    @contextmanager
    def _changing(self) -> Iterator[_Entries]:
        try:
            with in_turn(self.directory):
                entries = self._read()
                yield entries
                document = {"users": {name: asdict(one) for name, one in sorted(entries.items())}}
                write_own(self.path, json.dumps(document, indent=1) + "\n")
        except OSError as problem:
            why = f"{self.directory} could not be used: {problem.strerror}."
            raise HostError(why, todo="The package asha makes it.") from problem

    def _read(self) -> _Entries:
        text = read_own(self.path)
        if text is None:
            return {}
        try:
            return {str(name): _entry(one) for name, one in parse_object(text)["users"].items()}
        except (ValueError, TypeError, KeyError, AttributeError) as problem:
            raise HostError(
                f"The users file {self.path} is damaged: nobody can log in.",
                todo="Put back a copy of it, or remove it and make the users again: 'asha panel code'.",
            ) from problem


def _user(name: str, one: _Entry) -> User:
    return User(name, one.role, one.stamp, bool(one.totp))


def _entry(one: dict[str, Any]) -> _Entry:
    """Return the entry in the file; one of an older version has no second factor. Raises ValueError and others."""
    entry = _Entry(
        cast(Role, one["role"]), one["stamp"], one["hash"], one.get("totp", ""), one.get("totp_step", -1)
    )
    if entry.role not in ROLES or not all(
        isinstance(text, str) and text for text in (entry.stamp, entry.hash)
    ):
        raise ValueError
    # A second factor that cannot be read must not become none.
    if entry.totp != "" and not is_secret(entry.totp):
        raise ValueError
    if type(entry.totp_step) is not int:
        raise ValueError
    return entry


def _of(entries: _Entries, name: str) -> _Entry:
    if name not in entries:
        raise UserError(f"There is no user {name}.", todo="'asha panel user list' names them.")
    return entries[name]


def _new_stamp() -> str:
    return secrets.token_hex(16)
