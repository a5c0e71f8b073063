from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from appliance.cluster.engine import PeerMessage
from appliance.cluster.heartbeat.api import Decoder, encode
from appliance.cluster.heartbeat.messages import HeartbeatMailbox, sender_of
from appliance.cluster.messages import LONGEST_MESSAGE, pack, unpack
from appliance.core.stranger import Sender

NAMES = st.text("ABCXYZabcxyz", min_size=1, max_size=8)
FIELDS = st.dictionaries(NAMES, st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=5)


def arriving(sent: float, source: str = "bravo", **fields: str) -> dict[str, str]:
    return {"t": "asha", "src": source, "seq": "1f", **pack(fields, sent)}


@settings(max_examples=40)
@given(FIELDS)
def test_any_text_survives_the_wire(fields: dict[str, str]) -> None:
    frame = encode({"t": "asha", **pack(fields, 12.5)})
    (message,) = Decoder().feed(frame)
    assert unpack(message) == fields


@pytest.mark.parametrize("name", ["", "at", "a=b", "a\nb", "1st", "ä"])
def test_names_are_plain_words(name: str) -> None:
    with pytest.raises(ValueError, match="field name"):
        pack({name: "v"}, 0.0)


def test_too_long_is_refused_escapes_counted() -> None:
    with pytest.raises(ValueError, match=str(LONGEST_MESSAGE)):
        pack({"k": "é" * (LONGEST_MESSAGE // 4)}, 0.0)


def test_only_the_other_nodes_messages_count() -> None:
    mailbox = HeartbeatMailbox("alpha")
    assert mailbox.accept(arriving(1.0, source="alpha", k="v"), 2.0) is None
    assert mailbox.accept({"t": "status", "src": "bravo", "st": "dead"}, 2.0) is None
    assert mailbox.accept({"t": "asha", "src": "bravo", "a.k": "v", "a.at": "nan"}, 2.0) is None
    assert mailbox.accept(arriving(1.0, k="v"), 2.0) == PeerMessage("bravo", {"k": "v"}, 2.0)


def test_what_heartbeat_sent_again_shows_its_age() -> None:
    mailbox = HeartbeatMailbox("alpha")
    for second in range(5):
        mailbox.accept(arriving(1000.0 + second), 50.1 + second)
    late = mailbox.accept(arriving(1005.0, line="clear"), 58.1)
    assert late is not None
    assert late.at == pytest.approx(55.1, abs=0.01)


def test_an_overtaken_message_is_dropped() -> None:
    mailbox = HeartbeatMailbox("alpha")
    assert mailbox.accept(arriving(1006.0), 58.0)
    assert mailbox.accept(arriving(1005.0), 58.0) is None
    assert mailbox.accept(arriving(1006.0), 58.0) is None


def test_a_rebooted_node_and_a_restarted_agent_begin_anew() -> None:
    mailbox = HeartbeatMailbox("alpha")
    mailbox.accept(arriving(5000.0), 100.0)
    rebooted = mailbox.accept(arriving(20.0), 160.0)
    assert rebooted is not None
    assert rebooted.at == 160.0
    join = {"t": "hbapi-clstat", "src": "bravo", "st": "join", "from_id": "asha"}
    mailbox.accept(join, 161.0)
    assert mailbox.accept(arriving(5.0), 162.0) is not None


@given(st.lists(st.tuples(st.floats(0.1, 5), st.floats(0, 3)), min_size=1, max_size=20), st.floats(0, 1e6))
def test_a_message_is_never_younger_than_it_was_nor_from_the_future(
    steps: list[tuple[float, float]], offset: float
) -> None:
    """Whatever the delays: at most now, and at least as old as its delay beyond the quickest so far."""
    mailbox, true_time, quickest, arrived = HeartbeatMailbox("alpha"), 0.0, float("inf"), 0.0
    for gap, delay in steps:
        true_time += gap
        now = max(arrived, true_time + delay)
        arrived, took = now, now - true_time
        message = mailbox.accept(arriving(true_time + offset), now)
        assume(message is not None)
        assert message is not None
        quickest = min(quickest, took)
        assert message.at <= now + 1e-6
        assert now - message.at <= took - quickest + 0.01


def test_the_sender_of_a_datagram_is_read_in_both_forms() -> None:
    assert sender_of(b">>>\nt=status\nsrc=alpha\n(1)srcuuid=xx\nhg=6a\n<<<\n") == Sender("alpha", "6a")
    assert sender_of(b"###\n9:(0)t=word,12:(0)src=alpha,8:(0)hg=6a,%%%\n") == Sender("alpha", "6a")
    assert sender_of(b"something else") is None
    assert sender_of(b"") is None


@given(st.binary(max_size=60))
def test_whatever_comes_to_the_port_is_read_or_refused(datagram: bytes) -> None:
    for start in (b"", b">>>\n", b"###\n"):
        sender = sender_of(start + datagram)
        assert sender is None or sender.name
