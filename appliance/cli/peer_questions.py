"""Questions of the peer besides those for data: to take over the tab's values, and the cluster's secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, BinaryIO

from appliance.cli.this_node import CONF_PATH
from appliance.config.edit import set_values
from appliance.config.tab import checked_values
from appliance.control.client import AgentAbsent, ask
from appliance.core.alert import one_line
from appliance.core.document import parse_object
from appliance.core.errors import AshaError, ClusterError, UserError
from appliance.core.model import Node
from appliance.host.bounded import read_line

Message = dict[str, Any]
# Bytes: a question is a handful of short values.
_LONGEST = 64 * 1024
_PATIENCE = 20.0


def answer_one(verb: str, node: Node, asked: BinaryIO, answered: BinaryIO) -> None:
    """Answer the one question on `asked`, a JSON object on one line, by another such line on `answered`."""
    try:
        request = _read(asked)
        answer = {"ok": True, **(_secret(node) if verb == "secret" else _conf(request))}
    except AshaError as problem:
        answer = {"ok": False, "says": str(problem)}
    answered.write(json.dumps(answer).encode() + b"\n")
    answered.flush()


def _read(asked: BinaryIO) -> Message:
    try:
        return parse_object(read_line(asked, _LONGEST, "The peer"))
    except ValueError:
        raise UserError("That was no question.") from None


def _conf(request: Mapping[str, Any]) -> Message:
    """Set the values in `request`, through the agent when one runs, else in the file.

    Only keys of the High Availability tab are accepted, whatever the peer believes.
    """
    values = checked_values(request.get("values"))
    by = one_line(str(request.get("by", "")) or "the peer")
    try:
        answer = ask("conf set", values=values, by=by, deadline=_PATIENCE)
    except AgentAbsent:
        edit = set_values(CONF_PATH, values)
        return {"says": "Saved; no agent runs there.", "diff": edit.diff}
    return {"says": str(answer["says"]), "diff": str(answer["diff"])}


def _secret(node: Node) -> Message:
    """Return the secret that protects the messages of the HA engine.

    Only the primary gives the secret away, because the primary makes it.
    """
    if node is not Node.PRIMARY:
        raise ClusterError("Only the primary gives the cluster's secret away.")
    from appliance.cluster.installed import installed_engine  # noqa: PLC0415

    method, secret = installed_engine().secret()
    return {"method": method, "secret": secret}
