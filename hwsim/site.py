"""The files that an installer would put on the two machines, as text; `rack` puts them there."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from hwsim.card import berofos
from hwsim.dahdi.cards import R1T1, SpanCard
from hwsim.nodes.engines import HEARTBEAT, Engine
from hwsim.nodes.network import CLUSTER_ADDRESS, Network
from hwsim.telephones.conf import PJSIP, Driver

PRIMARY_NAME, SECONDARY_NAME = "haprimary", "hastandby"
AMI_USER, AMI_SECRET = "asha", "rack"
# The conf values of a site whose data are kept in step: the data travel over the service LAN.
SYNCHRONISED: Mapping[str, str] = MappingProxyType(
    {
        "HASYNCH": "LAZY",
        "HAPRIADDR": Network.address("primary", "eth0"),
        "HASECADDR": Network.address("secondary", "eth0"),
    }
)


RELAY_AT, RELAY_WATCHDOG = "10.77.0.70", 8.0
# What the conf file says besides of a relay on the network, by its RELAYDRIVER.
ON_NETWORK: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        berofos.DRIVER: {
            "RELAYDEVICE": RELAY_AT,
            "RELAYPASSWORD": berofos.PASSWORD,
            "RELAYWATCHDOG": f"{RELAY_WATCHDOG:g}",
        }
    }
)

# The relays that have a watchdog of their own; RELAYWATCHDOG's default is as long as what is written above.
WITH_WATCHDOG = frozenset({berofos.DRIVER, "modbus-wirenboard"})


@dataclass(frozen=True, slots=True)
class Site:
    """The setup of a rack's pair; times in seconds; `extra` is added to the conf file.

    `boot_time` is how long the stand-in Asterisk takes to boot. It is *assumed*, and printed with every result that
    contains it: a real one with 300 telephones takes about a second (docs/facts/asterisk.md). `profile` names the
    span driver that the line imitates.
    `names` are the machines' names as 'uname -n' prints them: primary, secondary. `cards` are the telephone
    cards that DAHDI shows on each machine. `asha` is the product's program, and `python` the interpreter that
    runs it; blank where asha was installed with a Python of its own.
    `disk_size` is each machine's, in bytes; 0 for no limit. With `telephones`, so many are outside, and both machines
    run a real Asterisk instead of the stand-in, with `sip_driver`. `engine` is the cluster engine that both machines
    run; `others` are installed beside it. With `own_clocks` each machine's wall clock can be stepped by itself.
    `relay` is what moves the line: a board or a device on the network by its RELAYDRIVER, or "" for the Rhino card.
    `guests` are the names of further machines on the LAN, without asha, on each of which `engine` is installed.
    """

    keepalive: float = 0.2
    deadtime: float = 2.0
    initdead: float = 3.0
    boot_time: float = 0.4
    profile: str = "r1t1"
    move_dwell: float = 15.0
    names: tuple[str, str] = (PRIMARY_NAME, SECONDARY_NAME)
    cards: tuple[SpanCard, ...] = (R1T1,)
    python: str = sys.executable
    asha: str = field(default_factory=lambda: _product("asha"))
    extra: Mapping[str, str] = field(default_factory=dict)
    disk_size: int = 0
    telephones: int = 0
    sip_driver: Driver = PJSIP
    engine: Engine = HEARTBEAT
    others: tuple[Engine, ...] = ()
    own_clocks: bool = False
    relay: str = ""
    guests: tuple[str, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """The cluster's addresses as the conf file has them, without prefix length."""
        first = self.extra.get("HACLUSTERIP", CLUSTER_ADDRESS)
        second = self.extra.get("HACLUSTERIP6", "").partition("/")[0]
        return tuple(filter(None, (first, second)))

    @property
    def has_ipv6(self) -> bool:
        """Whether the conf file names an address of IPv6."""
        return "HACLUSTERIP6" in self.extra

    def with_initdead(self, seconds: float) -> Site:
        """Return the same site, waiting `seconds` for the peer at start."""
        return replace(self, initdead=seconds)

    def with_conf(self, extra: Mapping[str, str]) -> Site:
        """Return the same site, with more values in its conf file."""
        return replace(self, extra={**self.extra, **extra})

    def with_engine(self, engine: Engine) -> Site:
        """Return the same site, run by `engine`."""
        return replace(self, engine=engine)

    @property
    def relay_watchdog(self) -> float:
        """Seconds after which the relay's own watchdog takes the line from a primary that hangs; 0: it keeps it."""
        return RELAY_WATCHDOG if self.relay in WITH_WATCHDOG else 0.0

    def with_relay(self, relay: str) -> Site:
        """Return the same site, whose line `relay` moves."""
        return replace(self, relay=relay)

    @property
    def program(self) -> list[str]:
        """The words that run `asha`; the command's own words follow."""
        return [self.python, "-u", self.asha] if self.python else [self.asha]

    def conf(self, dahdi_root: Path) -> str:
        """Return /etc/asha.conf, the same on both nodes except where their spans are shown."""
        values = {
            "HACLUSTERIP": CLUSTER_ADDRESS,
            "HAPRINODE": self.names[0],
            "HASECNODE": self.names[1],
            "HAMEDIA": _media(),
            "HAKEEPALIVE": f"{self.keepalive * 1000:.0f}ms",
            "HADEADTIME": f"{self.deadtime * 1000:.0f}ms",
            "HAWARNTIME": f"{self.deadtime * 500:.0f}ms",
            "HAINITDEAD": f"{self.initdead * 1000:.0f}ms",
            **({"RELAYDRIVER": self.relay} if self.relay else {"RHINOSPF": "YES"}),
            **ON_NETWORK.get(self.relay, {}),
            "MOVEDWELL": f"{self.move_dwell * 1000:.0f}ms",
            "DAHDIROOT": str(dahdi_root),
            "AMIUSER": AMI_USER,
            "AMISECRET": AMI_SECRET,
            "HASYNCH": "LOOSE",  # scenarios about the data override this
            "HAENGINE": self.engine.name,
            **self.extra,
        }
        return "".join(f"{key}={value}\n" for key, value in values.items())

    @property
    def manager_conf(self) -> str:
        """Asterisk's manager.conf with a user for asha."""
        return (
            "[general]\nenabled = yes\nport = 5038\nbindaddr = 127.0.0.1\n\n"
            f"[{AMI_USER}]\nsecret = {AMI_SECRET}\nread = system,command\nwrite = system,command\n"
        )

    def asterisk_conf(self, line_socket: Path) -> str:
        """Return the conf file of the stand-in Asterisk."""
        return (
            f"[asterisk]\nboot_time = {self.boot_time}\nline_socket = {line_socket}\n"
            "manager_conf = /etc/asterisk/manager.conf\nlog = /var/log/asterisk/messages\n"
        )


def _media() -> str:
    """Return HAMEDIA for both cables; a node ignores the entry that names itself."""
    nodes = ("primary", "secondary")
    peers = [f"ucast {link} {Network.address(node, link)}" for link in ("eth0", "eth1") for node in nodes]
    return ", ".join(peers)


def _product(name: str) -> str:
    """Return the product's command: beside this Python, or on PATH."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else (shutil.which(name) or name)
