"""Which conf counts while Heartbeat runs: the file's, but for the keys that cannot change under it.

What Heartbeat's files were made with is kept on disk, so that neither an agent that is restarted nor a resource script
without an agent takes another value from a conf file that was changed meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

from appliance.agent.grantbook import GrantBook
from appliance.agent.journal import Journal
from appliance.agent.kept_conf import Found, load_or_kept
from appliance.agent.places import CONF, GRANT, STANDING
from appliance.agent.rooms.room import Room
from appliance.agent.site import Site
from appliance.cluster.installed import engine_identity
from appliance.config import Conf, load, which_node
from appliance.config.schema import KEY_BY_NAME
from appliance.config.standing import (
    STANDING_KEYS,
    changed_standing,
    held_back,
    standing_values,
    with_standing,
)
from appliance.core.document import parse_object
from appliance.core.errors import AshaError, HostError, UserError
from appliance.core.roles import Role
from appliance.host.statefile import StateFile


def book_file(path: Path = STANDING) -> StateFile[dict[str, str]]:
    """The file at `path`: the standing keys' values by their names."""
    return StateFile(
        path, _parse, dict, "the conf file's values count, as if Heartbeat had been started with them"
    )


class StandingBook:
    """The standing keys' values that Heartbeat's files were last made with. Read once; `keep` changes it."""

    def __init__(self, path: Path = STANDING) -> None:
        self._file = book_file(path)
        self._values = self._file.load()

    @property
    def blank(self) -> bool:
        """Nothing is known: Heartbeat's files were made by other hands, or by an asha that kept no book."""
        return not self._values

    def keep(self, conf: Conf) -> None:
        """Heartbeat's files are made with `conf`. Blocking. Raises HostError."""
        values = standing_values(conf)
        if values == self._values:
            return
        try:
            self._file.write(json.dumps(values, indent=1) + "\n")
        except OSError as problem:
            raise HostError(f"{self._file.path} could not be written: {problem.strerror}.") from problem
        self._values = values

    def under(self, conf: Conf) -> Conf:
        """`conf` as it counts under a Heartbeat with those files. A book of another machine's names says nothing."""
        try:
            counts = with_standing(conf, self._values)
            which_node(counts, os.uname().nodename)
        except (ValueError, UserError):
            return conf
        return counts


def conf_in_force(path: Path = CONF, book: StandingBook | None = None) -> Conf:
    """The conf that counts on this machine now. Raises UserError when the file is wrong."""
    conf = load_or_kept(path).conf
    # A grant without its Heartbeat is still to be let go of: with the address that Heartbeat had put up.
    if engine_identity() or GrantBook(GRANT).read().held:
        return (book or StandingBook()).under(conf)
    return conf


def read_site(path: Path = CONF, book: StandingBook | None = None) -> Site:
    """Conf and node of this machine. Raises UserError when the conf is wrong or names neither node."""
    conf = conf_in_force(path, book)
    return Site(conf, which_node(conf, os.uname().nodename))


class Standing(Room):
    """Has the site work by the conf file, as far as it may now. `begin_anew`: be another agent, by the whole file.

    `written`: what is in the file `path`, as it was read; or what was kept of it, when it is spoilt.
    """

    def __init__(
        self,
        *,
        path: Path,
        site: Site,
        written: Found,
        book: StandingBook,
        role: Callable[[], Role],
        journal: Journal,
        begin_anew: Callable[[], None],
    ) -> None:
        self._path = path
        self._site = site
        self._written = written.conf
        self._wrong = written.problem
        self._book = book
        self._role = role
        self._journal = journal
        self._begin_anew = begin_anew
        self._engine_off = True
        self._told = ""

    @property
    def engine_off(self) -> bool:
        """The HA engine does not run here, and everything of it is let go."""
        return self._role() is Role.OFF

    def begin(self) -> None:
        """After the first look. An engine that runs without a book was started with what this agent works by."""
        if not self.engine_off and self._book.blank:
            threading.Thread(
                target=self._keep_book, daemon=True
            ).start()  # a disk that hangs is not waited for
        self._engine_off = self.engine_off
        self._tell()

    def reload(self) -> None:
        """Read the conf file again. One that is wrong, or names neither node, changes nothing and raises UserError."""
        conf = load(self._path)
        which_node(conf, os.uname().nodename)
        self._journal.note("agent", says="the conf file was read again")
        self.adopt(conf)

    def look_again(self) -> None:
        """When this agent works by a kept conf: take the file as soon as it is right again."""
        if self._wrong:
            with contextlib.suppress(AshaError):  # it is named as long as it is not
                self.reload()

    def adopt(self, conf: Conf) -> None:
        """Work by `conf`, as it is in the file now. While the engine is off it may make this another node, or none."""
        self._written, self._wrong = conf, ""
        waiting = changed_standing(self._site.conf, conf)
        if waiting and self.engine_off:
            self._begin_anew()
            return
        self._site.adopt(with_standing(conf, standing_values(self._site.conf)) if waiting else conf)
        self._tell()

    def look(self) -> bool:
        """After every turn: is it time for what has waited? True when this agent ends for it."""
        was_off, self._engine_off = self._engine_off, self.engine_off
        if self.engine_off:
            counts = self._written
        elif was_off:
            # Started by other hands than ours, with files that were made before the conf file was changed.
            counts = self._book.under(self._written)
        else:
            return False
        if not changed_standing(self._site.conf, counts):
            return False
        self._begin_anew()
        return True

    def refuses(self, conf: Conf) -> tuple[str, ...]:
        """The keys with which `conf` cannot be taken now."""
        return () if self.engine_off else changed_standing(self._site.conf, conf)

    def problems(self) -> list[str]:
        """What waits, for the status document."""
        waiting = held_back(changed_standing(self._site.conf, self._written), "the conf file")
        return list(filter(None, [self._wrong, waiting]))

    def _keep_book(self) -> None:
        with contextlib.suppress(HostError):  # it is kept when the engine is started the next time
            self._book.keep(self._site.conf)

    def _tell(self) -> None:
        said = "".join(self.problems())
        if said and said != self._told:
            self._journal.note("agent", says=said)
        self._told = said


def _parse(content: bytes) -> dict[str, str]:
    values = parse_object(content)
    for name, value in values.items():
        if name not in STANDING_KEYS or not isinstance(value, str):
            raise ValueError("it is no book of the standing keys")
        KEY_BY_NAME[name].parse(value)
    return values
