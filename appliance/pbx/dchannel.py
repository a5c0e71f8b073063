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

_DESTROY, _CREATE = "pri destroy span", "dahdi create channels"
_UNKNOWN = "No such command"


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
    looked_at = [up for span, up in _links(text).items() if not wanted or span in wanted]
    if not looked_at:
        return DChannel.NONE
    if all(looked_at):
        return DChannel.UP
    return DChannel.PARTLY if any(looked_at) else DChannel.DOWN


def restart_spans(conf: Conf, deadline: float) -> None:
    """Have chan_dahdi drop the links that are down and set them up again. Raises HostError.

    Each command is given at most `deadline` seconds. While another span's link is up, only those that are down are
    restarted, where Asterisk can do that (12 and newer, docs/facts/pri-timing.md). Else `dahdi restart` ends all calls
    on chan_dahdi's channels and opens the channels again.
    """
    links = _links(_console(conf, "pri show spans", deadline))
    down = [span for span, up in links.items() if not up and (not conf.card_spans or span in conf.card_spans)]
    if down and any(links.values()) and _restart_only(conf, down, deadline):
        return
    _console(conf, "dahdi restart", deadline)


def _restart_only(conf: Conf, spans: list[int], deadline: float) -> bool:
    """Restart the links of `spans` alone; return False when this Asterisk cannot."""
    helped = [_console(conf, f"core show help {command}", deadline) for command in (_DESTROY, _CREATE)]
    if any(_UNKNOWN in said for said in helped):
        return False
    for span in spans:
        _console(conf, f"{_DESTROY} {span}", deadline)
    _console(conf, f"{_CREATE} new", deadline)
    return True


def _console(conf: Conf, command: str, deadline: float) -> str:
    """Return what Asterisk's console answers. Raises HostError when it does not."""
    finished = run([find_program(conf.pbx_program), "-rx", command], deadline=deadline)
    if not finished.ok:
        raise HostError(f"The spans' links were not restarted: {finished.explain()}.")
    return finished.output


def _links(text: str) -> dict[int, bool]:
    return {int(match["span"]): _is_up(match["words"]) for match in _SPAN.finditer(text)}


def _is_up(words: str) -> bool:
    return "Up" in {word.strip() for word in words.split(",")}
