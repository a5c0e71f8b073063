"""Conf file as it lies on the disk: its text, and whether the file can be trusted."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.config.conf import Conf
from appliance.config.parse import Assignment, ConfError, Problem, parse, scan
from appliance.config.schema import KEY_BY_NAME
from appliance.core.errors import HostError
from appliance.host.paths import CONF

_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class ConfFile:
    """Conf file that was read. `text` may hold lone surrogates where the file is not UTF-8."""

    path: Path
    text: str
    status: os.stat_result

    def judge(self, *, to_run: bool = False) -> Conf | tuple[Problem, ...]:
        """Return the values, or all problems: those of the file itself first. `to_run`: see `parse`."""
        verdict = parse(self.text, to_run=to_run)
        distrust = tuple(self._distrust())
        if isinstance(verdict, Conf):
            return distrust or verdict
        return distrust + verdict

    def _distrust(self) -> Iterator[Problem]:
        mode = stat.S_IMODE(self.status.st_mode)
        if mode & (stat.S_IWGRP | stat.S_IWOTH):
            found = f"the file's mode {mode:04o}"
            yield Problem("", found, 0, f"writable by its owner alone: chmod go-w {self.path}")
        if self.status.st_uid not in (0, os.geteuid()):
            found = f"the file's owner {self.status.st_uid}"
            yield Problem("", found, 0, f"root: chown root {self.path}")
        if mode & stat.S_IROTH:
            yield from self._open_secrets()

    def _open_secrets(self) -> Iterator[Problem]:
        for item in scan(self.text):
            key = KEY_BY_NAME.get(item.key) if isinstance(item, Assignment) else None
            if key is not None and key.secret and item.value:
                want = f"kept from other users: chmod o-r {self.path}"
                yield Problem(key.name, key.hide(item.value), item.line, want)


def read_source(path: Path) -> ConfFile:
    """Read the file at `path`; its status is taken from the same open file. Raises HostError."""
    try:
        data, status = _read(path)
    except OSError as problem:
        raise _unreadable(path, problem.strerror or str(problem)) from problem
    if len(data) > _LIMIT:
        raise _unreadable(path, "It is larger than 1 MiB")
    return ConfFile(path, data.decode("utf-8", "surrogateescape"), status)


def _read(path: Path) -> tuple[bytes, os.stat_result]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _unreadable(path, "It is not a plain file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(_LIMIT + 1), status
    finally:
        os.close(descriptor)


def _unreadable(path: Path, why: str) -> HostError:
    return HostError(
        f"The conf file {path} could not be read: {why}.",
        todo="The reference, docs/conf.md, says what belongs in it; the package brings one to begin with.",
    )


# Reading of `/etc/asha.conf`.


def load(path: Path = CONF, *, to_run: bool = False) -> Conf:
    """Return the values of the conf file at `path`.

    Args:
        path: The file.
        to_run: Take times that contradict each other too. Whoever changes or checks the file refuses them; whoever
            only works by it goes on, and the agent says what is wrong.

    Raises:
        ConfError: The file or its values have problems; it holds every one.
        HostError: There is no such file, or it cannot be read.
    """
    verdict = read_source(path).judge(to_run=to_run)
    if isinstance(verdict, Conf):
        return verdict
    raise ConfError(verdict, path=path)
