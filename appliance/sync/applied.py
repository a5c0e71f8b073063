"""Applying the values of the High Availability tab at the peer too, over the ssh channel.

The peer's end is cli.peer_questions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from appliance.core.errors import AshaError
from appliance.sync.question import ask_once
from appliance.sync.ssh import Ssh


def apply_at_peer(ssh: Ssh, name: str, values: Mapping[str, str], by: str) -> dict[str, Any]:
    """Have the peer, `name`, apply `values`, and return `{"ok": bool, "says": str}` about the result.

    `by` names the person or program that made the change. A value the peer did not take stays there as it
    was. HAMEDIA lines with ucast are not sent, see `_is_one_nodes`. Never raises AshaError.
    """
    shared = {key: value for key, value in values.items() if not _is_one_nodes(key, value)}
    own = f" HAMEDIA names a node's own way to its peer: set it on {name} itself." if shared != values else ""
    if not shared:
        return {"ok": False, "says": own.strip() or f"{name} was asked nothing."}
    try:
        answer = ask_once(ssh, "conf", {"values": shared, "by": by})
    except AshaError as problem:
        kept = f"{name} has not got it, and has what it had before"
        return {"ok": False, "says": f"{kept}: {problem} Save again when it can be reached.{own}"}
    return {"ok": not own, "says": f"{name}: {answer.get('says', '')}{own}"}


def _is_one_nodes(key: str, value: str) -> bool:
    """Return whether the value is valid on this node only, and must not be sent.

    With ucast, HAMEDIA names the address of the other node. Copied to the peer, that line would lead from the
    peer to itself.
    """
    return key == "HAMEDIA" and "ucast" in value.lower()
