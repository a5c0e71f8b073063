"""Every key of the conf file, declared once, for parsing, defaults, the shipped file and the reference."""

from __future__ import annotations

import re
from dataclasses import replace

from appliance.config.conf import Conf
from appliance.config.key import Group, Key
from appliance.config.keys_cluster import CLUSTER_KEYS
from appliance.config.keys_data import DATA_KEYS
from appliance.config.keys_notify import NOTIFY_KEYS
from appliance.config.keys_original import SEED_KEYS
from appliance.config.keys_panel import PANEL_KEYS
from appliance.config.keys_watch import WATCH_KEYS

__all__ = [
    "KEYS",
    "KEY_BY_NAME",
    "Group",
    "Key",
    "closest_key",
    "in_group",
    "without_secrets",
    "without_secrets_in",
]

KEYS: tuple[Key, ...] = SEED_KEYS + DATA_KEYS + CLUSTER_KEYS + WATCH_KEYS + NOTIFY_KEYS + PANEL_KEYS
"""The order of the shipped file: the original's keys in its own order, then ours by group."""

KEY_BY_NAME: dict[str, Key] = {key.name: key for key in KEYS}


_SECRET = re.compile(rf"((?:{'|'.join(key.name for key in KEYS if key.secret)})\s*[\s=:])\s*\S.*", re.DOTALL)


def in_group(group: Group) -> tuple[Key, ...]:
    """Return the keys of `group`, in file order."""
    return tuple(key for key in KEYS if key.group is group)


def without_secrets(conf: Conf) -> Conf:
    """Return `conf` for a program that does not need the secrets: they have their defaults, as if not set."""
    plain = Conf()
    return replace(conf, **{key.field: getattr(plain, key.field) for key in KEYS if key.secret})


def without_secrets_in(line: str) -> str:
    """Return `line` of a conf file, right or wrong, fit for a screen: without the value of a secret key."""
    return _SECRET.sub(r"\1(hidden)", line)


def closest_key(name: str) -> str | None:
    """Return the known key that `name` is most likely a misspelling of, or None."""
    import difflib  # noqa: PLC0415 - only when something is misspelt

    close = difflib.get_close_matches(name.upper(), KEY_BY_NAME, n=1, cutoff=0.7)
    return close[0] if close else None
