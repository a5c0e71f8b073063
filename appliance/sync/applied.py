"""The tab's values put into force at the peer too, over the ssh channel; see cli.peer_questions for the other end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from appliance.core.errors import AshaError
from appliance.sync.question import ask_once
from appliance.sync.ssh import Ssh


def apply_at_peer(ssh: Ssh, name: str, values: Mapping[str, str], by: str) -> dict[str, Any]:
    """`{"ok", "says"}`: how the peer, `name`, took `values`. When it did not, it has what it had. Never raises."""
    try:
        answer = ask_once(ssh, "conf", {"values": dict(values), "by": by})
    except AshaError as problem:
        return {
            "ok": False,
            "says": f"{name} has not got it, and has what it had before: {problem} Save again when it can be reached.",
        }
    return {"ok": True, "says": f"{name}: {answer.get('says', '')}"}
