"""What Asterisk's console says of D-channels, in the formats of 1.4 to 18."""

from __future__ import annotations

import asyncio
import socket

import pytest

from appliance.config import Conf
from appliance.core.model import DChannel
from appliance.core.reading import Known, Reading
from appliance.pbx.dchannel import parse_spans
from appliance.pbx.probes import SipProbe, bye, probes_for


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("PRI span 1/0: Provisioned, Up, Active\n", DChannel.UP),
        ("PRI span 1/0: Up, Active\n", DChannel.UP),
        ("PRI span 1/0: Provisioned, In Alarm, Up, Active\n", DChannel.UP),
        ("PRI span 1/0: Provisioned, In Alarm, Down, Active\n", DChannel.DOWN),
        ("PRI span 1/0: Down, Active\n", DChannel.DOWN),
        ("PRI span 1/0: Provisioned, Down, Standby\n", DChannel.DOWN),
        ("PRI span 1/0: Up, Active\nPRI span 2/0: Down, Active\n", DChannel.PARTLY),
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


def test_the_question_by_sip_is_whole() -> None:
    text = bye("10.0.0.1:40000", "10.0.0.9:5060", "a" * 32).decode()
    assert text.endswith("\r\n\r\n")
    for header in ("Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length"):
        assert f"\r\n{header}: " in text


def test_probes_are_those_that_are_switched_on() -> None:
    def names(conf: Conf) -> list[str]:
        return [probe.name for probe in probes_for(conf)]

    assert names(Conf()) == ["cli", "sip"]
    assert names(Conf(ami_user="asha", sip_port=0)) == ["cli", "ami"]


def test_a_far_asterisk_may_answer_from_another_of_its_addresses() -> None:
    """As one does that listens on 0.0.0.0: the kernel takes the first address of the interface."""

    async def play() -> tuple[Reading[str], str]:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
        ):
            for server, ip in ((asked, "127.0.0.2"), (other, "127.0.0.3")):
                server.bind((ip, 0))
                server.setblocking(False)
            loop = asyncio.get_running_loop()
            probe = SipProbe(asked.getsockname()[1], 5.0, host="127.0.0.2", own="127.0.0.4")
            asking = asyncio.create_task(probe.ask(lambda: 7.0))
            data, sender = await loop.sock_recvfrom(asked, 4096)
            request = data.decode()
            call = next(line for line in request.splitlines() if line.startswith("Call-ID:"))
            for reply in (
                "SIP/2.0 200 OK\r\nCall-ID: another\r\n\r\n",
                f"SIP/2.0 404 Not Found\r\n{call}\r\n\r\n",
            ):
                await loop.sock_sendto(other, reply.encode(), sender)
            return await asking, f"{sender[0]} {request}"

    reading, request = asyncio.run(play())
    assert reading == Known("SIP/2.0 404 Not Found from 127.0.0.3", 7.0)
    assert request.startswith("127.0.0.4 BYE sip:127.0.0.2:")
