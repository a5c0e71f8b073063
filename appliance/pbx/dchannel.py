"""The state of the D-channels, as Asterisk's console reports it, and the restart of their links."""

from __future__ import annotations

import re
from collections.abc import Callable

from appliance.config import Conf
from appliance.core.errors import AshaError, HostError
from appliance.core.model import DChannel
from appliance.core.reading import Known, Reading, Unknown
from appliance.host.process import find_program, run

# `PRI span 1/0: Provisioned, In Alarm, Down, Active` (Asterisk 1.4 to 18): the words after the colon are a
# set.
_SPAN = re.compile(r"^PRI span (?P<span>\d+)/\d+: (?P<words>.*)$", re.MULTILINE)


def read_dchannel(conf: Conf, now: Callable[[], float], deadline: float) -> Reading[DChannel]:
    """Return UP when the D-channel of every span of RHINOSPANS (empty: every PRI span) is up. Blocks.

    NONE when Asterisk has no PRI span. Unknown when its console does not answer. `deadline` is in seconds.
    """
    try:
        finished = run([find_program(conf.pbx_program), "-rx", "pri show spans"], deadline=deadline)
        if not finished.ok:
            return Unknown(finished.explain(), now())
        return Known(parse_spans(finished.output, conf.card_spans), now())
    except AshaError as problem:
        return Unknown(str(problem), now())


def parse_spans(text: str, wanted: tuple[int, ...]) -> DChannel:
    """Return the D-channel state from the output of `pri show spans`."""
    states = {int(match["span"]): _is_up(match["words"]) for match in _SPAN.finditer(text)}
    looked_at = [up for span, up in states.items() if not wanted or span in wanted]
    if not looked_at:
        return DChannel.NONE
    return DChannel.UP if all(looked_at) else DChannel.DOWN


def restart_spans(conf: Conf, deadline: float) -> None:
    """Have chan_dahdi drop its links and set them up again. Raises HostError.

    Blocks for at most `deadline` seconds. `dahdi restart` is chan_dahdi's own command: it hangs up all calls
    on its channels and opens the channels again.
    """
    finished = run([find_program(conf.pbx_program), "-rx", "dahdi restart"], deadline=deadline)
    if not finished.ok:
        raise HostError(f"The spans' links were not restarted: {finished.explain()}.")


def _is_up(words: str) -> bool:
    return "Up" in {word.strip() for word in words.split(",")}
