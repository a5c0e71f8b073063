"""The tab's values put into force at the peer too, over the ssh channel; see cli.peer_questions for the other end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from appliance.core.errors import AshaError
from appliance.sync.question import ask_once
from appliance.sync.ssh import Ssh


def apply_at_peer(ssh: Ssh, name: str, values: Mapping[str, str], by: str) -> dict[str, Any]:
    """`{"ok", "says"}`: how the peer, `name`, took `values`. What it did not take is as it was there. Never raises."""
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
    """With ucast each node names the other's address: there, ours would be a way to itself."""
    return key == "HAMEDIA" and "ucast" in value.lower()
