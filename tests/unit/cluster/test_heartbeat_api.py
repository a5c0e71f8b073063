from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.cluster.heartbeat.api import Decoder, Fields, HeartbeatApi, encode, is_listened_on
from appliance.cluster.heartbeat.messages import send
from appliance.cluster.heartbeat.watch import HeartbeatWatch
from appliance.core.errors import ClusterError
from appliance.core.model import Node


class Peer:
    """Heartbeat's end of the socket."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._decoder = Decoder()

    def heard(self) -> list[Fields]:
        return self._decoder.feed(self.connection.recv(65536))

    def say(self, **fields: str) -> None:
        self.connection.sendall(encode(fields))


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[tuple[HeartbeatApi, Peer]]:
    path = tmp_path / "register"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        with HeartbeatApi.connect((tmp_path / "absent", path)) as api:
            connection, _ = listener.accept()
            with connection:
                yield api, Peer(connection)


def signed_on(api: HeartbeatApi, peer: Peer) -> None:
    peer.heard()
    peer.say(t="hbapi-resp", reqtype="signon", result="OK", node="alpha")
    peer.say(t="hbapi-resp", reqtype="setfilter", result="OK")
    api.drain()


def test_sign_on_by_name_and_without_heartbeats(ends: tuple[HeartbeatApi, Peer]) -> None:
    api, peer = ends
    signon, setfilter = peer.heard()
    assert (signon["reqtype"], signon["from_id"]) == ("signon", "asha")
    assert (setfilter["reqtype"], setfilter["fmask"]) == ("setfilter", "1")
    assert not api.signed_on
    peer.say(t="hbapi-resp", reqtype="signon", result="OK", node="alpha")
    api.drain()
    assert api.signed_on
    assert api.node == "alpha"


def test_a_reply_carries_what_was_asked(ends: tuple[HeartbeatApi, Peer]) -> None:
    api, peer = ends
    signed_on(api, peer)
    api.ask("iflist", node="bravo")
    api.ask("nodestatus", node="bravo")
    peer.say(t="hbapi-resp", reqtype="iflist", ifname="eth0", st="up", result="ok/more")
    peer.say(t="status", st="dead", src="bravo")
    peer.say(t="hbapi-resp", reqtype="iflist", ifname="eth1", st="up", result="OK")
    peer.say(t="hbapi-resp", reqtype="nodestatus", st="active", result="OK")
    first, event, second, status = api.drain()
    assert first["node"] == second["node"] == status["node"] == "bravo"
    assert event == {"t": "status", "st": "dead", "src": "bravo"}


def test_refusal_says_what_ha_cf_lacks(ends: tuple[HeartbeatApi, Peer]) -> None:
    api, peer = ends
    peer.say(t="hbapi-resp", reqtype="signon", result="badreq", info="no default client auth")
    with pytest.raises(ClusterError, match="apiauth asha"):
        api.drain()
    assert api.closed


def test_the_last_words_come_before_the_end(ends: tuple[HeartbeatApi, Peer]) -> None:
    api, peer = ends
    signed_on(api, peer)
    peer.say(t="status", st="dead", src="bravo")
    peer.connection.close()
    assert [message["t"] for message in api.drain()] == ["status"]
    with pytest.raises(ClusterError, match="lost"):
        api.drain()
    assert api.closed
    assert api.drain() == []


def test_sending_never_blocks(ends: tuple[HeartbeatApi, Peer]) -> None:
    api, peer = ends
    signed_on(api, peer)
    with pytest.raises(ClusterError, match="stopped reading"):
        for _ in range(10_000):
            send(api, {"k": "x" * 900}, 1.0)
    assert api.wants_write
    while api.wants_write:
        peer.heard()
        api.flush()
    send(api, {"k": "last"}, 2.0)
    while peer.heard()[-1]["a.k"] != "last":
        api.flush()


def test_nothing_is_sent_before_sign_on_or_after_the_end(ends: tuple[HeartbeatApi, Peer]) -> None:
    api, _ = ends
    with pytest.raises(ClusterError, match="not connected"):
        send(api, {"k": "v"}, 1.0)
    api.close()
    api.close()
    with pytest.raises(ClusterError, match="closed"):
        api.send({"t": "asha"})


def test_a_connection_lost_while_the_peer_is_told_something_is_made_again(
    ends: tuple[HeartbeatApi, Peer], tmp_path: Path
) -> None:
    """No end of the stream is read then, because the connection is closed already: the node was deaf for ever."""
    api, peer = ends
    signed_on(api, peer)
    watch = HeartbeatWatch(Node.PRIMARY, "alpha", "bravo", list, tmp_path)
    watch._api = api
    assert watch.sources() == (api,)
    peer.connection.close()
    watch.tell({"role": "active"}, 1.0)
    assert watch.sources() == ()
    watch.look(2.0)
    assert watch._api is None, "so the next look at a Heartbeat that runs connects"


def test_rubbish_closes(ends: tuple[HeartbeatApi, Peer]) -> None:
    api, peer = ends
    peer.connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    with pytest.raises(ClusterError, match="not a Heartbeat message"):
        api.drain()
    assert api.closed


def test_nobody_listens(tmp_path: Path) -> None:
    stale = tmp_path / "register"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(stale))
    assert not is_listened_on((stale, tmp_path / "absent"))
    with pytest.raises(ClusterError, match="does not answer"):
        HeartbeatApi.connect((stale, tmp_path / "absent"))
