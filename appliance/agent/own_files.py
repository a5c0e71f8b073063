"""The list of asha's own files, each with the way to see whether it is usable.

Any further file that asha keeps belongs in `own_files`, or a test in tests/contract/agent fails.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from appliance.agent.active_conf import book_file
from appliance.agent.components.maintenance import maintenance_file
from appliance.agent.components.samples import trends_file
from appliance.agent.components.silences import silences_file
from appliance.agent.engine_change_file import change_file
from appliance.agent.engine_control import target_file
from appliance.agent.grant_file import parse_grant
from appliance.agent.journal_file import JournalFile
from appliance.agent.kept_conf import kept_file
from appliance.config import Conf
from appliance.core.document import parse_object
from appliance.core.engine_traits import ENGINE
from appliance.core.errors import AshaError
from appliance.host.agent_socket import SOCKET
from appliance.host.disk import open_plain
from appliance.host.paths import (
    ALERTS_PASSING,
    CARD,
    CARD_LOCK,
    CONF,
    DATA,
    ENGINE_CHANGE,
    ENGINE_TARGET,
    GRANT,
    JOURNAL,
    KEPT_CONF,
    MAINTENANCE,
    PANEL_DIR,
    POWEROFF_DRILLS,
    PROVISIONING,
    REGENERATE,
    SARK_MEMORY,
    SILENCES,
    SSH_KEYS,
    STANDING,
    TRENDS,
)
from appliance.host.statefile import StateFile
from appliance.hw.poweroff_drills import drill_lock, drills_file
from appliance.hw.rhino.profile import load_profile
from appliance.hw.usb_identity import card_file
from appliance.notify.spool import Spool
from appliance.sark.provisioning import PHP, TEXT
from appliance.sark.reconcile import memory_file
from appliance.sync.newer_data_mark import MARK
from appliance.sync.ssh_access import pinned_in, plain_key
from appliance.sync.state import state_file
from appliance.sync.store import MAGIC

_TOKEN = re.compile(rb"[0-9a-f]{64}\n?")
_ADDRESS = re.compile(rb"(?:<\?php return ')?[0-9a-f.:]{3,39}(?:';)?\n")


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file that asha keeps for itself.

    `trouble` returns why the file at `path` is unusable and what is done instead; "" when it is usable or
    does not exist.
    """

    path: Path
    trouble: Callable[[], str]


def state_files() -> tuple[StateFile[Any], ...]:
    """Return every small file that holds one value."""
    spool = Spool()
    return (
        card_file(CARD),
        drills_file(POWEROFF_DRILLS),
        maintenance_file(MAINTENANCE),
        change_file(ENGINE_CHANGE),
        target_file(ENGINE_TARGET),
        book_file(STANDING),
        trends_file(TRENDS),
        silences_file(SILENCES),
        kept_file(KEPT_CONF),
        memory_file(SARK_MEMORY),
        state_file(DATA.state),
        *(
            StateFile(
                mark, _mark, str, "it counts as a mark: the other node does not have what is here", stays=True
            )
            for mark in DATA.marks
        ),
        spool.ways_file,
        spool.memory_file,
        StateFile(GRANT, _grant, lambda: None, f"{ENGINE} is asked whether this node is to serve"),
        StateFile(
            SSH_KEYS / "id",
            _private_key,
            str,
            "the data do not follow until 'asha ssh-setup' has run",
            stays=True,
        ),
        StateFile(SSH_KEYS / "id.pub", _public_key, str, "'asha ssh-setup' makes a new one", stays=True),
        StateFile(
            SSH_KEYS / "known_hosts",
            _known_hosts,
            tuple,
            "no host is taken for the other node: 'asha ssh-setup'",
            stays=True,
        ),
        *(
            StateFile(
                PANEL_DIR / name, parse_object, dict, "nobody can log in to the page with it", stays=True
            )
            for name in ("users", "setup")
        ),
        StateFile(PANEL_DIR / "metrics", _token, str, "the metrics are not given to anybody", stays=True),
        *(StateFile(PROVISIONING / name, _address, str, "it is written again") for name in (TEXT, PHP)),
    )


def own_files(conf: Conf) -> tuple[OwnFile, ...]:
    """Return every file that belongs to asha alone, under the conf `conf`."""
    locks = (
        DATA.lock,
        DATA.turn,
        Spool().lock,
        SARK_MEMORY.with_suffix(".lock"),
        CARD_LOCK,
        drill_lock(POWEROFF_DRILLS),
    )
    return (
        *(OwnFile(file.path, file.trouble) for file in state_files()),
        *(OwnFile(path, partial(_not_plain, path)) for path in (*locks, REGENERATE, DATA.handed_over)),
        OwnFile(JOURNAL, JournalFile(JOURNAL).trouble),
        OwnFile(older := JOURNAL.with_name(f"{JOURNAL.name}.1"), JournalFile(older).trouble),
        OwnFile(DATA.store, partial(_no_record, DATA.store)),
        OwnFile(Path(SOCKET), partial(_no_socket, Path(SOCKET))),
        *_of_the_conf(conf),
    )


def own_directories(conf: Conf) -> tuple[Path, ...]:
    """Return every directory in which asha makes files, temporary ones included."""
    found = [file.path.parent for file in own_files(conf)]
    return tuple(
        dict.fromkeys(
            [
                JOURNAL.parent,
                GRANT.parent,
                *found,
                CONF.parent,
                ALERTS_PASSING,
                Path.home() / ".ssh",
                Path(tempfile.gettempdir()),
            ]
        )
    )


def _of_the_conf(conf: Conf) -> Iterator[OwnFile]:
    """Yield the files that the conf names, and the conf file itself.

    The trouble of the conf file is reported by its reader (agent/active_conf.py), not here.
    """
    yield OwnFile(CONF, lambda: "")
    if "/" in conf.card_profile:
        yield OwnFile(Path(conf.card_profile), partial(_no_profile, conf.card_profile))
    if conf.panel_on:
        for path in (conf.panel_cert, conf.panel_key):
            file = StateFile(
                path, _pem, str, "the page cannot be served: 'asha panel certificate --renew'", stays=True
            )
            yield OwnFile(path, file.trouble)


def _grant(content: bytes) -> None:
    if content:  # the file exists from the first look on, and is empty until Heartbeat has spoken
        parse_grant(content)


def _mark(content: bytes) -> str:
    text = content.decode("ascii")
    if not MARK.fullmatch(text):
        raise ValueError("it is no mark")
    return text


def _private_key(content: bytes) -> str:
    if b"PRIVATE KEY" not in content:
        raise ValueError("it is no key")
    return content.decode("ascii")


def _public_key(content: bytes) -> str:
    try:
        return plain_key(content.decode())
    except AshaError as problem:
        raise ValueError(str(problem)) from None


def _known_hosts(content: bytes) -> tuple[str, ...]:
    if not (found := pinned_in(content.decode())):
        raise ValueError("it names no host key of the other node's")
    return found


def _token(content: bytes) -> str:
    if not _TOKEN.fullmatch(content):
        raise ValueError("it is no token's digest")
    return content.decode("ascii")


def _address(content: bytes) -> str:
    if not _ADDRESS.fullmatch(content):
        raise ValueError("it is no address")
    return content.decode("ascii")


def _pem(content: bytes) -> str:
    if b"-----BEGIN " not in content:
        raise ValueError("it is no PEM file")
    return content.decode("utf-8", "replace")


def _no_profile(name: str) -> str:
    try:
        load_profile(name)
    except AshaError as problem:
        return str(problem)
    return ""


def _not_plain(path: Path) -> str:
    """Return why a file is not a plain file; "" when it is plain or does not exist.

    The content of a lock does not matter.
    """
    try:
        descriptor = open_plain(path)
    except OSError as problem:
        return f"{path} is of no use ({problem.strerror}): another one is made"
    if descriptor is not None:
        os.close(descriptor)
    return ""


def _no_record(path: Path) -> str:
    instead = "the next pass sets it aside, and compares everything as if it were the first"
    try:
        descriptor = open_plain(path)
        if descriptor is None:
            return ""
        with os.fdopen(descriptor, "rb") as file:
            start = file.read(len(MAGIC))
    except OSError as problem:
        return f"{path} is of no use ({problem.strerror}): {instead}"
    return "" if start in (b"", MAGIC) else f"{path} is of no use (it is no SQLite database): {instead}"


def _no_socket(path: Path) -> str:
    try:
        there = stat.S_ISSOCK(os.lstat(path).st_mode)
    except FileNotFoundError:
        return f"{path} is gone: no command reaches this agent. Restart it"
    except OSError as problem:
        return f"{path} is of no use ({problem.strerror}): no command reaches this agent"
    return "" if there else f"{path} is no socket: no command reaches this agent. Restart it"
