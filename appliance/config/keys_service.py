"""Keys added since asha 1.0.0-2 for watching and moving, Asterisk, alerts and the panel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from appliance.config.key import Comment, Effect, Group, Tab
from appliance.config.value_types import (
    COUNT,
    DEADLINE,
    DRILL,
    DWELL,
    FILE,
    FILE_TEXT,
    HEADER_SECRET,
    LIMIT,
    LISTEN,
    MAIL,
    ON_OFF,
    ONE_MAIL,
    PATH,
    PORT,
    PORT_OR_OFF,
    PREFIX,
    SERVER,
    TEXT,
    URL,
    WORD,
    WORD_OR_PATH,
    YES_NO,
    choice,
)

PbxStart: TypeAlias = Literal["auto", "plain"]

_HIDDEN = "When it is set, other users must not be able to read this file: chmod o-r."


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class ServiceKeys:
    """Keys of what one server does for itself and tells people."""

    probe_period: float = Comment(
        "time between two probes of Asterisk (AMI, CLI, SIP)",
        "The death of its process needs no probe: the kernel tells at once. Where PROBEDEADLINE or PROBEFALL",
        "is given and this is not, it is 1 s.",
    ).key("PROBEPERIOD", DEADLINE, 0.5, Group.WATCHING, "2", tab=Tab(7, "Probe Period"), earlier=1.0)
    probe_deadline: float = Comment(
        "longest one probe may take",
        "A late answer is no answer, and no answer is not yet a dead Asterisk. Where PROBEPERIOD or PROBEFALL",
        "is given and this is not, it is 1 s. What decides no hang is given 1 s at least.",
    ).key("PROBEDEADLINE", DEADLINE, 0.5, Group.WATCHING, "300ms", tab=Tab(7, "Probe Deadline"), earlier=1.0)
    rise: int = Comment("good probes in a row until a service counts as well again").key(
        "PROBERISE", COUNT, 2, Group.WATCHING, "3", tab=Tab(7, "Good Probes to be well")
    )
    fall: int = Comment(
        "silent probes in a row until a service counts as hung",
        "One that works meanwhile, or whose console answers, is given longer: docs/bound.md.",
    ).key("PROBEFALL", COUNT, 3, Group.WATCHING, "5", tab=Tab(7, "Silent Probes to be hung"), earlier=3)
    line_dwell: float = Comment("how long an alarm must stand before the line counts as gone").key(
        "LINEDWELL", DWELL, 1.0, Group.WATCHING, "2", tab=Tab(7, "Line Dwell")
    )
    lan_dwell: float = Comment(
        "how long the LAN must be cut, or be back, before that counts",
        "Service goes to the other node when only this one is cut off from the LAN. Keep it above the time",
        "in which a restarting switch gives its ports back one after the other.",
    ).key("LANDWELL", DWELL, 5.0, Group.WATCHING, "10", tab=Tab(7, "LAN Dwell"))
    move_dwell: float = Comment(
        "least time between two moves of the relay",
        "Keep it well above 7 s: a line that leaves and comes back sooner can leave Asterisk",
        "believing in a D-channel that is gone. Letting the line go is never held up. It doubles with each",
        "move of the last ten minutes; 'asha takeover', 'asha standby' and 'asha cleanup' end that.",
    ).key("MOVEDWELL", DWELL, 15.0, Group.WATCHING, "30", tab=Tab(7, "Move Dwell"))
    move_limit: int = Comment(
        "moves of service within an hour after which it moves automatically only in need (0: no limit)",
        "Then it leaves a node only when that cannot serve at all, and 'asha cleanup' says that somebody has",
        "looked. It also ends when the moves are an hour old.",
    ).key("MOVELIMIT", LIMIT, 6, Group.WATCHING, "10", tab=Tab(7, "Moves per Hour"))
    line_deadline: float = Comment(
        "from the relay's move until the span's alarm must be clear",
        "Most drivers hold a returning line for 5 s on their own.",
    ).key("LINEDEADLINE", DEADLINE, 8.0, Group.WATCHING, "10", tab=Tab(7, "Line Deadline"))
    dchannel_deadline: float = Comment("from the clear alarm until the D-channel must be up").key(
        "DCHANNELDEADLINE", DEADLINE, 8.0, Group.WATCHING, "12", tab=Tab(7, "D-channel Deadline")
    )
    peer_max_age: float = Comment("age after which what the other node said of itself counts as unknown").key(
        "PEERMAXAGE", DEADLINE, 5.0, Group.WATCHING, "10"
    )
    drill: str = Comment(
        "when the primary holds a drill automatically: service goes to the secondary and comes back",
        "off, or weekly with a day and a time at which nobody calls.",
        "It is held only while no call is up and the standby is ready, within an hour of that time;",
        "otherwise the journal says why it was skipped. See 'asha drill'.",
    ).key("DRILL", DRILL, "off", Group.WATCHING, "weekly sunday 03:30")
    pbx_program: str = Comment("the Asterisk program: a name looked up on PATH, or a full path").key(
        "PBXPROGRAM", WORD_OR_PATH, "asterisk", Group.PBX, "/usr/sbin/asterisk"
    )
    pbx_start: PbxStart = Comment(
        "how Asterisk is started (auto or plain)",
        "auto: as its distribution does, by asterisk.conf, the systemd unit, or the init script and its",
        "settings: as that user, with that priority, limit of open files and rank for the kernel's memory",
        "killer. What an earlier start as root has left in its directories is given to that user.",
        "plain: as asterisk.conf says, else as root.",
    ).key("PBXSTART", choice("auto", "plain"), "auto", Group.PBX, "plain")
    pbx_prepare: bool = Comment(
        "start Asterisk ahead of the engine's word? (YES/NO)",
        "YES: while the engine still moves service, on the node that is about to serve, once the other",
        "one has said that its Asterisk is gone, or the line has come and nothing is heard of it.",
        "NO: when the engine has moved service. With HASOURCE=bind it is always so.",
    ).key("PBXPREPARE", YES_NO, True, Group.PBX, "NO")
    pbx_pidfile: Path = Comment("file in which Asterisk writes its process id").key(
        "PBXPIDFILE", FILE, Path("/var/run/asterisk/asterisk.pid"), Group.PBX, "/run/asterisk/asterisk.pid"
    )
    pbx_start_deadline: float = Comment("longest a start may take until Asterisk is fully booted").key(
        "PBXSTARTDEADLINE", DEADLINE, 60.0, Group.PBX, "120", tab=Tab(7, "Asterisk Start Deadline")
    )
    pbx_stop_deadline: float = Comment("longest a stop may take; then Asterisk is killed").key(
        "PBXSTOPDEADLINE", DEADLINE, 5.0, Group.PBX, "10", tab=Tab(7, "Asterisk Stop Deadline")
    )
    ami_port: int = Comment("port of the Asterisk Manager Interface on this node").key(
        "AMIPORT", PORT, 5038, Group.PBX, "5039"
    )
    ami_user: str = Comment(
        "manager user that asha logs in as", "Blank: Asterisk is not probed through AMI."
    ).key("AMIUSER", WORD, "", Group.PBX, "asha", may_be_off=True)
    ami_secret: str = Comment("that user's secret", _HIDDEN).key(
        "AMISECRET", TEXT, "", Group.PBX, "a-long-secret", may_be_off=True, secret=True
    )
    sip_port: int = Comment(
        "UDP port on which Asterisk answers SIP; any answer counts as alive",
        "0: Asterisk is not probed through SIP.",
    ).key("SIPPORT", PORT_OR_OFF, 5060, Group.PBX, "5160")
    watchdog: str = Comment(
        "the machine's watchdog timer, empty for none",
        "It is fed only when the agent has completed a cycle: a hung machine resets itself, and so lets",
        "the line go. It is not fed either while a look at the line or an order hangs on the node that",
        "serves and the other node could take over. A full disk, a silent peer or a standby's hung look",
        "reset nothing. When the agent is ended on purpose, the timer is stopped first.",
    ).key(
        "WATCHDOG",
        FILE_TEXT,
        "",
        Group.REST,
        "/dev/watchdog",
        effect=Effect.AGENT_START,
        may_be_off=True,
        per_node=True,
    )
    dahdi_root: Path = Comment(
        "directory under which DAHDI's proc and sys are found", "/ on every real machine."
    ).key("DAHDIROOT", PATH, Path("/"), Group.REST, "/", per_node=True)
    mail_to: str = Comment(
        "who gets mail when something fails or moves",
        "Blank: nobody. 'asha notify test' tries every way that is set up here.",
    ).key("MAILTO", MAIL, "", Group.NOTIFY, "you@example.com, noc@example.com", may_be_off=True)
    notify_from: str = Comment("from whom that mail comes", "Blank: asha@ and the node's name.").key(
        "NOTIFYFROM", ONE_MAIL, "", Group.NOTIFY, "asha@example.com", may_be_off=True, per_node=True
    )
    notify_smtp: str = Comment(
        "mail server that takes it, by SMTP (port 25 unless given)",
        "Blank: it is given to this machine's own sendmail.",
    ).key("NOTIFYSMTP", SERVER, "", Group.NOTIFY, "mail.example.com:587", may_be_off=True)
    notify_tls: bool = Comment(
        "STARTTLS with that server (on/off)",
        "on: its certificate must hold, or nothing is sent. Always so when NOTIFYUSER is set.",
    ).key("NOTIFYTLS", ON_OFF, False, Group.NOTIFY, "on")
    notify_ca: str = Comment(
        "file of the CA certificates (PEM) by which mail server and webhook are believed",
        "Blank: those of this system. EL5's own are too old for most servers of today.",
    ).key("NOTIFYCA", FILE_TEXT, "", Group.NOTIFY, "/etc/pki/tls/certs/alerts-ca.pem", may_be_off=True)
    notify_user: str = Comment("user to log in as at that server", "Blank: no login.").key(
        "NOTIFYUSER", TEXT, "", Group.NOTIFY, "asha@example.com", may_be_off=True
    )
    notify_password: str = Comment("that user's password", _HIDDEN).key(
        "NOTIFYPASSWORD", TEXT, "", Group.NOTIFY, "a-long-secret", may_be_off=True, secret=True
    )
    notify_syslog: bool = Comment("alerts into this machine's syslog, facility daemon (on/off)").key(
        "NOTIFYSYSLOG", ON_OFF, False, Group.NOTIFY, "on"
    )
    notify_webhook: str = Comment(
        "address that gets each alert as JSON, by HTTP POST",
        "With https its certificate must hold. Blank: none.",
        _HIDDEN,
    ).key(
        "NOTIFYWEBHOOK",
        URL,
        "",
        Group.NOTIFY,
        "https://hooks.example.com/asha?key=a-long-secret",
        may_be_off=True,
        secret=True,
    )
    notify_trap: str = Comment(
        "SNMP manager that gets a v2c trap of each alert (port 162 unless given)",
        "docs/ASHA-MIB.txt describes them. Blank: none.",
    ).key("NOTIFYTRAP", SERVER, "", Group.NOTIFY, "nms.example.com", may_be_off=True)
    notify_community: str = Comment("community of those traps", f"Blank: public. {_HIDDEN}").key(
        "NOTIFYCOMMUNITY", TEXT, "", Group.NOTIFY, "a-long-secret", may_be_off=True, secret=True
    )
    panel_on: bool = Comment(
        "the page in the browser (on/off)", "off: its service ends at once when it is started."
    ).key("PANEL", ON_OFF, True, Group.PANEL, "off", effect=Effect.PANEL_START)
    panel_addr: str = Comment(
        "address the page is served on",
        "127.0.0.1 or ::1: for a browser on this machine only. 0.0.0.0: on every IPv4 address of this",
        "machine. ::  on every address, of IPv6 and of IPv4.",
        "The panel takes a change of this when it is restarted: service asha-panel restart.",
    ).key("PANELADDR", LISTEN, "127.0.0.1", Group.PANEL, "0.0.0.0", effect=Effect.PANEL_START, per_node=True)  # noqa: S104
    panel_port: int = Comment("port the page is served on, by TLS always").key(
        "PANELPORT", PORT, 8443, Group.PANEL, "443", effect=Effect.PANEL_START
    )
    panel_prefix: str = Comment(
        "path the page begins at, for use behind another web server", "Blank: the page is at /."
    ).key("PANELPREFIX", PREFIX, "", Group.PANEL, "/asha", effect=Effect.PANEL_START, may_be_off=True)
    panel_proxy: bool = Comment(
        "believe X-Forwarded-For, -Proto and -Prefix (on/off)",
        "Only from a web server on this machine that hands requests on, and only when that sets them itself.",
    ).key("PANELPROXY", ON_OFF, False, Group.PANEL, "on", effect=Effect.PANEL_START)
    panel_proxy_secret: str = Comment(
        "secret by which the page knows that proxy, for the site's single sign-on",
        "With PANELPROXY=on the proxy sends it as X-Asha-Proxy, beside X-Asha-User and X-Asha-Role (operator",
        "or viewer), and its users need no login of the page's own: docs/security.md. Blank: these headers",
        f"count for nothing. {_HIDDEN}",
    ).key(
        "PANELPROXYSECRET",
        HEADER_SECRET,
        "",
        Group.PANEL,
        "a-long-random-secret",
        effect=Effect.PANEL_START,
        may_be_off=True,
        secret=True,
    )
    panel_cert: Path = Comment(
        "certificate of the page, PEM, with the chain below it if there is one",
        "The package makes a self-signed one. A site's own belongs in another file, named here.",
    ).key(
        "PANELCERT",
        FILE,
        Path("/etc/asha/panel.crt"),
        Group.PANEL,
        "/etc/pki/tls/certs/pbx.example.com.crt",
        effect=Effect.PANEL_START,
        per_node=True,
    )
    panel_key: Path = Comment(
        "private key of that certificate, without a passphrase",
        "The user asha-panel needs to read it: chgrp asha-panel, chmod 640.",
    ).key(
        "PANELKEY",
        FILE,
        Path("/etc/asha/panel.key"),
        Group.PANEL,
        "/etc/pki/tls/private/pbx.example.com.key",
        effect=Effect.PANEL_START,
        per_node=True,
    )
