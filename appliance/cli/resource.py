"""Heartbeat's resource script resource.d/asha: quick to start, and never waiting for ever.

The script passes start, stop and status on to the agent, and does the work itself when the agent does not
answer.
"""

from __future__ import annotations

import os
import sys

from appliance.cli.script_work import carry_out, started_at
from appliance.cluster import resource
from appliance.cluster.resource import Answer, ScriptVerb


def main() -> None:
    """Run the script and exit with a status as Heartbeat judges it."""
    ticket = started_at()
    resource.reset_inheritance()
    verb = resource.parse_verb(sys.argv[1:])
    answer = resource.usage_answer() if verb is None else _answer(verb, ticket)
    if answer.output:
        print(answer.output, flush=True)
    # Python's own cleanup is not worth its milliseconds here.
    os._exit(answer.status)


def _answer(verb: ScriptVerb, ticket: float) -> Answer:
    found = carry_out(verb, ticket)
    if verb is ScriptVerb.STATUS and found is not None:
        return resource.status_answer(found)
    return resource.done_answer(bool(found))


if __name__ == "__main__":
    main()
