"""Which calls are up, as Asterisk's console reports it."""

from __future__ import annotations

import re
from collections.abc import Callable

from appliance.config import Conf
from appliance.core.errors import AshaError
from appliance.core.reading import Known, Reading, Unknown
from appliance.host.process import find_program, run

# The last lines of `core show channels`: `2 active channels`, `1 active call` (Asterisk 1.4 to 18). A call that is
# still ringing has a channel already.
_ACTIVE = re.compile(r"^(\d+) active (?:channel|call)s?$", re.MULTILINE)


def read_calls(conf: Conf, now: Callable[[], float], deadline: float) -> Reading[int]:
    """Return how many calls are up or being set up. Blocks for at most `deadline` seconds.

    Unknown when the console does not answer or says something else.
    """
    said = _said(conf, "core show channels", now, deadline)
    if isinstance(said, Unknown):
        return said
    counts = [int(count) for count in _ACTIVE.findall(said.value)]
    return Known(max(counts), now()) if counts else Unknown("the console counts no channels", now())


def read_channels(conf: Conf, now: Callable[[], float], deadline: float) -> Reading[frozenset[str]]:
    """Return the names of the channels in calls; each name is used once. Blocks for at most `deadline` seconds.

    Unknown when the console does not answer or says something else.
    """
    said = _said(conf, "core show channels concise", now, deadline)
    if isinstance(said, Unknown):
        return said
    lines = [line for line in said.value.splitlines() if line.strip()]
    if any("!" not in line for line in lines):
        return Unknown(f"the console lists no channels: {lines[0]}", now())
    return Known(frozenset(line.split("!")[0] for line in lines), now())


def hang_up(conf: Conf, now: Callable[[], float], deadline: float) -> bool:
    """Have all calls end, with a word to each telephone; return False when the console has not taken that.

    Blocks for at most `deadline` seconds.
    """
    return isinstance(_said(conf, "channel request hangup all", now, deadline), Known)


def _said(conf: Conf, command: str, now: Callable[[], float], deadline: float) -> Reading[str]:
    """Return what the console answers to `command`."""
    try:
        finished = run([find_program(conf.pbx_program), "-rx", command], deadline=deadline)
    except AshaError as problem:
        return Unknown(str(problem), now())
    return Known(finished.output, now()) if finished.ok else Unknown(finished.explain(), now())
