"""Kernel uevents, in a network namespace of our own where root may send them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = r"""
import json, os, select, socket
from appliance.hw.uevents import KernelEvents
from hwsim.card.uevent import send_uevent

watch = KernelEvents()
def heard():
    select.select([watch.fileno()], [], [], 5)
    return watch.drain()

seen = {"quiet": watch.drain()}
send_uevent("add", "ttyUSB0")
seen["tty"] = heard()
send_uevent("add", "sda", subsystem="block")
seen["disk"] = heard()

# A message to us alone is no broadcast of the kernel, whoever sends it.
sender = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 15)
sender.sendto(b"add@/x\0SUBSYSTEM=tty\0", (watch._socket.getsockname()[0], 0))
seen["whispered"] = heard()

os.setuid(65534)
try:
    send_uevent("add", "ttyUSB0")
except PermissionError:
    seen["anybody"] = "refused by the kernel"
watch.close()
print(json.dumps(seen))
"""


def test_only_a_broadcast_about_a_tty_counts() -> None:
    finished = subprocess.run(
        ["unshare", "--net", sys.executable, "-c", SCRIPT],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout) == {
        "quiet": False,
        "tty": True,
        "disk": False,
        "whispered": False,
        "anybody": "refused by the kernel",
    }
