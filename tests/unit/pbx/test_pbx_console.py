"""What Asterisk's console says of D-channels, in the formats of 1.4 to 18."""

from __future__ import annotations

import pytest

from appliance.config import Conf
from appliance.core.model import DChannel
from appliance.pbx.dchannel import parse_spans
from appliance.pbx.probes import options, probes_for


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("PRI span 1/0: Provisioned, Up, Active\n", DChannel.UP),
        ("PRI span 1/0: Up, Active\n", DChannel.UP),
        ("PRI span 1/0: Provisioned, In Alarm, Up, Active\n", DChannel.UP),
        ("PRI span 1/0: Provisioned, In Alarm, Down, Active\n", DChannel.DOWN),
        ("PRI span 1/0: Down, Active\n", DChannel.DOWN),
        ("PRI span 1/0: Provisioned, Down, Standby\n", DChannel.DOWN),
        ("PRI span 1/0: Up, Active\nPRI span 2/0: Down, Active\n", DChannel.DOWN),
        ("", DChannel.NONE),
        ("No such command 'pri show spans' (type 'core show help pri show' for help)\n", DChannel.NONE),
    ],
)
def test_pri_show_spans(text: str, state: DChannel) -> None:
    assert parse_spans(text, ()) is state


def test_only_the_spans_of_the_relay_count() -> None:
    text = "PRI span 1/0: Up, Active\nPRI span 2/0: Down, Active\n"
    assert parse_spans(text, (1,)) is DChannel.UP
    assert parse_spans(text, (2,)) is DChannel.DOWN
    assert parse_spans(text, (3,)) is DChannel.NONE


def test_an_options_request_is_whole() -> None:
    text = options("10.0.0.1:40000", "10.0.0.9:5060", "a" * 32).decode()
    assert text.endswith("\r\n\r\n")
    for header in ("Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length"):
        assert f"\r\n{header}: " in text


def test_probes_are_those_that_are_switched_on() -> None:
    def names(conf: Conf) -> list[str]:
        return [probe.name for probe in probes_for(conf)]

    assert names(Conf()) == ["cli", "sip"]
    assert names(Conf(ami_user="asha", sip_port=0)) == ["cli", "ami"]
