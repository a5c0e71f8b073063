from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.cluster.heartbeat.api import Decoder, encode, parse_body
from appliance.core.errors import ClusterError

NAMES = st.text("abcdefghijklmnopqrstuvwxyz_.", min_size=1, max_size=8)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=30)
MESSAGES = st.dictionaries(NAMES, VALUES, max_size=6)


@settings(max_examples=30)
@given(st.lists(MESSAGES, max_size=3), st.data())
def test_messages_survive_any_cut(messages: list[dict[str, str]], data: st.DataObject) -> None:
    stream = b"".join(encode(message) for message in messages)
    decoder, seen = Decoder(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        seen += decoder.feed(stream[:size])
        stream = stream[size:]
    assert seen == messages


@given(st.binary(max_size=200))
def test_rubbish_gives_messages_or_a_cluster_error(rubbish: bytes) -> None:
    with contextlib.suppress(ClusterError):
        for message in Decoder().feed(rubbish):
            assert isinstance(message, dict)


@given(st.binary(max_size=200))
def test_any_body_is_parsed(body: bytes) -> None:
    assert all(isinstance(name, str) for name in parse_body(body))


@pytest.mark.parametrize("header", [(8, 0xABCE), (300 * 1024, 0xABCD)])
def test_a_frame_that_is_none_is_refused(header: tuple[int, int]) -> None:
    with pytest.raises(ClusterError):
        Decoder().feed(struct.pack("=II", *header) + b"x" * 8)


def test_netstrings_and_their_other_types() -> None:
    body = b"###\n12:(0)t=hbapi-x,10:(1)uuid=ab,8:(0)k=v=w,0:,"
    assert parse_body(body) == {"t": "hbapi-x", "k": "v=w"}


@pytest.mark.parametrize("value", ["a\nb", "a\0b"])
def test_what_would_break_the_frame_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="newline"):
        encode({"k": value})
