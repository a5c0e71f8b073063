"""Values of `/etc/asha.conf`, and which node of the pair this machine is by them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from appliance.config.keys_cluster import ClusterKeys
from appliance.config.keys_original import OriginalKeys
from appliance.config.keys_service import ServiceKeys
from appliance.core.errors import UserError
from appliance.core.ip_address import ClusterAddress
from appliance.core.model import Node
from appliance.core.relay_facts import RELAYS, RHINO, Attachment, RelayFacts

_FIRST_HIDRAW = Path("/dev/hidraw0")


# A dataclass takes the fields of its last base first: so they have the order of the conf file.
@dataclass(frozen=True, kw_only=True)
class Conf(ServiceKeys, ClusterKeys, OriginalKeys):
    """Values of the whole conf file; times are in seconds. An empty text or tuple means: not there, or off.

    Each field declares its key (`appliance.config.key`).
    """

    @property
    def addresses(self) -> tuple[ClusterAddress, ...]:
        """The addresses of the cluster, that of IPv4 first; none when the cluster is not set up yet."""
        ip, _, prefix = self.cluster_ipv6.partition("/")
        found = [ClusterAddress(self.cluster_ip, self.prefix)] if self.cluster_ip else []
        return (*found, ClusterAddress(ip, int(prefix))) if ip else tuple(found)

    @property
    def main_address(self) -> ClusterAddress:
        """The first of `addresses`, by which the LAN is judged and telephones provisioned; without any, `ip` is ""."""
        return next(iter(self.addresses), ClusterAddress("", self.prefix))

    @property
    def has_line(self) -> bool:
        """True when this pair has a telephone line that the nodes watch."""
        return self.relay_installed or bool(self.card_spans)

    @property
    def relay_installed(self) -> bool:
        """True when a relay in the primary moves the line: the Rhino card, or a board of RELAYDRIVER."""
        return self.card_installed or bool(self.relay_driver)

    @property
    def relay_facts(self) -> RelayFacts:
        """What is known of the relay; of the Rhino card without RELAYDRIVER."""
        return RELAYS[self.relay_driver] if self.relay_driver else RHINO

    @property
    def relay_attachment(self) -> Attachment:
        """How the relay is attached: as RELAYDEVICE says, and where that names no address as its kind is."""
        if self.relay_driver and self.relay_device and not self.relay_device.startswith("/"):
            return Attachment.NETWORK
        hid = Attachment.HID in self.relay_facts.attachments
        return Attachment.HID if hid else Attachment.SERIAL

    @property
    def relay_on_network(self) -> bool:
        """True when the relay is at an address of the network, where both nodes reach it."""
        return self.relay_attachment is Attachment.NETWORK

    @property
    def relay_anywhere(self) -> bool:
        """True when the relay is the only board of its kind, because no RELAYDEVICE says where it is."""
        return self.relay_attachment is Attachment.HID and not self.relay_device

    @property
    def relay_tty(self) -> Path:
        """The tty, or the hidraw node, at which the relay is looked for first; the address of one on the network."""
        if self.relay_driver and self.relay_device:
            return Path(self.relay_device)
        return _FIRST_HIDRAW if self.relay_anywhere else self.card_tty

    @property
    def relay_tty_key(self) -> str:
        """The key that names `relay_tty`, for people."""
        named = self.relay_driver and (self.relay_device or self.relay_anywhere)
        return "RELAYDEVICE" if named else "RHINOUSB"

    @property
    def relay_freed_after(self) -> float:
        """Seconds after which a primary that hangs has lost the line to the relay's own watchdog; 0: it keeps it."""
        return self.relay_facts.freed_after(self.relay_watchdog)

    @property
    def contacts(self) -> tuple[int, ...]:
        """The contacts of the board that carry the line: by default its first."""
        return self.relay_contacts or (self.relay_facts.first,)


def which_node(conf: Conf, uname: str) -> Node:
    """Return the node whose name is `uname`, as 'uname -n' prints it, in any mix of upper and lower case.

    Heartbeat finds its nodes in the same way: it turns all names into lower case.

    Raises UserError when neither node has that name, and tells when a name differs only in its domain.
    """
    if same_name(uname, conf.primary_name):
        return Node.PRIMARY
    if same_name(uname, conf.secondary_name):
        return Node.SECONDARY
    names = (("HAPRINODE", conf.primary_name), ("HASECNODE", conf.secondary_name))
    almost = [(key, name) for key, name in names if _almost(uname, name)]
    if almost:
        raise _almost_error(uname, almost)
    raise UserError(
        f"This machine is '{uname}' (uname -n), which is neither HAPRINODE ({conf.primary_name}) nor "
        f"HASECNODE ({conf.secondary_name}).",
        todo="Give the name of each node as 'uname -n' prints it there, the same in both conf files.",
    )


def same_name(one: str, other: str) -> bool:
    """Tell whether the two host names are the same, whatever their upper and lower case."""
    return one.lower() == other.lower()


def _almost(uname: str, name: str) -> bool:
    """Tell whether the two names differ only in their domain."""
    ours, theirs = uname.lower(), name.lower()
    return ours.startswith(f"{theirs}.") or theirs.startswith(f"{ours}.")


def _almost_error(uname: str, almost: list[tuple[str, str]]) -> UserError:
    differences = "; ".join(f"it differs from {key} ({name}) only in the domain" for key, name in almost)
    key = almost[0][0]
    return UserError(
        f"This machine is '{uname}' (uname -n), which is not exactly one of the two nodes: {differences}.",
        todo=f"Make the names equal: 'asha conf set {key} {uname}' on both nodes, or give this machine "
        f"the name {almost[0][1]}.",
    )
