"""The cluster engines that a rack's nodes can run: how each is installed, seen running, killed and read.

The rack starts none of them: that is asha's work, or a test's own. It knows an engine as its administrator does, by
packages, processes and logs, and asks neither the engine nor the product who is active (hwsim/service_log.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hwsim.nodes import heartbeat_site, pacemaker_site
from hwsim.nodes.node import Node


@dataclass(frozen=True, slots=True)
class Secret:
    """The file with the key by which the nodes know each other's messages, the same on both."""

    path: str
    text: str
    mode: int


@dataclass(frozen=True, slots=True)
class Engine:
    """A cluster engine.

    `name` is its value of HAENGINE, and `title` what people call it. `packages` are Debian's, and `programs` gives for
    each program that a rack needs of it the places it may be in. `daemons` gives, for the short name of each process
    that a fault may kill, the pattern of its command line; the engine works while the first of them runs. `install`
    prepares a node's disk; its second argument maps host names to addresses. `script` is the program that the engine
    calls for asha's resource, with a verb; `state` is the command of a shell that prints what this program answers to
    the engine's question, running or stopped. `at_rest` is a shell's condition, true on a node while nothing moves
    there and no node is on its way into the cluster. `gives_away` is the command of a shell by which an administrator
    has a node give service to the other without asha's help, and `takes_part` ends what that leaves there. `logs`
    are files on a node, oldest first. `masters` are the daemons that start all others.
    """

    name: str
    title: str
    packages: tuple[str, ...]
    programs: Mapping[str, tuple[str, ...]]
    daemons: Mapping[str, str]
    install: Callable[[Node, Mapping[str, str]], None]
    secret: Secret
    script: str
    state: str
    at_rest: str
    gives_away: str
    takes_part: str
    logs: tuple[str, ...]
    masters: tuple[str, ...]

    @property
    def master(self) -> str:
        """The short name of the process without which the node is not a member of the cluster."""
        return next(iter(self.daemons))


HEARTBEAT = Engine(
    name="heartbeat",
    title="Heartbeat",
    packages=("heartbeat",),
    programs=MappingProxyType(
        {
            "cl_status": ("/usr/bin", "/usr/sbin"),
            "heartbeat": ("/usr/libexec/heartbeat", "/usr/lib/heartbeat", "/usr/lib64/heartbeat"),
        }
    ),
    daemons=MappingProxyType({"heartbeat": "^heartbeat: master control process"}),
    install=heartbeat_site.install,
    secret=Secret("/etc/ha.d/authkeys", "auth 1\n1 sha1 the-rack-has-no-secrets\n", 0o600),
    script="/etc/ha.d/resource.d/asha",
    state="/etc/ha.d/resource.d/asha status",
    # Heartbeat is in transition for some ten seconds after a node was started alone (docs/facts/heartbeat.md).
    at_rest='case "$(cl_status rscstatus)" in local|foreign|all|none) true;; *) false;; esac',
    gives_away="/usr/share/heartbeat/hb_standby all",
    takes_part="true",
    logs=("/var/log/ha-log.1", "/var/log/ha-log"),
    masters=("heartbeat",),
)
PACEMAKER = Engine(
    name="pacemaker",
    title="Pacemaker",
    packages=("corosync", "pacemaker", "pacemaker-cli-utils"),
    programs=MappingProxyType(
        dict.fromkeys(("corosync", "corosync-cfgtool", "pacemakerd", "cibadmin", "crm_mon"), ("/usr/sbin",))
    ),
    daemons=MappingProxyType(
        {
            "corosync": r"^(\S*/)?corosync( |$)",
            "pacemakerd": r"^(\S*/)?pacemakerd( |$)",
            **{
                name: rf"^\S*/pacemaker-{name}( |$)"
                for name in ("based", "fenced", "execd", "attrd", "schedulerd", "controld")
            },
        }
    ),
    install=pacemaker_site.install,
    secret=Secret("/etc/corosync/authkey", "5ec7e7" * 42 + "5ec7", 0o400),  # 256 hexadecimal digits
    script="/usr/lib/ocf/resource.d/asha/service",
    state=(
        "/usr/lib/ocf/resource.d/asha/service monitor; "
        "case $? in 0) echo running;; 7) echo stopped;; *) echo failed;; esac"
    ),
    # Corosync has a member seconds before Pacemaker has taken it in, and the designated controller is idle again.
    # A question that is asked while a controller joins is lost, and crmadmin waits for its answer for 30 s.
    at_rest=(
        "! crm_mon -1 2>&1 | grep -qiE 'pending|unclean' && "
        "timeout 2 crmadmin -S $(crm_mon -1 2>/dev/null | sed -n 's/.*Current DC: \\([^ ]*\\).*/\\1/p') 2>&1 "
        "| grep -q S_IDLE"
    ),
    gives_away="attrd_updater --name standby --update on",
    takes_part="attrd_updater --name standby --delete",
    logs=("/var/log/corosync/corosync.log", "/var/log/pacemaker/pacemaker.log"),
    masters=("corosync", "pacemakerd"),
)
ENGINES: Mapping[str, Engine] = MappingProxyType({engine.name: engine for engine in (HEARTBEAT, PACEMAKER)})
