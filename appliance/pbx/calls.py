"""How many calls are up, as Asterisk's console reports it."""

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
    try:
        finished = run([find_program(conf.pbx_program), "-rx", "core show channels"], deadline=deadline)
    except AshaError as problem:
        return Unknown(str(problem), now())
    if not finished.ok:
        return Unknown(finished.explain(), now())
    counts = [int(count) for count in _ACTIVE.findall(finished.output)]
    return Known(max(counts), now()) if counts else Unknown("the console counts no channels", now())
