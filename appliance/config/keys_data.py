"""Our own keys for the data kept in step."""

from __future__ import annotations

from appliance.config import kinds
from appliance.config.key import Group, Key

DATA_KEYS: tuple[Key, ...] = (
    Key(
        "ASTDB",
        "astdb",
        kinds.FILE,
        Group.DATA,
        (
            "Asterisk's own database, where it keeps registrations and call forwards",
            "Copied like DB when it is there and is an SQLite file (Asterisk 10 and later).",
        ),
        "/var/lib/asterisk/astdb.sqlite3",
    ),
    Key(
        "SYNCMAXLOSS",
        "sync_max_loss",
        kinds.whole(1, 100, "a percentage"),
        Group.DATA,
        (
            "share of a directory's files that may vanish at once, in percent",
            "More is taken for a sick source, and nothing is synchronised. 100 never refuses.",
        ),
        "20",
    ),
    Key(
        "POSTSYNCDEADLINE",
        "postsync_deadline",
        kinds.DEADLINE,
        Group.DATA,
        ("how long POSTSYNC may take before it is killed",),
        "30",
    ),
)
