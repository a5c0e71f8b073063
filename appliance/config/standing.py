"""Keys that cannot change under a running Heartbeat: it has its own copy, and the agent sees the world through them.

Whoever takes the cluster address off must take off the one that Heartbeat has put up.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from appliance.config.conf import Conf
from appliance.config.schema import KEY_BY_NAME

STANDING_KEYS = ("HACLUSTERIP", "HADEV", "HAPREFIX", "HAPRINODE", "HASECNODE", "RHINOSPF")
_TAKEN = "taken when the HA engine is stopped on this node"


def standing_values(conf: Conf) -> dict[str, str]:
    """The standing keys' values in `conf`, as they are written in the file."""
    return {name: KEY_BY_NAME[name].text(conf) for name in STANDING_KEYS}


def with_standing(conf: Conf, values: Mapping[str, str]) -> Conf:
    """`conf` but for the standing keys, which have `values`. Raises ValueError for what is no value."""
    keys = [KEY_BY_NAME[name] for name in STANDING_KEYS if name in values]
    return replace(conf, **{key.field: key.parse(values[key.name]) for key in keys})  # type: ignore[arg-type]


def changed_standing(before: Conf, after: Conf) -> tuple[str, ...]:
    """The standing keys that are not the same in both."""
    was, now = standing_values(before), standing_values(after)
    return tuple(name for name in STANDING_KEYS if was[name] != now[name])


def held_back(names: Collection[str], where: str) -> str:
    """One sentence for people: `names` were changed `where`, and wait; "" when there are none."""
    if not names:
        return ""
    were, they = ("was", "it is") if len(names) == 1 else ("were", "they are")
    return f"{', '.join(names)} {were} changed in {where}; {they} {_TAKEN}"
