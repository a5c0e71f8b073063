"""The messages between the agents over Heartbeat's own authenticated links (see `cluster/messages.py`)."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.cluster.engine import PeerMessage
from appliance.cluster.heartbeat.api import CLIENT_NAME, HeartbeatApi, parse_body
from appliance.cluster.messages import Mailbox, pack
from appliance.core.errors import ClusterError
from appliance.core.stranger import Sender

MESSAGE_TYPE = "asha"


def send(api: HeartbeatApi, fields: Mapping[str, str], now: float) -> None:
    """Send `fields` to every node, this one included; never blocks. `now`: monotonic seconds of this node.

    Raises ClusterError when Heartbeat is gone, and ValueError for a name that is no plain word or a message
    longer than LONGEST_MESSAGE.
    """
    if not api.signed_on:
        raise ClusterError("No message could be sent to the other node: not connected to Heartbeat.")
    api.send({"t": MESSAGE_TYPE, **pack(fields, now)})


class HeartbeatMailbox(Mailbox):
    """The receiver that finds the other node's messages among those of the API."""

    def accept(self, message: Mapping[str, str], now: float) -> PeerMessage | None:
        """Return `message` as a message of the other node; None when it is none, damaged, or overtaken.

        Every API message must be given to this method: it forgets the delays of a node whose agent has come
        or left.
        """
        event = agent_event(message, self._own)
        if event is not None:
            self.forget(event[0])
        if message.get("t") != MESSAGE_TYPE:
            return None
        return self.take_in(message.get("src", ""), message, now)


def agent_event(message: Mapping[str, str], own_node: str) -> tuple[str, bool] | None:
    """Return (node, True) when the other node's agent has signed on to Heartbeat, (node, False) when it left.

    Any other message gives None.
    """
    if message.get("t") != "hbapi-clstat" or message.get("from_id") != CLIENT_NAME:
        return None
    source, event = message.get("src", ""), message.get("st")
    if not source or source == own_node or event not in ("join", "leave"):
        return None
    return source, event == "join"


def sender_of(datagram: bytes) -> Sender | None:
    """Return who sent a datagram between two Heartbeats, by its own words; None when it is none.

    A Heartbeat numbers its starts: that is its generation, `hg`. Nothing here is encrypted.
    """
    try:
        fields = parse_body(datagram)
    except (ClusterError, ValueError):
        return None
    name = fields.get("src", "")
    return Sender(name, fields.get("hg", "")) if name else None
