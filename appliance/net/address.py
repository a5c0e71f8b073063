"""The cluster address on this node: whether it is here, its removal, its return; and the interface that carries it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import ipaddress
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from appliance.core.errors import HostError
from appliance.core.ip_address import in_subnet, version_of
from appliance.core.lan import LanInterface
from appliance.core.reading import Known, Reading, Unknown
from appliance.net import rtnetlink
from appliance.net.kernel import (
    BUFFER,
    ask,
    change,
    hardware_address,
    in_words,
    interface_index,
    open_netlink,
)
from appliance.net.rtnetlink import Address, Reply

# <linux/sockios.h>, <linux/if.h>: a struct ifreq with the interface's name and its flags
_SIOCGIFFLAGS = 0x8913
_IFF_UP, _IFF_RUNNING = 0x1, 0x40
_IFREQ = struct.Struct("16sH14x")
_SETTINGS = Path("/proc/sys/net")  # of the network namespace of whoever reads


def read_address(device: str, ip: str, now: float) -> Reading[bool]:
    """Return whether `ip` is on `device` and usable, with any prefix length, alias labels included. Never blocks.

    Unknown when there is no such device or the kernel does not tell. `now` is in monotonic seconds.
    """
    try:
        return Known(any(address.usable for address in _find(device, ip)), now)
    except OSError as problem:
        return Unknown(f"whether {ip} is on {device} could not be read: {in_words(problem)}", now)


def own_address(device: str, cluster_ip: str, prefix: int) -> str:
    """Return this node's own address on `device`, preferably one in the cluster address's subnet.

    Otherwise the first address of its family is returned (of IPv4, where no cluster address is set).
    Never blocks. Raises HostError when there is none.
    """
    try:
        version = version_of(cluster_ip)
        found = [
            address.ip
            for address in _on(device)
            if address.ip != cluster_ip and version_of(address.ip) == version and not _link_local(address.ip)
        ]
    except OSError as problem:
        raise HostError(f"The addresses of {device} could not be read: {in_words(problem)}.") from problem
    if not found:
        raise HostError(
            f"{device} has no IPv{version} address of its own.", todo="Give it one, or set HADEV."
        )
    return next((ip for ip in found if cluster_ip and in_subnet(ip, cluster_ip, prefix)), found[0])


def remove_address(device: str, ip: str) -> bool:
    """Take `ip` off `device`; return True when it was there. Harmless when repeated. Raises HostError."""
    try:
        found = _find(device, ip)
        for address in found:
            change(rtnetlink.delete_request(address), harmless=errno.EADDRNOTAVAIL)
    except OSError as problem:
        if problem.errno == errno.ENODEV:
            return False
        raise HostError(f"{ip} could not be taken off {device}: {in_words(problem)}.") from problem
    return bool(found)


def remove_addresses(device: str, ips: Iterable[str]) -> None:
    """Take each of `ips` off `device`, whether or not another can be; harmless when repeated. Raises HostError."""
    failure: HostError | None = None
    for ip in ips:
        try:
            remove_address(device, ip)
        except HostError as problem:
            failure = failure or problem
    if failure is not None:
        raise failure


def put_address(device: str, ip: str, prefix: int) -> bool:
    """Set `ip` on `device`; return False when it is there already, with any prefix length. Raises HostError."""
    try:
        found = _find(device, ip)
        if any(address.usable for address in found):
            return False
        for address in found:  # the kernel had found it elsewhere, and would never use it
            change(rtnetlink.delete_request(address), harmless=errno.EADDRNOTAVAIL)
        change(rtnetlink.add_request(Address(interface_index(device), ip, prefix)), harmless=errno.EEXIST)
    except OSError as problem:
        raise HostError(f"{ip} could not be set on {device}: {in_words(problem)}.") from problem
    return True


def read_lan_interface(device: str, cluster_ip: str, prefix: int, now: float) -> Reading[LanInterface]:
    """Return the interface `device`, and where else the subnet of the cluster address is when it is not there.

    Never blocks. Unknown when the kernel does not tell. `now` is in monotonic seconds.
    """
    try:
        found = _every_address()
        flags, mac = _flags_and_mac(device)
        index = interface_index(device) if flags is not None else 0
    except OSError as problem:
        return Unknown(f"the interface {device} could not be looked at: {in_words(problem)}", now)
    own = tuple(
        (address.ip, address.prefix) for address in found if address.index == index and address.usable
    )
    others = (address.index for address in found if in_subnet(address.ip, cluster_ip, prefix))
    elsewhere = next((name for other in others if other != index and (name := _name(other))), "")
    if flags is None:
        return Known(LanInterface(device, exists=False, elsewhere=elsewhere), now)
    up, carrier = bool(flags & _IFF_UP), bool(flags & _IFF_RUNNING)
    return Known(LanInterface(device, True, up, carrier, own, elsewhere, _takes_ipv6(device), mac), now)


class AddressWatch:
    """A watch for every change to any of `ips` on this node; without any given, for every address and link."""

    def __init__(self, *ips: str) -> None:
        """Start to watch. Raises HostError when the kernel gives no netlink socket."""
        self._ips = frozenset(ips)
        groups = rtnetlink.RTMGRP_IPV4_IFADDR | rtnetlink.RTMGRP_IPV6_IFADDR
        groups |= 0 if ips else rtnetlink.RTMGRP_LINK
        try:
            self._socket = open_netlink()
            self._socket.setblocking(False)
            self._socket.bind((0, groups))
        except OSError as problem:
            raise HostError(f"The cluster address cannot be watched: {in_words(problem)}.") from problem

    def fileno(self) -> int:
        """Return a descriptor that is readable when addresses changed; -1 when closed."""
        return self._socket.fileno()

    def drain(self) -> bool:
        """Read the waiting messages; return True when what is watched changed, or when messages were lost.

        After True the caller must read the address again. Never blocks.
        """
        changed = False
        while True:
            try:
                data = self._socket.recv(BUFFER)
            except BlockingIOError:
                return changed
            except OSError as problem:
                if problem.errno != errno.ENOBUFS:
                    raise HostError(
                        f"The cluster address is no longer watched: {in_words(problem)}."
                    ) from problem
                changed = True
                continue
            changed |= any(self._concerns(reply) for reply in rtnetlink.parse(data))

    def _concerns(self, reply: Reply) -> bool:
        return not self._ips or (reply.address is not None and reply.address.ip in self._ips)

    def close(self) -> None:
        """Stop watching; harmless when repeated."""
        with contextlib.suppress(OSError):
            self._socket.close()


def _find(device: str, ip: str) -> list[Address]:
    return [address for address in _on(device) if address.ip == ip]


def _on(device: str) -> list[Address]:
    index = interface_index(device)
    return [address for address in _every_address() if address.index == index]


def _every_address() -> list[Address]:
    replies = (reply for data in ask(rtnetlink.dump_request()) for reply in rtnetlink.parse(data))
    return [reply.address for reply in replies if reply.address is not None]


def _link_local(ip: str) -> bool:
    return ":" in ip and ipaddress.IPv6Address(ip).is_link_local


def _flags_and_mac(device: str) -> tuple[int | None, str]:
    """Return the flags and the hardware address of an interface; None and "" when there is no such interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            answer = fcntl.ioctl(asking, _SIOCGIFFLAGS, _IFREQ.pack(device.encode(), 0))
            return int(_IFREQ.unpack(answer)[1]), hardware_address(asking, device)
        except OSError as problem:
            if problem.errno == errno.ENODEV:
                return None, ""
            raise


def _takes_ipv6(device: str) -> bool:
    """Tell whether the kernel sets addresses of IPv6 on `device`; True where it does not tell.

    The file is missing where the kernel has no IPv6 (ipv6.disable=1), and for a device whose MTU is below 1280.
    """
    setting = _SETTINGS / "ipv6" / "conf" / device / "disable_ipv6"
    try:
        return setting.read_text(encoding="ascii").strip() == "0"
    except FileNotFoundError:
        return not _SETTINGS.exists()
    except (OSError, UnicodeDecodeError):
        return True


def _name(index: int) -> str:
    try:
        return socket.if_indextoname(index)
    except OSError:
        return ""


# Whether the network interface is fit to carry the cluster address; for `asha check`, not for the agent.
#
# Uses pyroute2, imported late: the agent loads this module too, and asks the kernel itself (see
# docs/adr/0021-libraries-in-the-agent.md).


@dataclass(frozen=True, slots=True)
class Interface:
    """One network interface. `addresses` are of both families, none link-local, each with its prefix length."""

    name: str
    up: bool
    carrier: bool
    addresses: tuple[str, ...]


def read_interface(name: str) -> Interface:
    """Return the interface `name`. Raises HostError when there is none."""
    from pyroute2 import IPRoute  # noqa: PLC0415

    with IPRoute() as route:
        found = route.link_lookup(ifname=name)
        if not found:
            raise HostError(f"There is no network interface {name}.", todo="Set HADEV.")
        (link,) = route.get_links(found[0])
        addresses = [
            f"{message.get_attr('IFA_ADDRESS')}/{message['prefixlen']}"
            for message in route.get_addr(index=found[0])
            if not _link_local(message.get_attr("IFA_ADDRESS"))
        ]
    return Interface(
        name, link.get_attr("IFLA_OPERSTATE") != "DOWN", bool(link.get_attr("IFLA_CARRIER")), tuple(addresses)
    )


def check_interface(interface: Interface, cluster_ip: str, prefix: int) -> str:
    """Return one sentence when the interface fits. Raises HostError with what is wrong and what to do."""
    if not interface.up or not interface.carrier:
        raise HostError(f"{interface.name} is down or has no carrier.", todo="Check its cable, or set HADEV.")
    network = ipaddress.ip_network(f"{cluster_ip}/{prefix}", strict=False)
    own = [
        text
        for text in interface.addresses
        if version_of(text) == network.version and not text.startswith(f"{cluster_ip}/")
    ]
    if not any(ipaddress.ip_interface(text).ip in network for text in own):
        raise HostError(
            f"{interface.name} has no address of its own in {network} ({', '.join(own) or 'none at all'}).",
            todo="The cluster address must be in a network the interface belongs to: check HACLUSTERIP and HAPREFIX, "
            "or HACLUSTERIP6.",
        )
    return f"{cluster_ip}/{prefix} on {interface.name}, which is up and has {', '.join(own)}"
