"""A simulated telephone keeps its subscriptions as real ones do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from hwsim.telephones.sip import Message, Party, Request
from hwsim.telephones.subscription import LAMP, VOICEMAIL, Subscription

PHONE = Party("1000", "s1000", "10.77.0.50", 20000, "10.77.0.100")
CHALLENGE = 'Digest realm="asterisk",nonce="n",opaque="o",algorithm=md5,qop="auth"'
LIGHT_ON = "Messages-Waiting: yes\r\nMessage-Account: sip:1000@10.77.0.100\r\nVoice-Message: 2/1 (0/0)\r\n"
BUSY = '<dialog-info><dialog id="1001"><state>confirmed</state></dialog></dialog-info>'


@pytest.fixture
def sent() -> Iterator[list[Request]]:
    """What the telephone sends; its timers belong to a loop that does not run."""
    loop = asyncio.new_event_loop()
    asyncio._set_running_loop(loop)
    yield []
    asyncio._set_running_loop(None)
    loop.close()


def answer(to: Request, code: int, **fields: str) -> Message:
    found = {"cseq": [f"{to.number} {to.method}"], "to": [f"<{to.to}>;tag=theirs"]}
    found |= {name.replace("_", "-"): [value] for name, value in fields.items()}
    return Message(f"SIP/2.0 {code} X", found)


def told(capfd: pytest.CaptureFixture[str]) -> list[tuple[Any, ...]]:
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    return [(event["what"], event["who"], event.get("about"), event.get("state")) for event in events]


def test_it_proves_who_asks_and_renews_in_the_dialog_that_was_opened(sent: list[Request]) -> None:
    light = Subscription(PHONE, VOICEMAIL, "1000", sent.append)
    light.ask()
    light.answered(answer(sent[-1], 401, www_authenticate=CHALLENGE), "x")
    assert any(line.startswith("Authorization: Digest") for line in sent[-1].headers)
    light.answered(answer(sent[-1], 200, contact="<sip:10.77.0.100:5060>"), "x")
    light.ask()
    first, second, renewal = sent
    assert (first.uri, first.to_tag) == ("sip:1000@10.77.0.100", "")
    assert (renewal.uri, renewal.to_tag, renewal.call) == ("sip:10.77.0.100:5060", "theirs", first.call)
    assert [first.number, second.number, renewal.number] == [1, 2, 3]


@pytest.mark.parametrize(
    ("event", "body", "word"), [(VOICEMAIL, LIGHT_ON, "yes 2/1"), (LAMP, BUSY, "confirmed")]
)
def test_it_tells_what_it_is_told(
    sent: list[Request], capfd: pytest.CaptureFixture[str], event: str, body: str, word: str
) -> None:
    kept = Subscription(PHONE, event, "1001", sent.append)
    kept.notified(Message("NOTIFY x SIP/2.0", {"subscription-state": ["active;expires=60"]}, body), "x")
    assert [seen[1:] for seen in told(capfd)] == [("1000", "1001", word)]


def test_one_that_the_server_does_not_know_is_begun_anew(
    sent: list[Request], capfd: pytest.CaptureFixture[str]
) -> None:
    lamp = Subscription(PHONE, LAMP, "1001", sent.append)
    lamp.ask()
    lamp.answered(answer(sent[-1], 200), "x")
    lamp.ask()
    lamp.answered(answer(sent[-1], 481), "x")
    lamp.ask()
    assert (sent[-1].number, sent[-1].to_tag) == (1, "")
    assert sent[-1].call != sent[0].call
    assert [seen[0] for seen in told(capfd)] == ["subscribed", "unsubscribed"]


def test_one_that_the_server_ends_is_begun_anew(sent: list[Request]) -> None:
    lamp = Subscription(PHONE, LAMP, "1001", sent.append)
    lamp.ask()
    lamp.answered(answer(sent[-1], 200), "x")
    lamp.notified(Message("NOTIFY x SIP/2.0", {"subscription-state": ["terminated;reason=deactivated"]}), "x")
    lamp.ask()
    assert (sent[-1].number, sent[-1].to_tag) == (1, "")
