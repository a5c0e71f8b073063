"""Keys added since asha 1.0.0-2 for the data kept in step."""

from __future__ import annotations

from appliance.config import value_types
from appliance.config.key import Group, Key


def _address(name: str, field: str, node: str, example: str) -> Key:
    return Key(
        name,
        field,
        value_types.HOST,
        Group.DATA,
        (
            f"where the {node} node is reached by ssh: a name or an IPv4 address",
            f"Blank: the {node} node's name is used, which must then be in /etc/hosts or in the DNS.",
        ),
        example,
        may_be_off=True,
    )


DATA_KEYS: tuple[Key, ...] = (
    _address("HAPRIADDR", "primary_addr", "primary", "192.168.1.6"),
    _address("HASECADDR", "secondary_addr", "secondary", "192.168.1.7"),
    Key(
        "ASTDB",
        "astdb",
        value_types.FILE,
        Group.DATA,
        (
            "Asterisk's own database, where it keeps registrations and call forwards",
            "Copied like DB when it is there and is an SQLite file (Asterisk 10 and later).",
        ),
        "/var/lib/asterisk/astdb.sqlite3",
    ),
    Key(
        "SYNCPERIOD",
        "sync_period",
        value_types.duration(5000),
        Group.DATA,
        (
            "how often the standby looks at all the data, whether anything was noticed or not",
            "A change on the active node is fetched at once; this is for what was not noticed.",
        ),
        "30",
    ),
    Key(
        "SYNCSTALE",
        "sync_stale",
        value_types.duration(10000),
        Group.DATA,
        ("age of the standby's data from which 'asha status' calls it stale",),
        "600",
    ),
    Key(
        "SYNCMAXLOSS",
        "sync_max_loss",
        value_types.whole(1, 100, "a percentage"),
        Group.DATA,
        (
            "share of a directory's files that may vanish at once, in percent",
            "More is taken for a sick source: nothing is synchronised until 'asha sync --now",
            "--accept-loss' says that it is meant. 100 never refuses.",
        ),
        "20",
    ),
    Key(
        "SYNCSPECIALBITS",
        "sync_special_bits",
        value_types.ON_OFF,
        Group.DATA,
        (
            "carry set-user-ID and set-group-ID, file capabilities and other privileged attributes? (on/off)",
            "Off: mode 4755 there is 755 here, 2775 of a shared directory 775, and attributes security.* and",
            "trusted.* are left out, so that nobody who may write there becomes root here. Turn it on, on both",
            "nodes, when programs or directories in the trees need them and only root may write there.",
        ),
        "on",
    ),
    Key(
        "MERGEDEADLINE",
        "merge_deadline",
        value_types.DEADLINE,
        Group.DATA,
        (
            "how long Asterisk's start on the primary waits for the secondary's last changes",
            "What has not come by then is merged while Asterisk serves.",
        ),
        "10",
    ),
    Key(
        "POSTSYNCDEADLINE",
        "postsync_deadline",
        value_types.DEADLINE,
        Group.DATA,
        ("how long POSTSYNC may take before it is killed",),
        "30",
    ),
)
