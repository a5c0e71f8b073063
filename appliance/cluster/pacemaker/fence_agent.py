"""The interface between Pacemaker and the fence agent `fence_asha`: options in, words and exit status out.

Source: the API of fence agents (docs/facts/pacemaker.md, Fencing). Options come as `name=value` lines on standard
input, or as arguments for people. Pacemaker judges by the exit status; a fence agent that does not know answers 1. This
module is cheap to import.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

OK = 0
FAILED = 1

NAME = "fence_asha"
CUTS = ("off", "reboot")
# Seconds for which an answer is waited for when the device does not say.
PATIENCE = 30.0
_PATIENCE_LIMIT = 3600.0

_SHORT = {"-o": "action", "-n": "port", "--plug": "port", "--patience": "patience"}
_SAME = {"plug": "port", "option": "action"}


class Call(NamedTuple):
    """What Pacemaker asks the fence agent to do. `port`: the node's name; `patience`: seconds."""

    action: str = "off"
    port: str = ""
    patience: float = PATIENCE


def read_call(arguments: Sequence[str], lines: Iterable[str]) -> Call | None:
    """Return the call; None when its options cannot be understood.

    Args:
        arguments: Those of the program, without its name.
        lines: Standard input, read only when there are no arguments.
    """
    options = _of_arguments(arguments) if arguments else _of_lines(lines)
    if options is None:
        return None
    try:
        patience = float(options.get("patience") or PATIENCE)
    except ValueError:
        return None
    if not math.isfinite(patience) or not 0 < patience <= _PATIENCE_LIMIT:
        return None
    # Pacemaker names the node in both; `port` is what its host map makes of the name.
    return Call(options.get("action", "off"), options.get("port") or options.get("nodename", ""), patience)


def _of_lines(lines: Iterable[str]) -> dict[str, str]:
    pairs = (line.strip().partition("=") for line in lines)
    return {_SAME.get(name, name): value for name, sign, value in pairs if sign and not name.startswith("#")}


def _of_arguments(arguments: Sequence[str]) -> dict[str, str] | None:
    options: dict[str, str] = {}
    words = iter(arguments)
    for word in words:
        name, sign, value = word.partition("=")
        if word in _SHORT:
            options[_SHORT[word]] = next(words, "")
        elif name.startswith("--") and sign:
            options[_SHORT.get(name, name[2:])] = value
        else:
            return None
    return options
