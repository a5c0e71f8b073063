"""Every key of the conf file, and what follows from the declarations."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from appliance.config.conf import Conf
from appliance.config.key import Effect, Group, Key, declared_keys

KEYS: tuple[Key, ...] = declared_keys(Conf)
"""The order of the shipped file: the original's keys in its own order, then ours by group."""

KEY_BY_NAME: dict[str, Key] = {key.name: key for key in KEYS}

# Heartbeat has its own copy of these values, and the agent sees the world through them: whoever removes the
# cluster address, for example, must remove the address that Heartbeat has set.
FROZEN_KEYS: tuple[str, ...] = tuple(sorted(key.name for key in KEYS if key.effect is Effect.ENGINE_OFF))
"""The keys that cannot change under a running Heartbeat."""

_TAKEN = "taken when the HA engine is stopped on this node"
_SECRET = re.compile(rf"((?:{'|'.join(key.name for key in KEYS if key.secret)})\s*[\s=:])\s*\S.*", re.DOTALL)


def in_group(group: Group) -> tuple[Key, ...]:
    """Return the keys of `group`, in file order."""
    return tuple(key for key in KEYS if key.group is group)


def without_secrets(conf: Conf) -> Conf:
    """Return `conf` for a program that does not need the secrets: they have their defaults, as if not set."""
    return replace(conf, **{key.field: key.default_value for key in KEYS if key.secret})


def without_secrets_in(line: str) -> str:
    """Return `line` of a conf file, right or wrong, fit for a screen: without the value of a secret key."""
    return _SECRET.sub(r"\1(hidden)", line)


def closest_key(name: str) -> str | None:
    """Return the known key that `name` is most likely a misspelling of, or None."""
    import difflib  # noqa: PLC0415 - only when something is misspelt

    close = difflib.get_close_matches(name.upper(), KEY_BY_NAME, n=1, cutoff=0.7)
    return close[0] if close else None


def frozen_values(conf: Conf) -> dict[str, str]:
    """Return the values of the frozen keys in `conf`, as they are written in the file."""
    return {name: KEY_BY_NAME[name].text(conf) for name in FROZEN_KEYS}


def with_frozen(conf: Conf, values: Mapping[str, str]) -> Conf:
    """Return `conf` with `values` for the frozen keys. Raises ValueError for a value that is not valid."""
    keys = [KEY_BY_NAME[name] for name in FROZEN_KEYS if name in values]
    return replace(conf, **{key.field: key.parse(values[key.name]) for key in keys})  # type: ignore[arg-type]


def changed_frozen(before: Conf, after: Conf) -> tuple[str, ...]:
    """Return the frozen keys that differ between the two."""
    was, now = frozen_values(before), frozen_values(after)
    return tuple(name for name in FROZEN_KEYS if was[name] != now[name])


def held_back(names: Collection[str], where: str) -> str:
    """Return a sentence for people: `names` were changed in `where`, and wait; "" when there are no names."""
    if not names:
        return ""
    were, they = ("was", "it is") if len(names) == 1 else ("were", "they are")
    return f"{', '.join(names)} {were} changed in {where}; {they} {_TAKEN}"


def takes_effect(names: Iterable[str]) -> list[str]:
    """Return one sentence for each time at which a change of `names` takes effect."""
    changed = [KEY_BY_NAME[name] for name in names]
    by_effect = {effect: [key.name for key in changed if key.effect is effect] for effect in Effect}
    return [f"{', '.join(found)}: {effect.value}" for effect, found in by_effect.items() if found]
