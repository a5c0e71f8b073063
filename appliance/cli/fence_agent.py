"""Pacemaker's fence agent fence_asha: asks asha's agent whether the other node is gone, and knows nothing itself.

Whatever goes wrong is a failure: to an engine an answer that is not a plain yes is a no.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence

from appliance.cluster.pacemaker import fence_agent
from appliance.cluster.pacemaker.fence_agent import Call
from appliance.cluster.resource import Answer, reset_inheritance
from appliance.control.client import ask
from appliance.core.errors import AshaError

_SHORTLY = 5.0
_MOST_INPUT = 65536


def main() -> None:
    """Run the agent and exit with a status as Pacemaker judges it."""
    reset_inheritance()
    lines = () if len(sys.argv) > 1 else sys.stdin.read(_MOST_INPUT).splitlines()
    answer = answer_to(sys.argv[1:], lines)
    if answer.output:
        print(answer.output, flush=True)
    # Python's own cleanup is not worth its milliseconds here.
    os._exit(answer.status)


def answer_to(arguments: Sequence[str], lines: Iterable[str]) -> Answer:
    """Return the answer to the options in `arguments`, or else in the `lines` of standard input."""
    call = fence_agent.read_call(arguments, lines)
    if call is None:
        return _no("the options are not understood")
    try:
        return _by_agent(call)
    except (AshaError, OSError, TypeError, LookupError) as problem:
        return _no(str(problem))


def _by_agent(call: Call) -> Answer:
    """Ask the agent. Raises what an agent that is gone, silent or of another version makes of it."""
    if call.action in fence_agent.CUTS:
        says = ask("peer gone", deadline=call.patience, node=call.port)["says"]
        print(f"{fence_agent.NAME}: {says}", file=sys.stderr, flush=True)
        return Answer("", fence_agent.OK)
    if call.action in ("monitor", "validate-all"):
        ask("running", deadline=_SHORTLY)
        return Answer("", fence_agent.OK)
    if call.action in ("status", "list"):
        peer = ask("status", deadline=_SHORTLY)["peer"]
        if call.action == "list":
            return Answer(f"{peer['name']},", fence_agent.OK)
        # Silence is not off: only a node that is heard is known to be anything.
        return Answer("", fence_agent.OK) if peer["alive"]["value"] is True else _no("its power is not known")
    return _no(f"it has no action {call.action!r}: it puts no power on")


def _no(why: str) -> Answer:
    print(f"{fence_agent.NAME}: {why}", file=sys.stderr, flush=True)
    return Answer("", fence_agent.FAILED)


if __name__ == "__main__":
    main()
