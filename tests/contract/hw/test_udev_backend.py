"""The pyudev backend on the real libudev, its machine mocked by umockdev."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import ctypes, json, sys
from pathlib import Path
mock = ctypes.CDLL("libumockdev.so.0")
mock.umockdev_testbed_new.restype = ctypes.c_void_p
bed = ctypes.c_void_p(mock.umockdev_testbed_new())

def device(port, name, serial):
    text = f'''P: /devices/pci0/usb1/{port}
E: SUBSYSTEM=usb
E: DEVTYPE=usb_device
A: idVendor=0403\\\\n
A: idProduct=6001\\\\n
A: serial={serial}\\\\n

P: /devices/pci0/usb1/{port}/{port}:1.0
E: SUBSYSTEM=usb
E: DEVTYPE=usb_interface

P: /devices/pci0/usb1/{port}/{port}:1.0/{name}
E: SUBSYSTEM=usb-serial

P: /devices/pci0/usb1/{port}/{port}:1.0/{name}/tty/{name}
N: {name}
E: SUBSYSTEM=tty
E: DEVNAME=/dev/{name}
'''
    assert mock.umockdev_testbed_add_from_string(bed, text.encode(), None)
    return f"/sys/devices/pci0/usb1/{port}/{port}:1.0/{name}/tty/{name}".encode()

from appliance.config import Conf
from appliance.hw.discovery import find_card
from appliance.hw.ttys_udev import UdevTtys, UdevWatch

store = Path(sys.argv[1])
def find():
    reading = find_card(Conf(), 7.0, store=store, ttys=UdevTtys())
    return str(reading.value.tty) if reading.value else None, str(reading.value.usb) if reading.value else None

seen = {"nothing": find()}
first = device("1-1", "ttyUSB0", "RH1")
seen["first"] = find()
watch = UdevWatch()
seen["quiet"] = watch.drain()
mock.umockdev_testbed_uevent(bed, ctypes.c_char_p(first), ctypes.c_char_p(b"remove"))
import select
select.select([watch.fileno()], [], [], 5)
seen["heard"] = watch.drain()
seen["quiet again"] = watch.drain()
watch.close()
mock.umockdev_testbed_remove_device(bed, ctypes.c_char_p(first))
device("1-2", "ttyUSB1", "RH1")
device("1-3", "ttyUSB2", "OTHER")
seen["renumbered"] = find()
print(json.dumps(seen))
"""


def test_enumeration_and_events(tmp_path: Path) -> None:
    finished = subprocess.run(
        ["umockdev-wrapper", sys.executable, "-c", SCRIPT, str(tmp_path / "card.json")],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout) == {
        "nothing": [None, None],
        "first": ["/dev/ttyUSB0", "0403:6001 serial RH1 at port 1-1"],
        "quiet": False,
        "heard": True,
        "quiet again": False,
        "renumbered": ["/dev/ttyUSB1", "0403:6001 serial RH1 at port 1-2"],
    }
