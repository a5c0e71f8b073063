"""Alerts of a real failover, with a mail server that takes the connection and then says nothing."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import signal
from collections.abc import AsyncIterator
from email.message import EmailMessage

from pair_on_rack import PAIR_SITE, Pair

from hwsim.nodes import Network
from hwsim.nodes.netns import server_in

ADDRESS, PORT = Network.address("outside"), 2525
SITE = PAIR_SITE.with_conf({"MAILTO": "noc@example.com", "NOTIFYSMTP": f"{ADDRESS}:{PORT}"})


class MailHost:
    """The mail server at the rack's outside host. It greets nobody until `answers` is set."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.mails: list[EmailMessage] = []
        self.hanging: dict[str, int] = {}

    @contextlib.asynccontextmanager
    async def up(self, namespace: str) -> AsyncIterator[MailHost]:
        """While the body lasts."""
        server = await asyncio.start_server(self._serve, sock=server_in(namespace, ADDRESS, PORT))
        try:
            yield self
        finally:
            self.answers.set()
            server.close()

    def subjects(self, words: str) -> list[str]:
        """Of the mails so far, those with `words` in their subject."""
        return [mail["Subject"] for mail in self.mails if words in mail["Subject"]]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")[0]
        self.hanging[peer] = self.hanging.get(peer, 0) + 1
        gone = asyncio.create_task(reader.read(1))
        await asyncio.wait(
            [gone, asyncio.create_task(self.answers.wait())], return_when=asyncio.FIRST_COMPLETED
        )
        self.hanging[peer] -= 1
        if not gone.done():
            gone.cancel()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await gone
            with contextlib.suppress(OSError):
                await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        while line := await reader.readline():
            word = line[:4].upper()
            if word == b"DATA":
                writer.write(b"354 go on\r\n")
                text = (await reader.readuntil(b"\r\n.\r\n"))[:-3]
                mail = email.message_from_bytes(text, policy=email.policy.default)
                assert isinstance(mail, EmailMessage)
                self.mails.append(mail)
            writer.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")


async def test_a_mail_server_that_hangs_is_in_no_failovers_way(pair: Pair) -> None:
    async with MailHost().up(pair.rack.network.namespace("outside")) as host:
        await pair.home()
        nodes = [Network.address(side) for side in ("primary", "secondary")]
        await pair.until(lambda: all(host.hanging.get(node) for node in nodes), "both nodes' mail hangs", 60)
        pid = pair.primary.asterisk_pid()
        assert pid is not None
        fault = pair.primary.node.kill(pid, signal.SIGKILL)
        await pair.served(fault, "secondary")
        assert host.mails == [], "the line was in service before the first mail had gone out"
        print(f"in service {pair.rack.now() - fault:.2f} s after the fault, both nodes' mail hanging")
        waiting = {side: (await pair.server(side).asha("notify")).output for side in ("primary", "secondary")}
        assert "failover from the primary begun: Asterisk died" in waiting["primary"]
        await pair.until_status("secondary", lambda status: status["role"] == "active", "it is active")
        await _waits_on(pair, "secondary", "the secondary serves")
        host.answers.set()
        await _all_is_out(pair)
        assert host.subjects("failover from the primary begun: Asterisk died") == [
            "[asha haprimary] warning: failover from the primary begun: Asterisk died"
        ]
        assert host.subjects("the secondary serves") == [
            "[asha hastandby] notice: failover done: the secondary serves"
        ]
        identities = [mail["Message-ID"] for mail in host.mails]
        assert len(identities) == len(set(identities))


async def test_a_card_that_is_pulled_and_plugged_in_is_told_and_how_the_way_does_is_seen(pair: Pair) -> None:
    async with MailHost().up(pair.rack.network.namespace("outside")) as host:
        host.answers.set()
        await pair.home()
        said = await pair.primary.asha("notify", "test")
        assert (said.code, said.output) == (0, "mail: ok\n")
        assert len(host.subjects("a test")) == 1
        pair.rack.unplug_card()
        await pair.until(lambda: bool(host.subjects("critical: the relay card is gone")), "the loss is told")
        pair.rack.plug_card()
        await pair.until(lambda: bool(host.subjects("over: the relay card is gone")), "and the return", 60)
        await _all_is_out(pair)
        assert len(host.subjects("relay card is gone: the line")) == 2
    said = await pair.primary.asha("notify", "test")
    assert said.code == 3 and f"mail: {ADDRESS}:{PORT}" in said.output


async def _waits_on(pair: Pair, side: str, subject: str) -> None:
    """An alert with that in its subject is in the queue of `side`."""
    end = pair.rack.now() + 60
    while subject not in (said := await pair.server(side).asha("notify")).output:
        assert pair.rack.now() < end, said
        await asyncio.sleep(0.5)


async def _all_is_out(pair: Pair) -> None:
    """Nothing waits on either node."""
    for side in ("primary", "secondary"):
        end = pair.rack.now() + 60
        while "Nothing waits." not in (said := await pair.server(side).asha("notify")).output:
            assert pair.rack.now() < end, said
            await asyncio.sleep(0.5)
