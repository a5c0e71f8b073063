"""Pacemaker's resource agent ocf:asha:service: quick to start, and never waiting for ever.

It has the contract of Heartbeat's resource script (`cli/resource.py`), in the words of OCF.
"""

from __future__ import annotations

import os
import sys

from appliance.cli.script_work import carry_out, started_at
from appliance.cluster import resource
from appliance.cluster.pacemaker import ocf
from appliance.cluster.resource import Answer


def main() -> None:
    """Run the agent and exit with a status as Pacemaker judges it."""
    ticket = started_at()
    resource.reset_inheritance()
    answer = _answer(ocf.action(sys.argv[1:]), ticket)
    if answer.output:
        print(answer.output, flush=True)
    # Python's own cleanup is not worth its milliseconds here.
    os._exit(answer.status)


def _answer(action: str, ticket: float) -> Answer:
    if action == "validate-all":
        return _validate()
    if action not in ocf.VERBS:
        return Answer("usage: service start|stop|monitor|meta-data|validate-all", ocf.UNIMPLEMENTED)
    verb = ocf.VERBS[action]
    return ocf.answer(verb, carry_out(verb, ticket))


def _validate() -> Answer:
    """Tell whether this machine is a node of a pair by its conf file."""
    from appliance.agent.active_conf import read_this_node  # noqa: PLC0415 - 200 ms that only this action needs
    from appliance.core.errors import AshaError  # noqa: PLC0415

    try:
        read_this_node()
    except AshaError as problem:
        print(f"asha: {problem}", file=sys.stderr, flush=True)
        return Answer("", ocf.NOT_CONFIGURED)
    return Answer("", ocf.OK)


if __name__ == "__main__":
    main()
