"""Keys added since asha 1.0.0-2 for the data kept in step, the cluster address, the relay card and Heartbeat."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from appliance.config.key import Comment, Effect, Group, Tab
from appliance.config.media import MEDIA, Medium
from appliance.config.value_types import (
    ADDRESS_OR_NAME,
    COMMAND,
    CONTACTS,
    DEADLINE,
    DEVICE,
    DWELL,
    FILE,
    HOSTS,
    IPV6,
    ON_OFF,
    PORT,
    RELAY_DEVICE,
    RELAY_PASSWORD,
    SPANS,
    WORD_OR_PATH,
    YES_NO,
    choice,
    duration,
    whole,
)
from appliance.core.relay_facts import RELAYS

CardDriver: TypeAlias = Literal["tool", "serial"]
LanSource: TypeAlias = Literal["route", "bind", "off"]
EngineChoice: TypeAlias = Literal["auto", "heartbeat", "pacemaker"]
Witness: TypeAlias = Literal["OFF", "PREFER", "REQUIRE"]


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class ClusterKeys:
    """Keys of what makes two servers a pair."""

    primary_addr: str = Comment(
        "where the primary node is reached by ssh: a name, or an IPv4 or IPv6 address",
        "Blank: the primary node's name is used, which must then be in /etc/hosts or in the DNS.",
    ).key(
        "HAPRIADDR",
        ADDRESS_OR_NAME,
        "",
        Group.DATA,
        "192.168.1.6",
        tab=Tab(3, "Primary's own Address"),
        may_be_off=True,
    )
    secondary_addr: str = Comment(
        "where the secondary node is reached by ssh: a name, or an IPv4 or IPv6 address",
        "Blank: the secondary node's name is used, which must then be in /etc/hosts or in the DNS.",
    ).key(
        "HASECADDR",
        ADDRESS_OR_NAME,
        "",
        Group.DATA,
        "192.168.1.7",
        tab=Tab(3, "Failover Node's own Address"),
        may_be_off=True,
    )
    astdb: Path = Comment(
        "Asterisk's own database, where it keeps registrations and call forwards",
        "Copied like DB when it is there and is an SQLite file (Asterisk 10 and later).",
    ).key(
        "ASTDB", FILE, Path("/var/lib/asterisk/astdb.sqlite3"), Group.DATA, "/var/lib/asterisk/astdb.sqlite3"
    )
    sync_period: float = Comment(
        "how often the standby looks at all the data, whether anything was noticed or not",
        "A change on the active node is fetched at once; this is for what was not noticed.",
    ).key("SYNCPERIOD", duration(5000), 60.0, Group.DATA, "30")
    sync_stale: float = Comment("age of the standby's data from which 'asha status' calls it stale").key(
        "SYNCSTALE", duration(10000), 300.0, Group.DATA, "600"
    )
    sync_max_loss: int = Comment(
        "share of a directory's files that may vanish at once, in percent",
        "More is taken for a sick source: nothing is synchronised until 'asha sync --now",
        "--accept-loss' says that it is meant. 100 never refuses.",
    ).key("SYNCMAXLOSS", whole(1, 100, "a percentage"), 50, Group.DATA, "20")
    sync_special_bits: bool = Comment(
        "carry set-user-ID and set-group-ID, file capabilities and other privileged attributes? (on/off)",
        "Off: mode 4755 there is 755 here, 2775 of a shared directory 775, and attributes security.* and",
        "trusted.* are left out, so that nobody who may write there becomes root here. Turn it on, on both",
        "nodes, when programs or directories in the trees need them and only root may write there.",
    ).key("SYNCSPECIALBITS", ON_OFF, False, Group.DATA, "on")
    merge_deadline: float = Comment(
        "how long Asterisk's start on the primary waits for the secondary's last changes, in a planned move",
        "What has not come by then is merged while Asterisk serves, as after every other move to the primary.",
    ).key("MERGEDEADLINE", DEADLINE, 5.0, Group.DATA, "10")
    postsync_deadline: float = Comment("how long POSTSYNC may take before it is killed").key(
        "POSTSYNCDEADLINE", DEADLINE, 60.0, Group.DATA, "30"
    )
    device: str = Comment(
        "network interface that carries HACLUSTERIP, the same on both nodes",
        "When you change it, look at HAMEDIA too.",
    ).key(
        "HADEV", DEVICE, "eth0", Group.PAIR, "eth1", tab=Tab(2, "Network Interface"), effect=Effect.ENGINE_OFF
    )
    prefix: int = Comment("prefix length of HACLUSTERIP's subnet (24 is 255.255.255.0)").key(
        "HAPREFIX",
        whole(1, 32, "a prefix length"),
        24,
        Group.PAIR,
        "16",
        tab=Tab(2, "Prefix Length"),
        effect=Effect.ENGINE_OFF,
    )
    cluster_ipv6: str = Comment(
        "virtual IPv6 address of the HA cluster, with its prefix length",
        "Beside HACLUSTERIP for telephones of both kinds, or alone with HACLUSTERIP blank. A free static",
        "address on HADEV's IPv6 subnet, spelt as RFC 5952 has it. The active node holds both. Whether this",
        "node reaches the LAN is judged by HACLUSTERIP where that is set. Blank: none.",
    ).key(
        "HACLUSTERIP6",
        IPV6,
        "",
        Group.PAIR,
        "2001:db8::5/64",
        tab=Tab(2, "HA IPv6 Address"),
        effect=Effect.ENGINE_OFF,
        may_be_off=True,
    )
    ping: tuple[str, ...] = Comment(
        "hosts of the LAN that are always there: the gateway, a switch, a telephone, with commas between",
        "They are asked once a second (by ARP; of IPv6, by neighbour discovery), so they must be in",
        "HACLUSTERIP's subnet or in that of HACLUSTERIP6. When none of them",
        "answers, nor the other node, this node is cut off from the telephones, whatever its cable says.",
        "Blank: when only the other node can be asked and is silent, that is not known.",
    ).key(
        "HAPING",
        HOSTS,
        (),
        Group.PAIR,
        "192.168.1.1, 192.168.1.20",
        tab=Tab(2, "Hosts on the LAN"),
        may_be_off=True,
    )
    lan_source: LanSource = Comment(
        "address from which the active node speaks to the LAN (route, bind or off)",
        "route: HACLUSTERIP, by routes that asha adds on HADEV while the address is here, so that",
        "Asterisk answers telephones from the address they asked. The other node is still reached from",
        "this node's own.",
        "bind: Asterisk itself is bound to HACLUSTERIP ('bind' in pjsip.conf, 'udpbindaddr' in sip.conf),",
        "and asha asks it there.",
        "off: the node's own address; telephones behind a stateful filter may then hear no answer.",
    ).key(
        "HASOURCE", choice("route", "bind", "off"), "route", Group.PAIR, "bind", tab=Tab(2, "Source Address")
    )
    use_cluster: bool = Comment(
        "provision with cluster IP? (YES/NO)",
        "YES: telephones are provisioned to register to HACLUSTERIP, or HACLUSTERIP6 where that is alone, so",
        "that they follow a failover.",
        "NO: to this node's own address on HADEV. 'asha provision-address' says which.",
    ).key(
        "HAUSECLUSTER", YES_NO, False, Group.PAIR, "YES", tab=Tab(1, "Provision with Cluster IP", first=True)
    )
    card_tty: Path = Comment(
        "tty of the relay card",
        "Where the card is looked for first. After it was found once it is known by its USB",
        "identity, so a changed number does no harm.",
    ).key(
        "RHINOUSB",
        FILE,
        Path("/dev/ttyUSB0"),
        Group.CARD,
        "/dev/ttyUSB1",
        tab=Tab(6, "Card's tty"),
        per_node=True,
    )
    card_driver: CardDriver = Comment(
        "how to talk to the card (tool or serial)",
        "tool: run the vendor's program RHINOTOOL, the one documented way.",
        "serial: speak on the tty ourselves, in the words of RHINOPROFILE.",
    ).key("RHINODRIVER", choice("tool", "serial"), "tool", Group.CARD, "serial", per_node=True)
    card_tool: Path = Comment("the vendor's program (RHINODRIVER=tool)").key(
        "RHINOTOOL",
        FILE,
        Path("/usr/local/bin/rhinofailover"),
        Group.CARD,
        "/usr/local/bin/rhinofailover",
        per_node=True,
    )
    card_profile: str = Comment(
        "the card's language (RHINODRIVER=serial): a built-in profile, or the path of a learned one",
        "assumed-ascii is a guess: the bytes on the wire are published nowhere. Learn your own",
        "card's with 'asha card learn'.",
    ).key(
        "RHINOPROFILE",
        WORD_OR_PATH,
        "assumed-ascii",
        Group.CARD,
        "/etc/asha/rhino-profile.toml",
        per_node=True,
    )
    card_relay: int = Comment("number of the relay on the card", "0 is the only one ever documented.").key(
        "RHINORELAY", whole(0, 15, "a relay number"), 0, Group.CARD, "0", per_node=True
    )
    relay_driver: str = Comment(
        "relay that moves the line, instead of the Rhino card: how it is spoken to",
        "Which word is for which board: docs/hardware.md. The same on both nodes; RHINOSPF is then NO.",
        "EXPERIMENTAL: none of them was tried on a real board.",
        "Blank: no such board. Whether there is the Rhino card, RHINOSPF says.",
    ).key(
        "RELAYDRIVER",
        choice(*RELAYS),
        "",
        Group.CARD,
        "lcus",
        tab=Tab(6, "Relay Board"),
        effect=Effect.ENGINE_OFF,
        may_be_off=True,
    )
    relay_device: str = Comment(
        "where the relay (RELAYDRIVER) is: its tty, its /dev/hidraw, or its IPv4 address",
        "After an address :port if that is not the usual one. A board is first looked for at its tty or",
        "/dev/hidraw; without a USB serial number it is then known by its port. Blank: the tty of RHINOUSB;",
        "with RELAYDRIVER=dcttech the only such board that is plugged in.",
    ).key(
        "RELAYDEVICE",
        RELAY_DEVICE,
        "",
        Group.CARD,
        "/dev/ttyACM0",
        may_be_off=True,
    )
    relay_contacts: tuple[int, ...] = Comment(
        "contacts of the relay board that carry the line together, with commas between",
        "Numbered as the board's own commands count: Numato from 0, the others from 1.",
        "Blank: the first one, which drives signal relays that switch all wires (docs/hardware.md).",
    ).key(
        "RELAYCONTACTS",
        CONTACTS,
        (),
        Group.CARD,
        "1,2,3,4",
        tab=Tab(6, "Contacts of the Line"),
        effect=Effect.ENGINE_OFF,
        may_be_off=True,
    )
    relay_password: str = Comment(
        "password of a relay device on the network (RELAYDRIVER), for its user admin",
        "It travels unencrypted: the device knows no TLS. Blank: none.",
    ).key("RELAYPASSWORD", RELAY_PASSWORD, "", Group.CARD, "a-secret", may_be_off=True, secret=True)
    relay_watchdog: int = Comment(
        "seconds after which a relay's own watchdog takes the line from a primary that hangs",
        "Only for devices that have one (docs/hardware.md). At least HADEADTIME, and at most",
        "PBXSTOPDEADLINE and 4 s.",
    ).key(
        "RELAYWATCHDOG",
        whole(3, 600, "seconds"),
        8,
        Group.CARD,
        "5",
        tab=Tab(8, "Relay Watchdog"),
        effect=Effect.ENGINE_OFF,
    )
    card_spans: tuple[int, ...] = Comment(
        "DAHDI spans that hang on the relay, with commas between",
        "Blank: every span. Name them when this server has other lines too.",
    ).key(
        "RHINOSPANS",
        SPANS,
        (),
        Group.CARD,
        "1,2",
        tab=Tab(6, "Spans on the Card"),
        may_be_off=True,
        per_node=True,
    )
    card_deadline: float = Comment("longest one command to the card may take").key(
        "CARDDEADLINE", DEADLINE, 2.0, Group.CARD, "500ms", tab=Tab(8, "Card Deadline")
    )
    engine: EngineChoice = Comment(
        "cluster engine, the same on both nodes (auto, heartbeat or pacemaker)",
        "auto: the one that runs, else the one this node was set up with, else (a new pair) Pacemaker",
        "where it is installed, else Heartbeat. Where both are, a new pair takes Heartbeat when this",
        "file has what Pacemaker cannot do (see below). 'asha check' says which, and why.",
        "pacemaker: Pacemaker on Corosync, which is EXPERIMENTAL here. It needs 'ucast' in HAMEDIA and an",
        "HADEADTIME of 1 s or more.",
    ).key(
        "HAENGINE",
        choice("auto", "heartbeat", "pacemaker"),
        "auto",
        Group.HEARTBEAT,
        "heartbeat",
        tab=Tab(5, "HA Engine"),
        effect=Effect.ENGINE_OFF,
    )
    media: tuple[Medium, ...] = Comment(
        "paths of the HA engine's messages between the nodes, with commas between",
        "ucast DEV PEERADDR, bcast DEV, serial TTY [BAUD]. Give two that share no switch and no",
        "cable: when the only path is cut, both nodes think the other is dead. PEERADDR is the",
        "other node's own address, so with ucast this line differs between the nodes.",
    ).key(
        "HAMEDIA",
        MEDIA,
        (Medium("bcast", "eth0"),),
        Group.HEARTBEAT,
        "ucast eth0 192.168.1.12, serial /dev/ttyS0 19200",
        tab=Tab(5, "HA Paths"),
        effect=Effect.ENGINE_START,
        per_node=True,
    )
    udp_port: int = Comment("UDP port of the HA engine's messages").key(
        "HAUDPPORT",
        PORT,
        694,
        Group.HEARTBEAT,
        "695",
        tab=Tab(5, "HA UDP Port"),
        effect=Effect.ENGINE_START,
    )
    keepalive: float = Comment("time between two of the HA engine's messages").key(
        "HAKEEPALIVE",
        DEADLINE,
        0.2,
        Group.HEARTBEAT,
        "500ms",
        tab=Tab(7, "Keepalive"),
        effect=Effect.ENGINE_START,
    )
    warntime: float = Comment("silence of the other node after which Heartbeat warns in its log").key(
        "HAWARNTIME",
        DEADLINE,
        1.0,
        Group.HEARTBEAT,
        "1500ms",
        tab=Tab(7, "Warn Time"),
        effect=Effect.ENGINE_START,
    )
    deadtime: float = Comment(
        "silence of the other node after which it is taken for dead",
        "Too short, and a busy network makes both nodes active.",
        "Keep HAKEEPALIVE < HAWARNTIME < HADEADTIME < HAINITDEAD.",
    ).key(
        "HADEADTIME",
        DEADLINE,
        2.0,
        Group.HEARTBEAT,
        "10",
        tab=Tab(7, "Dead Time"),
        effect=Effect.ENGINE_START,
    )
    initdead: float = Comment(
        "how long a node that starts first waits for the other node before it goes on alone"
    ).key(
        "HAINITDEAD",
        DEADLINE,
        120.0,
        Group.HEARTBEAT,
        "60",
        tab=Tab(7, "Initial Dead Time"),
        effect=Effect.ENGINE_START,
    )
    auto_failback: bool = Comment(
        "fail back automatically when the primary returns? (on/off)",
        "Most users run with this off and go back by 'asha failback' at a quiet hour.",
        "Either way the secondary's data are merged into the primary's first.",
    ).key("HAAUTOFAILBACK", ON_OFF, False, Group.HEARTBEAT, "on", tab=Tab(1, "HA Auto-Failback", first=True))
    failback_wait: float = Comment(
        "how long the primary must have been fit and its data merged before it goes back automatically"
    ).key("FAILBACKWAIT", DWELL, 60.0, Group.HEARTBEAT, "600", tab=Tab(7, "Wait before Auto-Failback"))
    witness: Witness = Comment(
        "does the line itself say whether the primary is down? (OFF, PREFER or REQUIRE)",
        "The line falls to the secondary when the primary loses power or lets go of it.",
        "OFF: the HA engine alone decides.",
        "PREFER: a secondary whose peer is silent waits HAWITNESSWAIT for the line, then acts.",
        "REQUIRE: it waits until the line arrives, and leaves HACLUSTERIP to the primary meanwhile.",
        "With any of them a primary that cannot serve, or that is cut off from the LAN, lets the line go when",
        "it hears nothing of the secondary, and so tells it.",
    ).key(
        "HAWITNESS",
        choice("OFF", "PREFER", "REQUIRE"),
        "OFF",
        Group.HEARTBEAT,
        "PREFER",
        tab=Tab(7, "Line as Witness"),
    )
    line_fail: str = Comment(
        "the line is gone here and is at the other node: does service follow it? (FAILOVER or STAY)",
        "FAILOVER: yes, after LINEDWELL, when the other node is fit.",
        "STAY: service stays where it is, and an alert says where the line is.",
        "A line that is gone on both nodes is the provider's, and moves nothing either way.",
    ).key(
        "HALINEFAIL",
        choice("FAILOVER", "STAY"),
        "FAILOVER",
        Group.HEARTBEAT,
        "STAY",
        tab=Tab(7, "When the Line Is Lost"),
    )
    fence: str = Comment(
        "command that cuts the other node's power, each node its own: its BMC, a power switch",
        "Run as root by a node that took service over while the other is silent on every link and keeps",
        "the line, or still answers at HACLUSTERIP: a frozen primary above all. Exit status 0 must mean",
        "that the other node is off; anything else means that nobody knows. Never during maintenance or",
        "a drill, never by a node that does not know that it reaches the LAN (HAPING). The program must",
        "belong to root and be writable by root alone: 'asha check' looks. Blank: no power is cut.",
    ).key(
        "HAFENCE",
        COMMAND,
        "",
        Group.HEARTBEAT,
        "/usr/sbin/fence_ipmilan --ip=10.0.0.9 --username=asha --password-script=/etc/asha/bmc --action=off",
        may_be_off=True,
        per_node=True,
    )
    fence_wait: float = Comment(
        "how long HAFENCE may take before it is killed",
        "The secondary begins so much later than the primary would, so that they never shoot each other; the",
        "primary, which notices later, is given PROBERISE and 2 s less. At least PROBERISE and 4 s.",
    ).key("HAFENCEWAIT", DEADLINE, 20.0, Group.HEARTBEAT, "30")
    stonith: bool = Comment(
        "with Pacemaker: is service given only when the other node is surely gone? (YES/NO)",
        "YES: a split leaves exactly one node active. Pacemaker asks fence_asha, which says yes when the",
        "line has come to this node while the other is silent, or when HAFENCE has confirmed that the",
        "other is off. Nobody serves until then. The line tells the primary nothing of a secondary that",
        "was active, so set HAFENCE too: without it a secondary that dies while it serves is replaced",
        "only when somebody says that it is off.",
    ).key("HASTONITH", YES_NO, False, Group.HEARTBEAT, "YES", effect=Effect.ENGINE_START)
    witness_wait: float = Comment("how long HAWITNESS=PREFER waits for the line").key(
        "HAWITNESSWAIT", DWELL, 5.0, Group.HEARTBEAT, "10", tab=Tab(7, "Wait for the Witness")
    )
