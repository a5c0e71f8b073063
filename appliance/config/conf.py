"""Values of `/etc/asha.conf`: every field has its default, and times are in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from appliance.core.errors import UserError
from appliance.core.model import Node

MediumKind: TypeAlias = Literal["ucast", "bcast", "serial"]
Synch: TypeAlias = Literal["LAZY", "LOOSE"]
CardDriver: TypeAlias = Literal["tool", "serial"]
Witness: TypeAlias = Literal["OFF", "PREFER", "REQUIRE"]


@dataclass(frozen=True, slots=True)
class Medium:
    """Path of Heartbeat's own messages between the nodes.

    `device` is a network interface, or a tty when `kind` is serial. `argument` is the peer's address for
    ucast, the baud rate for serial ("" is Heartbeat's own default), and "" for bcast.
    """

    kind: MediumKind
    device: str
    argument: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conf:
    """Values of the whole conf file. An empty text or tuple means: not there, or off."""

    # the cluster
    cluster_ip: str = ""
    primary_name: str = "haprimary"
    secondary_name: str = "hastandby"
    use_cluster: bool = False  # telephones are provisioned with the cluster address

    # data kept in step
    synch: Synch = "LAZY"
    ssh_port: int = 22
    asterisk_dir: Path = Path("/etc/asterisk")
    db: Path = Path("/opt/sark/db/sark.db")
    greetings: Path = Path("/var/lib/asterisk/sounds")
    others: tuple[Path, ...] = ()
    postsync: str = "/opt/sark/scripts/srkgenAst"
    restart: bool = False
    rsync: Path = Path("/usr/bin/rsync")
    telephony: str = ""
    voicemail: Path = Path("/var/spool/asterisk/voicemail")
    primary_addr: str = ""  # empty: the node's name
    secondary_addr: str = ""
    astdb: Path = Path("/var/lib/asterisk/astdb.sqlite3")
    sync_period: float = 60.0
    sync_stale: float = 300.0
    sync_max_loss: int = 50  # percent
    sync_special_bits: bool = False
    merge_deadline: float = 5.0
    postsync_deadline: float = 60.0

    # the relay card
    card_installed: bool = False
    card_tty: Path = Path("/dev/ttyUSB0")
    card_tool: Path = Path("/usr/local/bin/rhinofailover")
    card_driver: CardDriver = "tool"
    card_profile: str = "assumed-ascii"
    card_relay: int = 0
    card_spans: tuple[int, ...] = ()  # empty: every span
    card_deadline: float = 2.0

    # Heartbeat
    device: str = "eth0"
    prefix: int = 24
    media: tuple[Medium, ...] = (Medium("bcast", "eth0"),)
    udp_port: int = 694
    keepalive: float = 0.2
    warntime: float = 1.0
    deadtime: float = 2.0
    initdead: float = 120.0
    auto_failback: bool = False
    failback_wait: float = 60.0
    witness: Witness = "OFF"
    witness_wait: float = 5.0

    # watching
    probe_period: float = 1.0
    probe_deadline: float = 1.0
    rise: int = 2
    fall: int = 3
    line_dwell: float = 1.0
    move_dwell: float = 15.0
    line_deadline: float = 8.0
    dchannel_deadline: float = 8.0
    pbx_start_deadline: float = 60.0
    pbx_stop_deadline: float = 5.0
    peer_max_age: float = 5.0

    # Asterisk
    pbx_program: str = "asterisk"
    pbx_pidfile: Path = Path("/var/run/asterisk/asterisk.pid")
    ami_port: int = 5038
    ami_user: str = ""  # empty: the AMI probe is off
    ami_secret: str = field(default="", repr=False)
    sip_port: int = 5060  # 0: the SIP probe is off

    # being told
    mail_to: str = ""
    notify_from: str = ""  # empty: asha@ this machine's name
    notify_smtp: str = ""  # empty: sendmail
    notify_tls: bool = False
    notify_user: str = ""
    notify_password: str = field(default="", repr=False)
    notify_syslog: bool = False
    notify_webhook: str = field(default="", repr=False)
    notify_trap: str = ""
    notify_community: str = field(default="", repr=False)  # empty: public

    # the panel
    panel_on: bool = True
    panel_addr: str = "127.0.0.1"
    panel_port: int = 8443
    panel_prefix: str = ""  # empty: at /
    panel_proxy: bool = False
    panel_cert: Path = Path("/etc/asha/panel.crt")
    panel_key: Path = Path("/etc/asha/panel.key")

    # the rest
    watchdog: str = ""  # empty: off
    dahdi_root: Path = Path("/")


# Identity of this machine: which node of the pair it is.


def which_node(conf: Conf, uname: str) -> Node:
    """Return the node whose name is exactly `uname`, as 'uname -n' prints it.

    Heartbeat finds its nodes in the same way.

    Raises UserError when neither node has that name, and tells when a name differs only in its domain or in
    upper and lower case.
    """
    if uname == conf.primary_name:
        return Node.PRIMARY
    if uname == conf.secondary_name:
        return Node.SECONDARY
    names = (("HAPRINODE", conf.primary_name), ("HASECNODE", conf.secondary_name))
    almost = [(key, name, how) for key, name in names if (how := _almost(uname, name))]
    if almost:
        raise _almost_error(uname, almost)
    raise UserError(
        f"This machine is '{uname}' (uname -n), which is neither HAPRINODE ({conf.primary_name}) nor "
        f"HASECNODE ({conf.secondary_name}).",
        todo="Give the name of each node as 'uname -n' prints it there, the same in both conf files.",
    )


def _almost(uname: str, name: str) -> str:
    """Return how the two names differ when they differ only in form, else ""."""
    ours, theirs = uname.casefold(), name.casefold()
    if ours == theirs:
        return "in upper and lower case"
    if ours.startswith(f"{theirs}.") or theirs.startswith(f"{ours}."):
        return "in the domain"
    return ""


def _almost_error(uname: str, almost: list[tuple[str, str, str]]) -> UserError:
    differences = "; ".join(f"it differs from {key} ({name}) only {how}" for key, name, how in almost)
    key = almost[0][0]
    return UserError(
        f"This machine is '{uname}' (uname -n), which is not exactly one of the two nodes: {differences}.",
        todo=f"Make the names equal: 'asha conf set {key} {uname}' on both nodes, or give this machine "
        f"the name {almost[0][1]}.",
    )
