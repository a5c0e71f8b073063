"""What the engine's scripts do: pass a verb on to the agent, and do the work themselves when it does not answer."""

from __future__ import annotations

import contextlib
import os
import sys

from appliance.cluster.resource import ScriptVerb
from appliance.control.client import AgentAbsent, AgentSilent, ask
from appliance.core.errors import AshaError

# Seconds. The agent answers a start at once, and a stop when everything is let go, after some 30 s at most.
# An agent that stays silent for longer hangs: then the script does the work itself.
_START_PATIENCE = 2.0
_STOP_PATIENCE = 40.0
_STATUS_PATIENCE = 1.0
_STAT = 4096  # bytes of /proc/PID/stat, which is one line


def carry_out(verb: ScriptVerb, ticket: float) -> bool | None:
    """Carry out `verb`; return whether it is done, or for STATUS whether service is held; None when that is not known.

    Text for people goes to standard error, and so into the engine's log.

    Args:
        verb: What the engine asks.
        ticket: Seconds since boot at which the script was started.
    """
    absent = False
    try:
        return _by_agent(verb, ticket)
    except (AgentAbsent, AgentSilent) as problem:
        absent = isinstance(problem, AgentAbsent)
        _complain(f"{problem} The script does the work itself.")
    except AshaError as problem:
        return _failed(verb, problem)
    return _alone(verb, ticket, ask_again=absent)


def _by_agent(verb: ScriptVerb, ticket: float) -> bool:
    if verb is ScriptVerb.STATUS:
        return bool(ask("running", deadline=_STATUS_PATIENCE)["running"])
    patience = _START_PATIENCE if verb is ScriptVerb.START else _STOP_PATIENCE
    ask(verb.value, deadline=patience, ticket=ticket)
    return True


def _alone(verb: ScriptVerb, ticket: float, *, ask_again: bool) -> bool | None:
    """Do the agent's work without the agent.

    `ask_again`: no agent was there, but one may have started while the modules were loaded, so it is asked
    once more.
    """
    from appliance.agent.resource_fallback import ResourceFallback  # noqa: PLC0415 - 200 ms, needed only without an agent
    from appliance.core import grant  # noqa: PLC0415
    from appliance.host.clock import SystemClock  # noqa: PLC0415

    try:
        alone = ResourceFallback(SystemClock())
        with contextlib.suppress(AgentAbsent, AgentSilent):
            if ask_again:
                return _by_agent(verb, ticket)
        if verb is ScriptVerb.STATUS:
            return alone.running()
        alone.execute(grant.Verb(verb.value), ticket)
    except (AshaError, OSError) as problem:
        return _failed(verb, problem)
    return True


def _failed(verb: ScriptVerb, problem: Exception) -> bool | None:
    _complain(str(problem))
    return None if verb is ScriptVerb.STATUS else False


def _complain(problem: str) -> None:
    print(f"asha: {problem}", file=sys.stderr, flush=True)


def started_at() -> float:
    """Return when this process was started, in seconds since boot: the ticket of this call.

    Source: proc(5), field 22 of stat.
    """
    with open("/proc/self/stat", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - pathlib costs 10 ms
        fields = file.read(_STAT).rpartition(")")[2].split()
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")
