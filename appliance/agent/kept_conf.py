"""A copy of the conf that this node last worked by.

With the copy, a spoilt conf file does not take the node out of the pair.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from appliance.config import which_node
from appliance.config.conf import Conf
from appliance.config.conf_file import load, read_source
from appliance.config.parse import parse
from appliance.core.alerts import one_line
from appliance.core.errors import AshaError, UserError
from appliance.host.paths import CONF, KEPT_CONF
from appliance.host.statefile import StateFile

_LENGTH = 600


class Found(NamedTuple):
    """A conf, and the reason why it is not that of the conf file; "" when it is."""

    conf: Conf
    problem: str = ""


def kept_file(path: Path = KEPT_CONF) -> StateFile[str]:
    """Return the copy at `path`, which holds the whole text of the conf file."""
    return StateFile(
        path,
        _parse,
        str,
        "a conf file that is spoilt takes this node out of the pair until the agent has read a good one",
    )


def load_or_kept(path: Path = CONF, kept: Path = KEPT_CONF) -> Found:
    """Load the conf file at `path`, or else the copy of the last good one.

    Times that contradict each other are good enough to run by, in the copy and, when there is none, in the file: they
    may have been right to the version of asha that made the pair.

    Raises what `load` raises for `path` when there is no good copy either.
    """
    try:
        return Found(_load(path))
    except AshaError as wrong:
        said = one_line(str(wrong), _LENGTH)
        text = kept_file(kept).load()
        conf = parse(text, to_run=True)
        if text and isinstance(conf, Conf):
            by = f"the conf it had before, kept in {kept}"
        else:
            conf, by = _run_by_the_file(path, wrong), "these times all the same"
        return Found(conf, f"{said} Until that is mended this node works by {by}.")


def _run_by_the_file(path: Path, wrong: AshaError) -> Conf:
    """Return what the file says if nothing but its times is wrong; else raise `wrong`."""
    try:
        return _load(path, to_run=True)
    except AshaError:
        raise wrong from None


def _load(path: Path, *, to_run: bool = False) -> Conf:
    """Load the conf file as `load` does, but refuse an empty file, which nobody has written on purpose.

    Raises AshaError.
    """
    conf = load(path, to_run=to_run)
    if not read_source(path).text.strip():
        raise UserError(f"The conf file {path} is empty.")
    return conf


def keep(path: Path = CONF, kept: Path = KEPT_CONF) -> None:
    """Keep the text of the conf file at `path` when it is right and names this machine.

    Blocking. Raises OSError when the disk refuses.
    """
    try:
        source = read_source(path)
    except AshaError:
        return  # the error is reported by those who need the file
    file, conf = kept_file(kept), source.judge()
    if not source.text.strip() or not isinstance(conf, Conf) or not _names_us(conf):
        return
    if file.load() != source.text:
        file.write(source.text.encode("utf-8", "surrogateescape"))


def _parse(content: bytes) -> str:
    text = content.decode("utf-8", "surrogateescape")
    if not text.strip() or not isinstance(parse(text, to_run=True), Conf):
        raise ValueError("it is no conf")
    return text


def _names_us(conf: Conf) -> bool:
    try:
        which_node(conf, os.uname().nodename)
    except UserError:
        return False
    return True
