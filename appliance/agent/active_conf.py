"""The conf that counts while Heartbeat runs: the file's, except for keys that cannot change under Heartbeat.

These frozen keys keep the values with which Heartbeat's files were made. The values are kept on disk, so
that neither an agent that is restarted nor a resource script without an agent takes another value from a conf
file that was changed meanwhile.

Which node this is, is kept with them. A host that gets another name (from DHCP, from cloud-init) while Heartbeat runs
stays the node that it is, for Heartbeat asked for its name only once: an agent that went by the new name would leave a
node alone that serves.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from pathlib import Path

from appliance.agent.components.component import Component
from appliance.agent.context import NodeContext
from appliance.agent.grant_file import GrantFile
from appliance.agent.kept_conf import Found, load_or_kept
from appliance.agent.this_node import ThisNode
from appliance.cluster.installed import engine_of
from appliance.config import Conf, load, same_name, which_node
from appliance.config.schema import (
    FROZEN_KEYS,
    KEY_BY_NAME,
    changed_frozen,
    frozen_values,
    held_back,
    with_frozen,
)
from appliance.core.document import parse_object
from appliance.core.engine_traits import ENGINE
from appliance.core.errors import AshaError, HostError, UserError
from appliance.core.model import Node
from appliance.core.roles import Role
from appliance.core.status import Status
from appliance.host.paths import CONF, GRANT, STANDING
from appliance.host.statefile import StateFile

# The name under which the node itself is kept beside the frozen keys.
_NODE = "node"


def book_file(path: Path = STANDING) -> StateFile[dict[str, str]]:
    """Return the state file at `path`, which holds the values of the frozen keys by name, and the node."""
    return StateFile(
        path, _parse, dict, f"the conf file's values count, as if {ENGINE} had been started with them"
    )


class InstalledConf:
    """The values of the frozen keys with which Heartbeat's files were last made.

    The file is read once; `keep` changes it.
    """

    def __init__(self, path: Path = STANDING) -> None:
        self._file = book_file(path)
        self._values = self._file.load()

    @property
    def blank(self) -> bool:
        """True when nothing is known, or not which node this is.

        Heartbeat's files were then made without asha, or by a version of asha that did not record it.
        """
        return self.node is None

    @property
    def node(self) -> Node | None:
        """The node that this machine was when Heartbeat's files were made; None when that was not recorded."""
        name = self._values.get(_NODE)
        return Node(name) if name else None

    def keep(self, conf: Conf, node: Node) -> None:
        """Record what Heartbeat's files are made with: `conf`, on `node`. Blocking. Raises HostError."""
        values = {**frozen_values(conf), _NODE: node.value}
        if values == self._values:
            return
        try:
            self._file.write(json.dumps(values, indent=1) + "\n")
        except OSError as problem:
            raise HostError(f"{self._file.path} could not be written: {problem.strerror}.") from problem
        self._values = values

    def under(self, conf: Conf) -> Conf:
        """Return `conf` as it counts under a Heartbeat with the recorded files.

        Recorded values that do not name this machine are ignored.
        """
        try:
            counts = with_frozen(conf, self._values)
            self.node_of(counts)
        except (ValueError, UserError):
            return conf
        return counts

    def node_of(self, conf: Conf) -> Node:
        """Return which node this machine is by `conf`, or else the recorded one of the same pair.

        Raises UserError when the conf names neither node and the record is of another pair or says nothing.
        """
        try:
            return which_node(conf, os.uname().nodename)
        except UserError:
            names = (conf.primary_name, conf.secondary_name)
            if self.node is None or names != (self._values.get("HAPRINODE"), self._values.get("HASECNODE")):
                raise
            return self.node


def conf_in_force(path: Path = CONF, book: InstalledConf | None = None) -> Conf:
    """Return the conf that counts on this machine now. Raises UserError when the file is wrong."""
    conf = load_or_kept(path).conf
    recorded = (book or InstalledConf()).under(conf)
    return recorded if _is_bound(recorded) else conf


def read_this_node(path: Path = CONF, book: InstalledConf | None = None) -> ThisNode:
    """Return conf and node of this machine.

    Raises UserError when the conf is wrong or names neither node, unless Heartbeat runs or a grant is on file: then
    this machine is the node that it was when Heartbeat's files were made.
    """
    book = book or InstalledConf()
    conf = conf_in_force(path, book)
    bound = _is_bound(book.under(conf))
    return ThisNode(conf, book.node_of(conf) if bound else which_node(conf, os.uname().nodename))


def _is_bound(recorded: Conf) -> bool:
    """Tell whether this machine is bound to what its engine's files were made with, `recorded`.

    It is while the engine runs for which they were made. One that others have set up and started is bound to nothing
    that is on record here.

    A grant whose Heartbeat is gone still has to be let go of, with the address that this Heartbeat had put up.
    """
    return bool(engine_of(recorded).identity()) or GrantFile(GRANT).read().held


def misnamed(this_node: ThisNode) -> str:
    """Return what is wrong when this machine has not the name by which Heartbeat knows it; "" when it has."""
    name = os.uname().nodename
    if same_name(name, this_node.own_name):
        return ""
    key = "HAPRINODE" if this_node.node is Node.PRIMARY else "HASECNODE"
    return (
        f"this machine's name is now '{name}' (uname -n), and {ENGINE} knows it as '{this_node.own_name}' ({key}): "
        f"it goes on as the {this_node.node.value}, but {ENGINE} would not start again under that name. "
        f"Name it {this_node.own_name} again ('hostname {this_node.own_name}', and wherever it gets its name at boot)"
    )


class ActiveConf(Component):
    """The component that makes the site work by the conf file, as far as that is possible now.

    `written`: the content of the conf file as it was read, or the kept copy when the file is spoilt.
    """

    def __init__(self, context: NodeContext, written: Found, book: InstalledConf) -> None:
        self._path = context.conf_path
        self._this_node = context.this_node
        self._written = written.conf
        self._wrong = written.problem
        self._book = book
        self._service = context.service
        self._journal = context.journal
        self._restart = context.restart
        self._engine_off = True

    @property
    def engine_off(self) -> bool:
        """True when the HA engine does not run here, and everything of it is let go."""
        return self._service.role is Role.OFF

    def begin(self) -> None:
        """Begin after the first look of the agent.

        When the engine runs and no values are recorded, the engine was started with the values that this
        agent works by, so these are recorded.
        """
        if not self.engine_off and self._book.blank:
            threading.Thread(
                target=self._keep_book, daemon=True
            ).start()  # a disk that hangs is not waited for
        self._engine_off = self.engine_off
        self._tell()

    def reload(self) -> None:
        """Read the conf file again.

        A file that is wrong, or names neither node, changes nothing and raises UserError.
        """
        conf = load(self._path)
        if not self._names_the_same_pair(conf):
            which_node(conf, os.uname().nodename)
        self._journal.note("agent", says="the conf file was read again")
        self.adopt(conf)

    def look_again(self) -> None:
        """Take the conf file as soon as it is right again, when this agent works by a kept copy."""
        if self._wrong:
            with contextlib.suppress(AshaError):  # the file is reported for as long as it is wrong
                self.reload()

    def adopt(self, conf: Conf) -> None:
        """Work by `conf`, which is what the file holds now.

        While the engine is off, the conf may make this machine another node, or none.
        """
        self._written, self._wrong = conf, ""
        waiting = changed_frozen(self._this_node.conf, conf)
        if self.engine_off and (waiting or self._is_for_other_engine(conf)):
            self._restart()
            return
        self._this_node.adopt(with_frozen(conf, frozen_values(self._this_node.conf)) if waiting else conf)
        self._tell()

    def _is_for_other_engine(self, conf: Conf) -> bool:
        """Tell whether another engine is chosen by `conf`, for a pair that is new yet, than by what counts now."""
        chosen = (engine_of(one).traits.title for one in (self._this_node.conf, conf))
        return conf.engine == "auto" and len(set(chosen)) > 1

    def look(self) -> bool:
        """Tell whether a waiting value can be taken now; when it can, this agent ends for it.

        To be called after every turn.
        """
        was_off, self._engine_off = self._engine_off, self.engine_off
        if self.engine_off:
            counts = self._written
        elif was_off:
            # The engine was started without asha, with files that were made before the conf file was changed.
            counts = self._book.under(self._written)
        else:
            return False
        if not changed_frozen(self._this_node.conf, counts):
            return False
        self._restart()
        return True

    def refuses(self, conf: Conf) -> tuple[str, ...]:
        """Return the keys for which `conf` cannot be taken now."""
        return () if self.engine_off else changed_frozen(self._this_node.conf, conf)

    def problems(self) -> list[str]:
        """Return what is wrong with the conf file and what waits, for the status document."""
        waiting = held_back(changed_frozen(self._this_node.conf, self._written), "the conf file")
        return list(filter(None, [self._wrong, waiting, misnamed(self._this_node)]))

    def report(self, status: Status) -> Status:
        """Add what is wrong with the conf file and with this machine's name."""
        return super().report(status)._replace(misnamed=misnamed(self._this_node))

    def _names_the_same_pair(self, conf: Conf) -> bool:
        known = self._this_node.conf
        return (conf.primary_name, conf.secondary_name) == (known.primary_name, known.secondary_name)

    def _keep_book(self) -> None:
        with contextlib.suppress(HostError):  # recorded when the engine is started the next time
            self._book.keep(self._this_node.conf, self._this_node.node)

    def _tell(self) -> None:
        self._journal.note_once("agent", "conf", "".join(self.problems()))


def _parse(content: bytes) -> dict[str, str]:
    values = parse_object(content)
    for name, value in values.items():
        if name == _NODE:
            Node(value)
            continue
        if name not in FROZEN_KEYS or not isinstance(value, str):
            raise ValueError("it is no book of the frozen keys")
        KEY_BY_NAME[name].parse(value)
    return values
