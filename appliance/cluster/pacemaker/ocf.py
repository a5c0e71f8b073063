"""The interface between Pacemaker and the resource agent `ocf:asha:service`: words in, words and exit status out.

Pacemaker calls the agent with one action. It judges start and stop by exit status; `monitor` answers 0 for a service
that is held here and 7 for one that is not. Source: the OCF resource agent API 1.1. This module is cheap to import.
"""

from __future__ import annotations

from collections.abc import Sequence

from appliance.cluster.resource import Answer, ScriptVerb

OK = 0
FAILED = 1
UNIMPLEMENTED = 3
NOT_CONFIGURED = 6
NOT_RUNNING = 7

VERBS = {
    "start": ScriptVerb.START,
    "stop": ScriptVerb.STOP,
    "monitor": ScriptVerb.STATUS,
    "status": ScriptVerb.STATUS,
}


def action(argv: Sequence[str]) -> str:
    """Return the action that the call in `argv` (without the program's name) asks for, "" when there is none."""
    return argv[0] if argv else ""


def answer(verb: ScriptVerb, found: bool | None) -> Answer:
    """Return the answer to `verb`.

    `found`: whether it is done, or whether service is held; None when that could not be found out, which is a failure.
    """
    if verb is ScriptVerb.STATUS and found is False:
        return Answer("", NOT_RUNNING)
    return Answer("", OK if found else FAILED)
