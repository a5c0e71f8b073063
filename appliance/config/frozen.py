"""Keys that cannot change under a running Heartbeat.

Heartbeat has its own copy of these values, and the agent sees the world through them: whoever removes the
cluster address, for example, must remove the address that Heartbeat has set.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from appliance.config.conf import Conf
from appliance.config.schema import KEY_BY_NAME

FROZEN_KEYS = ("HACLUSTERIP", "HADEV", "HAPREFIX", "HAPRINODE", "HASECNODE", "RHINOSPF")
_TAKEN = "taken when the HA engine is stopped on this node"


def standing_values(conf: Conf) -> dict[str, str]:
    """Return the values of the standing keys in `conf`, as they are written in the file."""
    return {name: KEY_BY_NAME[name].text(conf) for name in FROZEN_KEYS}


def with_standing(conf: Conf, values: Mapping[str, str]) -> Conf:
    """Return `conf` with `values` for the standing keys. Raises ValueError for a value that is not valid."""
    keys = [KEY_BY_NAME[name] for name in FROZEN_KEYS if name in values]
    return replace(conf, **{key.field: key.parse(values[key.name]) for key in keys})  # type: ignore[arg-type]


def changed_standing(before: Conf, after: Conf) -> tuple[str, ...]:
    """Return the standing keys that differ between the two."""
    was, now = standing_values(before), standing_values(after)
    return tuple(name for name in FROZEN_KEYS if was[name] != now[name])


def held_back(names: Collection[str], where: str) -> str:
    """Return a sentence for people: `names` were changed in `where`, and wait; "" when there are no names."""
    if not names:
        return ""
    were, they = ("was", "it is") if len(names) == 1 else ("were", "they are")
    return f"{', '.join(names)} {were} changed in {where}; {they} {_TAKEN}"
