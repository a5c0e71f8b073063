"""Heartbeat's resource script resource.d/asha: quick to start, and never waiting for ever.

The script passes start, stop and status on to the agent, and does the work itself when the agent does not
answer.
"""

from __future__ import annotations

import contextlib
import os
import sys

from appliance.cluster.heartbeat import resource
from appliance.cluster.heartbeat.resource import Answer, ScriptVerb
from appliance.control.client import AgentAbsent, AgentSilent, ask
from appliance.core.errors import AshaError

# Seconds. The agent answers a start at once, and a stop when everything is let go, after some 30 s at most.
# An agent that stays silent for longer hangs: then the script does the work itself.
_START_PATIENCE = 2.0
_STOP_PATIENCE = 40.0
_STATUS_PATIENCE = 1.0
_STAT = 4096  # bytes of /proc/PID/stat, which is one line


def main() -> None:
    """Run the script and exit with a status as Heartbeat judges it.

    Text for people goes to standard error, and so into Heartbeat's log.
    """
    ticket = _started_at()
    resource.reset_inheritance()
    verb = resource.parse_verb(sys.argv[1:])
    answer = resource.usage_answer() if verb is None else _answer(verb, ticket)
    if answer.output:
        print(answer.output, flush=True)
    # Python's own cleanup is not worth its milliseconds here.
    os._exit(answer.status)


def _answer(verb: ScriptVerb, ticket: float) -> Answer:
    absent = False
    try:
        return _by_agent(verb, ticket)
    except (AgentAbsent, AgentSilent) as problem:
        absent = isinstance(problem, AgentAbsent)
        print(f"asha: {problem} The script does the work itself.", file=sys.stderr, flush=True)
    except AshaError as problem:
        print(f"asha: {problem}", file=sys.stderr, flush=True)
        return resource.done_answer(False)
    return _alone(verb, ticket, ask_again=absent)


def _by_agent(verb: ScriptVerb, ticket: float) -> Answer:
    if verb is ScriptVerb.STATUS:
        return resource.status_answer(bool(ask("running", deadline=_STATUS_PATIENCE)["running"]))
    patience = _START_PATIENCE if verb is ScriptVerb.START else _STOP_PATIENCE
    ask(verb.value, deadline=patience, ticket=ticket)
    return resource.done_answer(True)


def _alone(verb: ScriptVerb, ticket: float, *, ask_again: bool) -> Answer:
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
            return resource.status_answer(alone.running())
        alone.execute(grant.Verb(verb.value), ticket)
    except (AshaError, OSError) as problem:
        print(f"asha: {problem}", file=sys.stderr, flush=True)
        return resource.done_answer(False)
    return resource.done_answer(True)


def _started_at() -> float:
    """Return when this process was started, in seconds since boot: the ticket of this call.

    Source: proc(5), field 22 of stat.
    """
    with open("/proc/self/stat", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - pathlib costs 10 ms
        fields = file.read(_STAT).rpartition(")")[2].split()
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
