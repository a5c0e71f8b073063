"""Keys of asha 1.0.0-2, in the order of its conf file; the first lines of comment are from that file too."""

from __future__ import annotations

from appliance.config import value_types
from appliance.config.key import Group, Key

_OTHERS = (
    "user sync nodes - specify any other directories you want to sync",
    "A file may be named too. No pattern and no ~: one full path in each.",
    "Leave blank what you do not need.",
)


def _other(number: int, example: str) -> Key:
    return Key(
        f"OTHER{number}",
        "others",
        value_types.DIRECTORY_OR_FILE,
        Group.DATA,
        _OTHERS if number == 1 else ("one more directory or file to sync",),
        example,
        may_be_off=True,
        slot=number - 1,
        seed=True,
    )


SEED_KEYS: tuple[Key, ...] = (
    Key(
        "HACLUSTERIP",
        "cluster_ip",
        value_types.IPV4,
        Group.PAIR,
        (
            "virtual IP of the HA cluster",
            "A free static address on the subnet of HADEV. The active node holds it, and the",
            "phones register to it. Blank: the cluster is not set up yet.",
        ),
        "192.168.1.5",
        may_be_off=True,
        seed=True,
    ),
    Key(
        "HAPRINODE",
        "primary_name",
        value_types.NODE_NAME,
        Group.PAIR,
        (
            "primary node name",
            "Exactly what 'uname -n' prints there, with or without a domain as it does. The relay",
            "card, if there is one, is in this node.",
        ),
        "pbx1.example.com",
        seed=True,
    ),
    Key(
        "HASECNODE",
        "secondary_name",
        value_types.NODE_NAME,
        Group.PAIR,
        ("secondary node name", "Exactly what 'uname -n' prints there."),
        "pbx2.example.com",
        seed=True,
    ),
    Key(
        "HASYNCH",
        "synch",
        value_types.choice("LAZY", "LOOSE"),
        Group.DATA,
        (
            "sync mode (LAZY or LOOSE)",
            "LAZY: the standby fetches the data from the active node every minute.",
            "LOOSE: nothing is synchronised.",
        ),
        "LOOSE",
        seed=True,
    ),
    Key(
        "HASSHPORT",
        "ssh_port",
        value_types.PORT,
        Group.DATA,
        (
            "ssh port on the primary",
            "Use the same port on the secondary: the way back after a failover needs it.",
        ),
        "2222",
        seed=True,
    ),
    Key(
        "ASTERISK",
        "asterisk_dir",
        value_types.DIRECTORY,
        Group.DATA,
        ("asterisk conf file directory",),
        "/etc/asterisk",
        seed=True,
    ),
    Key(
        "DB",
        "db",
        value_types.FILE,
        Group.DATA,
        ("database file (N.B. this is a FILE not a directory)",),
        "/opt/sark/db/sark.db",
        seed=True,
    ),
    Key(
        "GREETINGS",
        "greetings",
        value_types.DIRECTORY,
        Group.DATA,
        ("your greeting file directory",),
        "/var/lib/asterisk/sounds",
        seed=True,
    ),
    _other(1, "/var/spool/asterisk/monitor"),
    _other(2, "/var/lib/asterisk/moh"),
    _other(3, "/srv/tftp"),
    Key(
        "POSTSYNC",
        "postsync",
        value_types.COMMAND,
        Group.DATA,
        (
            "post rsync job to run",
            "A program with its arguments, run on the standby after data has arrived. No shell",
            "reads it: what needs && or > goes into a script, whose path stands here. Blank: none.",
        ),
        "/opt/sark/scripts/srkgenAst",
        may_be_off=True,
        seed=True,
    ),
    Key(
        "RESTART",
        "restart",
        value_types.YES_NO,
        Group.PBX,
        (
            "attempt restart if no failover running? (YES/NO) - default is NO. Do NOT set this to YES",
            "unless you absolutely know what you are doing.",
            "YES: when Asterisk dies and no standby could take over, it is started again here.",
        ),
        "YES",
        seed=True,
    ),
    Key(
        "RHINOSPF",
        "card_installed",
        value_types.YES_NO,
        Group.CARD,
        (
            "rhino failover card installed? (YES/NO)",
            "The same on both nodes, though the card is in the primary only.",
        ),
        "YES",
        seed=True,
    ),
    Key(
        "RSYNC",
        "rsync",
        value_types.FILE,
        Group.DATA,
        ("rsync program location",),
        "/usr/local/bin/rsync",
        seed=True,
    ),
    Key(
        "TELEPHONY",
        "telephony",
        value_types.DIRECTORY_TEXT,
        Group.DATA,
        (
            "dahdi directory (usually /etc/dahdi) - only include if you want it sync'ed",
            "What arrives is checked against this node's own spans before it is put in place ('asha dahdi fit').",
            "assigned-spans.conf, span-types.conf and xpp_order describe slots and stay on their node.",
        ),
        "/etc/dahdi",
        may_be_off=True,
        seed=True,
    ),
    Key(
        "VOICEMAIL",
        "voicemail",
        value_types.DIRECTORY,
        Group.DATA,
        ("voicemail directory",),
        "/var/spool/asterisk/voicemail",
        seed=True,
    ),
)
