"""What the wires carry, and what the world outside sees."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time

import pytest
from nodes_probe import reaches, until

from hwsim.nodes import CABLE, CLUSTER_ADDRESS, LAN, Node, Outside, RackError, SerialCable, pair

TAKE = ["ip", "addr", "add", f"{CLUSTER_ADDRESS}/24", "dev", "eth0"]
# Speaking from the address makes the kernel ask ARP with it, which teaches the others who has it.
SPEAK = (
    "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
    f"s.bind(('{CLUSTER_ADDRESS}', 0)); s.sendto(b'x', ('10.77.0.50', 9))"
)
SIP_SERVER = f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('{CLUSTER_ADDRESS}', 5060))
while True:
    request, peer = s.recvfrom(2048)
    if request.startswith(b'OPTIONS '):
        s.sendto(b'SIP/2.0 200 OK\\r\\n\\r\\n', peer)
"""

# RFC 826 request with sender and target the same: a gratuitous announcement.
ANNOUNCE = f"""
import socket
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(('eth0', 0x0806))
mac, ip = wire.getsockname()[4], socket.inet_aton('{CLUSTER_ADDRESS}')
wire.send(b'\\xff' * 6 + mac + b'\\x08\\x06\\0\\1\\x08\\0\\6\\4\\0\\1' + mac + ip + bytes(6) + ip)
"""


async def take_address(node: Node) -> None:
    assert (await node.run(TAKE)).ok
    said = await node.run([sys.executable, "-IS", "-c", SPEAK])
    assert said.ok, said


def test_cut_and_heal_one_link_at_a_time() -> None:
    async def scenario() -> None:
        async with pair() as rack:
            await rack.boot()
            assert await reaches(rack.primary, "10.77.0.2")
            assert await reaches(rack.primary, "10.78.0.2")
            rack.secondary.cut(CABLE)
            assert not await reaches(rack.primary, "10.78.0.2", patience=0.05)
            assert await reaches(rack.primary, "10.77.0.2")
            rack.secondary.power_off()
            await rack.secondary.boot()  # a cut cable is still cut after a boot
            assert not await reaches(rack.primary, "10.78.0.2", patience=0.05)
            rack.secondary.heal(CABLE)
            rack.primary.cut(LAN)
            assert await reaches(rack.primary, "10.78.0.2")
            assert not await reaches(rack.primary, "10.77.0.2", patience=0.05)

    asyncio.run(scenario())


async def silence(outside: Outside) -> None:
    """Until no ping is answered any more: an answer on its way when the machine hung may still come in."""
    heard = 0.0
    async with asyncio.timeout(60):
        with pytest.raises(RackError, match="No ping"):
            while True:
                heard = (await outside.wait_for("ping", heard, deadline=0.1)).t


def test_power_and_hang_silence_the_cluster_address() -> None:
    async def scenario() -> None:
        async with pair() as rack:
            await rack.boot()
            outside = Outside(rack.network)
            await outside.start()
            try:
                primary, secondary = outside.mac_of("primary"), outside.mac_of("secondary")
                await take_address(rack.primary)
                await rack.primary.spawn([sys.executable, "-IS", "-c", SIP_SERVER], rack.primary.boot_log)
                await outside.wait_for("ping", 0, primary, deadline=30)
                await outside.wait_for("sip", 0, primary, deadline=30)
                gone = rack.primary.power_off()
                await take_address(rack.secondary)
                await outside.wait_for("arp", gone, secondary, deadline=30)
                moved = await outside.wait_for("ping", gone, secondary, deadline=30)
                taken = moved.t
                for _ in range(3):
                    moved = await outside.wait_for("ping", moved.t, secondary, deadline=30)
                assert outside.last("ping", moved.t, primary) is not None
                assert outside.first("ping", taken, primary) is None
                await rack.secondary.freeze()
                await silence(outside)
                assert rack.secondary.path("/sys/class/net/eth0/carrier").read_text() == "1\n"
                back = rack.secondary.thaw()
                await outside.wait_for("ping", back, secondary, deadline=30)
            finally:
                await outside.stop()

    asyncio.run(scenario())


def test_an_announcement_is_seen_as_one() -> None:
    async def scenario() -> None:
        async with pair() as rack:
            await rack.primary.boot()
            outside = Outside(rack.network)
            await outside.start()
            try:
                before = time.monotonic()
                said = await rack.primary.run([sys.executable, "-IS", "-c", ANNOUNCE])
                assert said.ok, said
                seen = await outside.wait_for("garp", before, outside.mac_of("primary"), deadline=30)
                assert seen.ip == CLUSTER_ADDRESS
            finally:
                await outside.stop()

    asyncio.run(scenario())


def test_a_serial_cable_joins_two_nodes() -> None:
    async def scenario() -> None:
        async with pair() as rack:
            await rack.boot()
            cable = SerialCable()
            try:
                for node, end in zip((rack.primary, rack.secondary), cable.ends, strict=True):
                    node.symlink("/dev/ttyS0", end)
                log = rack.secondary.boot_log.with_name("serial.log")
                await rack.secondary.spawn(["cat", "/dev/ttyS0"], log)
                await rack.primary.run(["sh", "-c", "echo first > /dev/ttyS0"])
                await until(lambda: log.read_text() == "first\n", "the first line")
                cable.cut()
                await rack.primary.run(["sh", "-c", "echo lost > /dev/ttyS0"])
                for _ in range(3):  # the loop carries, and loses, what was sent before
                    await asyncio.sleep(0)
                cable.heal()
                await rack.primary.run(["sh", "-c", "echo third > /dev/ttyS0"])
                await until(lambda: log.read_text() == "first\nthird\n", "the third line")
            finally:
                cable.close()

    asyncio.run(scenario())


def test_a_full_cable_loses_bytes_and_lives() -> None:
    async def scenario() -> None:
        cable = SerialCable()
        try:
            ends = [os.open(end, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK) for end in cable.ends]
            written = 0
            while written < 200_000:  # nobody reads at the other end
                with contextlib.suppress(BlockingIOError):  # the loop has not carried the last ones yet
                    written += os.write(ends[0], b"x" * 1000)
                await asyncio.sleep(0)
            read = bytearray()
            await until(lambda: again(ends[0]) or b"!" in take(ends[1], read), "a byte sent after the flood")
            assert len(read) < written
            for end in ends:
                os.close(end)
        finally:
            cable.close()

    asyncio.run(scenario())


def take(port: int, into: bytearray) -> bytearray:
    """Add what is there to what was read."""
    with contextlib.suppress(BlockingIOError):
        into += os.read(port, 1 << 16)
    return into


def again(port: int) -> bool:
    """Send one more byte; never an end of waiting."""
    with contextlib.suppress(BlockingIOError):
        os.write(port, b"!")
    return False


def test_the_rack_can_run_here_and_says_why_not() -> None:
    ask = "from hwsim.nodes.requirements import missing; print(missing())"
    assert said_by(ask) == "[]\n"
    nobody = ask.replace("print", "import os; os.setuid(65534); print")
    assert "needs root" in said_by(nobody)


def said_by(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout
