"""`asha check`'s look at the network interface, in a network namespace of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from appliance.core.errors import HostError
from appliance.net.address import Interface, check_interface

GOOD = Interface("eth0", True, True, ("10.0.0.1/24",))


def test_a_good_interface_is_described() -> None:
    assert check_interface(GOOD, "10.0.0.9", 24) == "10.0.0.9/24 on eth0, which is up and has 10.0.0.1/24"


@pytest.mark.parametrize(
    ("interface", "says"),
    [
        (Interface("eth0", False, True, ("10.0.0.1/24",)), "down or has no carrier"),
        (Interface("eth0", True, False, ("10.0.0.1/24",)), "down or has no carrier"),
        (Interface("eth0", True, True, ()), "none at all"),
        (Interface("eth0", True, True, ("192.168.1.1/24",)), "no address of its own in 10.0.0.0/24"),
        (Interface("eth0", True, True, ("10.0.0.9/24",)), "no address of its own"),
    ],
)
def test_what_is_wrong_is_said(interface: Interface, says: str) -> None:
    with pytest.raises(HostError, match=says):
        check_interface(interface, "10.0.0.9", 24)


SCRIPT = """
import subprocess
from appliance.core.errors import HostError
from appliance.net.address import read_interface
subprocess.run("ip link add eth7 type veth peer name eth8 && ip addr add 10.9.0.1/24 dev eth7 && "
               "ip link set eth7 up && ip link set eth8 up", shell=True, check=True)
print(read_interface("eth7"))
from appliance.net.links import read_links, wire_of
subprocess.run("ip link add link eth7 name over7 type macvlan && ip link set eth8 down", shell=True, check=True)
links = read_links()
print(links["eth7"].addresses, links["eth8"].up, wire_of("over7", links), wire_of("eth7", links))
try:
    read_interface("eth9")
except HostError as problem:
    print(problem)
"""


def test_the_real_one_is_read() -> None:
    done = subprocess.run(
        ["unshare", "-n", sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    first, links, second = done.stdout.splitlines()
    assert first == "Interface(name='eth7', up=True, carrier=True, addresses=('10.9.0.1/24',))"
    assert links == "('10.9.0.1/24',) False eth7 eth7"
    assert second.startswith("There is no network interface eth9.")
