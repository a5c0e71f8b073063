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

    Raises what `load` raises for `path` when there is no good copy either.
    """
    try:
        return Found(_load(path))
    except AshaError as wrong:
        text = kept_file(kept).load()
        conf = parse(text)
        if not text or not isinstance(conf, Conf):
            raise
        said = one_line(str(wrong), _LENGTH)
        return Found(
            conf, f"{said} Until that is mended this node works by the conf it had before, kept in {kept}."
        )


def _load(path: Path) -> Conf:
    """Load the conf file as `load` does, but refuse an empty file, which nobody has written on purpose.

    Raises AshaError.
    """
    conf = load(path)
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
    if not text.strip() or not isinstance(parse(text), Conf):
        raise ValueError("it is no conf")
    return text


def _names_us(conf: Conf) -> bool:
    try:
        which_node(conf, os.uname().nodename)
    except UserError:
        return False
    return True
