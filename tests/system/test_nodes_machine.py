"""A node is a machine of its own: disk, names, devices, processes, power."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import pytest
from nodes_probe import until

from hwsim.nodes import NodeError, Power, new_prefix, pair, rack_dir, remains
from hwsim.nodes import freezer as freezers
from hwsim.nodes.network import Network
from hwsim.nodes.node import Node

REBOOT = "import ctypes; ctypes.CDLL(None).reboot(0x1234567)"  # LINUX_REBOOT_CMD_RESTART
COUNT = "i=0; while :; do i=$((i+1)); echo $i > /run/count; sleep 0.002; done"


def test_a_node_has_its_own_name_disk_and_devices() -> None:
    async def scenario() -> None:
        host_etc = sorted(os.listdir("/etc"))
        async with pair() as rack:
            rack.primary.prepare(
                empty=["/etc/ha.d"], absent=["/etc/fstab", "/etc/passwd-"], files={"/opt/x/y": "1"}
            )
            await rack.boot()
            script = (
                "uname -n; cat /etc/hostname; ls -A /etc/ha.d /run/heartbeat /sys/class/tty; cat /opt/x/y;"
                "echo mine > /etc/asha-only-here; echo x > /dev/null; stat -c %U:%a /run/heartbeat; test -e /etc/fstab"
            )
            said = await rack.primary.run(["sh", "-c", script])
            words = ["haprimary", "haprimary", "/etc/ha.d:", "/run/heartbeat:", "ccm", "crm", "dopd"]
            assert said.out.split() == [*words, "/sys/class/tty:", "1hacluster:750"]
            assert said.code == 1  # the last test: no fstab
            assert rack.primary.path("/etc/asha-only-here").read_text() == "mine\n"
            assert not rack.secondary.path("/etc/asha-only-here").exists()
            assert (await rack.secondary.run(["test", "-d", "/etc/ha.d/resource.d"])).ok
        assert sorted(os.listdir("/etc")) == host_etc
        assert socket.gethostname() != "haprimary"

    asyncio.run(scenario())


def test_a_disk_of_a_size_is_full_and_has_room_again() -> None:
    async def scenario() -> None:
        network = Network(prefix)
        await network.up()
        node = Node("primary", "haprimary", rack_dir(prefix), network, disk_size=8 << 20)
        try:
            await node.boot()
            node.disk.fill()
            said = await node.run(["cp", "/etc/services", "/var/log/ha-log"])
            assert "No space left on device" in said.err
            node.disk.make_room()
            assert (await node.run(["cp", "/etc/services", "/var/log/ha-log"])).ok
        finally:
            await node.close()
            await network.down()
            remains.remove(prefix)

    prefix = new_prefix()
    asyncio.run(scenario())
    assert prefix not in Path("/proc/self/mountinfo").read_text()
    assert not rack_dir(prefix).exists()


def test_a_stopped_program_keeps_no_node_from_going_down() -> None:
    async def scenario() -> None:
        async with pair() as rack:
            await rack.boot()
            running = await rack.primary.spawn(["sleep", "60"], rack.primary.boot_log)
            await until(lambda: bool(rack.primary.pids("^sleep 60$")), "the program")
            running.signal(signal.SIGSTOP)
            rack.primary.power_off()
            async with asyncio.timeout(5):
                await rack.primary.wait_down()

    asyncio.run(scenario())


def test_files_written_from_outside_stay_inside() -> None:
    async def scenario() -> None:
        async with pair() as rack:
            node = rack.primary
            node.write("/etc/asha.conf", "A=1\n", 0o600)
            with pytest.raises(NodeError, match="not on the node's disk"):
                node.path("/var/run/asha/x")
            await node.boot()
            assert (await node.run(["stat", "-c", "%a", "/etc/asha.conf"])).out == "600\n"
            node.write("/var/run/asha/from-outside", "x")  # /var/run is an absolute link to /run
            assert (await node.run(["cat", "/run/asha/from-outside"])).out == "x"
            assert not exists_on_host("/run/asha/from-outside")
            node.symlink("/dev/ttyUSB0", "/dev/null")
            assert (await node.run(["readlink", "/dev/ttyUSB0"])).out == "/dev/null\n"
            node.unlink("/dev/ttyUSB0")
            assert not (await node.run(["test", "-L", "/dev/ttyUSB0"])).ok
            (node.shared / "both").write_text("seen")
            assert (await node.run(["cat", "/run/hwsim/both"])).out == "seen"

    asyncio.run(scenario())


def exists_on_host(path: str) -> bool:
    return Path(path).exists()


def test_a_power_cut_keeps_the_disk_and_forgets_the_rest() -> None:
    async def scenario() -> None:
        async with pair() as rack:
            node = rack.primary
            await node.boot()
            script = "echo kept > /etc/kept; mkdir /var/lib/kept; echo x > /run/lost"
            assert (await node.run(["sh", "-c", script])).ok
            assert (await node.run(["ip", "addr", "add", "10.77.0.100/24", "dev", "eth0"])).ok
            downs: list[Power] = []
            node.on_down = lambda: downs.append(node.power)
            node.power_off()
            assert downs == [Power.OFF]
            with pytest.raises(NodeError, match="haprimary is off"):
                await node.run(["true"])
            await node.boot()
            said = await node.run(
                ["sh", "-c", "cat /etc/kept; ls -d /var/lib/kept; ls /run/lost; ip -o -4 addr show eth0"]
            )
            assert "kept\n/var/lib/kept\n" in said.out
            assert "No such file" in said.err
            assert "10.77.0.1/24" in said.out
            assert "10.77.0.100" not in said.out

    asyncio.run(scenario())


def test_reboot_from_inside_ends_only_that_node() -> None:
    async def scenario() -> None:
        async with pair() as rack:
            await rack.boot()
            await rack.primary.run([sys.executable, "-IS", "-c", REBOOT])
            await asyncio.wait_for(rack.primary.wait_down(), 5)
            assert (rack.primary.power, rack.secondary.power) == (Power.OFF, Power.ON)
            assert (await rack.secondary.run(["uname", "-n"])).out == "hastandby\n"
            await rack.primary.boot()
            assert (await rack.primary.run(["true"])).ok

    asyncio.run(scenario())


@pytest.mark.parametrize("way", ["cgroup", "signals"])
def test_a_hung_node_stands_still_and_goes_on(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "signals":
        monkeypatch.setattr(freezers, "CGROUPS", tmp_path)

    async def scenario() -> None:
        async with pair() as rack:
            node = rack.primary
            await node.boot()
            await node.spawn(["sh", "-c", COUNT], node.boot_log)
            counter = node.path("/run/count")
            await until(lambda: counter.exists() and counter.read_text() != "", "the first count")
            await node.freeze()
            assert node.power is Power.HUNG
            stood = counter.read_text()
            with pytest.raises(NodeError, match="hung"):
                await node.run(["true"])
            await asyncio.sleep(0.03)  # not a wait for an event: time in which fifteen counts would come
            assert counter.read_text() == stood
            node.thaw()
            await until(lambda: counter.read_text() not in (stood, ""), "the next count")
            await node.freeze()
            node.power_off()
            await asyncio.wait_for(node.wait_down(), 5)

    asyncio.run(scenario())


def test_programs_inside() -> None:
    async def scenario() -> None:
        async with pair() as rack:
            node = rack.primary
            await node.boot()
            assert (await node.run(["sh", "-c", "echo out; echo err >&2; exit 3"])).code == 3
            daemon = await node.run(["sh", "-c", "sleep 1000 & echo started"])  # it holds our output open
            assert daemon.out == "started\n"
            await until(lambda: len(node.pids("^sleep 1000$")) == 1, "the daemon")
            pid = node.pids("^sleep 1000$")[0]
            node.kill(pid)
            await until(lambda: node.pids("^sleep 1000$") == [], "the end of sleep")
            with pytest.raises(NodeError, match="no process"):
                node.kill(pid)
            late = await node.run(["sleep", "1001"], deadline=0.05)
            assert late.code is None
            await until(lambda: node.pids("^sleep 1001$") == [], "the end of the late program")
            log = node.boot_log.with_name("said.log")
            polite = ["sh", "-c", "trap 'echo bye; exit 7' TERM; echo hello; while :; do sleep 0.01; done"]
            running = await node.spawn(polite, log)
            await until(lambda: "hello" in log.read_text(), "hello")
            assert await running.stop(deadline=2) == 7
            assert log.read_text() == "hello\nbye\n"

    asyncio.run(scenario())


def test_a_disk_cannot_lie_under_its_own_overlay() -> None:
    with pytest.raises(NodeError, match="rack_dir"):
        Node("primary", "haprimary", Path("/var/lib/somewhere"), Network(new_prefix()))


def test_a_boot_that_fails_says_why() -> None:
    async def scenario() -> None:
        async with pair() as rack:
            (rack.primary.disk.top / "etc").write_text("a file where the disk should be")
            with pytest.raises(NodeError, match=r"haprimary did not boot: .*File exists"):
                await rack.primary.boot()
            assert rack.primary.power is Power.OFF

    asyncio.run(scenario())
