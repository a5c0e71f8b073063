"""Keys of asha 1.0.0-2, in the order of its conf file; the first lines of comment are from that file too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from appliance.config.key import Comment, Effect, Group, Tab
from appliance.config.value_types import (
    COMMAND,
    DIRECTORY,
    DIRECTORY_OR_FILE,
    DIRECTORY_TEXT,
    FILE,
    IPV4,
    NODE_NAME,
    PORT,
    YES_NO,
    choice,
)

Synch: TypeAlias = Literal["LAZY", "LOOSE"]


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class OriginalKeys:
    """Keys of asha 1.0.0-2."""

    cluster_ip: str = Comment(
        "virtual IP of the HA cluster",
        "A free static address on the subnet of HADEV. The active node holds it, and the",
        "phones register to it. Blank: the cluster is not set up yet.",
    ).key(
        "HACLUSTERIP",
        IPV4,
        "",
        Group.PAIR,
        "192.168.1.5",
        tab=Tab(1, "HA IP Address", first=True),
        effect=Effect.ENGINE_OFF,
        may_be_off=True,
        original=True,
    )
    primary_name: str = Comment(
        "primary node name",
        "What 'uname -n' prints there, with or without a domain as it does, in capitals or not.",
        "The relay card, if there is one, is in this node.",
    ).key(
        "HAPRINODE",
        NODE_NAME,
        "haprimary",
        Group.PAIR,
        "pbx1.example.com",
        tab=Tab(1, "HA Primary Node", first=True),
        effect=Effect.ENGINE_OFF,
        original=True,
    )
    secondary_name: str = Comment("secondary node name", "What 'uname -n' prints there.").key(
        "HASECNODE",
        NODE_NAME,
        "hastandby",
        Group.PAIR,
        "pbx2.example.com",
        tab=Tab(1, "HA Failover Node", first=True),
        effect=Effect.ENGINE_OFF,
        original=True,
    )
    synch: Synch = Comment(
        "sync mode (LAZY or LOOSE)",
        "LAZY: the standby fetches the data from the active node every minute.",
        "LOOSE: nothing is synchronised.",
    ).key(
        "HASYNCH",
        choice("LAZY", "LOOSE"),
        "LAZY",
        Group.DATA,
        "LOOSE",
        tab=Tab(0, "HA Synch Mode", first=True),
        original=True,
    )
    ssh_port: int = Comment(
        "ssh port on the primary",
        "Use the same port on the secondary: the way back after a failover needs it.",
    ).key("HASSHPORT", PORT, 22, Group.DATA, "2222", tab=Tab(4, "ssh Port"), original=True)
    asterisk_dir: Path = Comment("asterisk conf file directory").key(
        "ASTERISK", DIRECTORY, Path("/etc/asterisk"), Group.DATA, "/etc/asterisk", original=True
    )
    db: Path = Comment("database file (N.B. this is a FILE not a directory)").key(
        "DB", FILE, Path("/opt/sark/db/sark.db"), Group.DATA, "/opt/sark/db/sark.db", original=True
    )
    greetings: Path = Comment("your greeting file directory").key(
        "GREETINGS",
        DIRECTORY,
        Path("/var/lib/asterisk/sounds"),
        Group.DATA,
        "/var/lib/asterisk/sounds",
        original=True,
    )
    others: tuple[Path, ...] = Comment(
        "user sync nodes - specify any other directories you want to sync",
        "A file may be named too. No pattern and no ~: one full path in each.",
        "Leave blank what you do not need.",
    ).slots(
        {"OTHER1": "/var/spool/asterisk/monitor", "OTHER2": "/var/lib/asterisk/moh", "OTHER3": "/srv/tftp"},
        DIRECTORY_OR_FILE,
        Group.DATA,
        more="one more directory or file to sync",
        original=True,
    )
    postsync: str = Comment(
        "post rsync job to run",
        "A program with its arguments, run on the standby after data has arrived. No shell",
        "reads it: what needs && or > goes into a script, whose path stands here. Blank: none.",
    ).key(
        "POSTSYNC",
        COMMAND,
        "/opt/sark/scripts/srkgenAst",
        Group.DATA,
        "/opt/sark/scripts/srkgenAst",
        may_be_off=True,
        original=True,
    )
    restart: bool = Comment(
        "attempt restart if no failover running? (YES/NO) - default is NO. Do NOT set this to YES",
        "unless you absolutely know what you are doing.",
        "YES: when Asterisk dies and no standby could take over, it is started again here.",
        "Either way it is when a standby is there, but cut off from the LAN.",
    ).key("RESTART", YES_NO, False, Group.PBX, "YES", original=True)
    card_installed: bool = Comment(
        "rhino failover card installed? (YES/NO)",
        "The same on both nodes, though the card is in the primary only.",
    ).key(
        "RHINOSPF",
        YES_NO,
        False,
        Group.CARD,
        "YES",
        tab=Tab(6, "Rhino Failover Card", first=True),
        effect=Effect.ENGINE_OFF,
        original=True,
    )
    rsync: Path = Comment("rsync program location").key(
        "RSYNC", FILE, Path("/usr/bin/rsync"), Group.DATA, "/usr/local/bin/rsync", original=True
    )
    telephony: str = Comment(
        "dahdi directory (usually /etc/dahdi) - only include if you want it sync'ed",
        "What arrives is checked against this node's own spans before it is put in place ('asha dahdi fit').",
        "assigned-spans.conf, span-types.conf and xpp_order describe slots and stay on their node.",
    ).key("TELEPHONY", DIRECTORY_TEXT, "", Group.DATA, "/etc/dahdi", may_be_off=True, original=True)
    voicemail: Path = Comment("voicemail directory").key(
        "VOICEMAIL",
        DIRECTORY,
        Path("/var/spool/asterisk/voicemail"),
        Group.DATA,
        "/var/spool/asterisk/voicemail",
        original=True,
    )
