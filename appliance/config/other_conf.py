"""The conf file of the other node beside this one's, key by key, without a secret leaving its node.

A secret is told as a digest with a fresh salt, which the other node makes of its own value too: so they are compared,
and neither is shown or sent. The digest is slow to make, since a short secret could otherwise be guessed from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from appliance.config.conf import Conf
from appliance.config.key import Key
from appliance.config.schema import KEY_BY_NAME, KEYS

# Its command line may hold the password of what cuts the power.
_HIDDEN = frozenset({"HAFENCE"})
_ROUNDS = 50_000


@dataclass(frozen=True, slots=True)
class OtherConf:
    """What a node tells of its conf file. `secrets`: digests by key, "" for a blank value; `salt` is hexadecimal."""

    values: Mapping[str, str]
    secrets: Mapping[str, str]
    salt: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A key with different values. `here`, `there`: the values, None where they are not shown (a secret).

    `expected`: the key is one of which each node has its own value.
    """

    key: str
    here: str | None
    there: str | None
    expected: bool


@dataclass(frozen=True, slots=True)
class ConfDiff:
    """The conf files of two nodes. `here`, `there`: their host names.

    `only_here`, `only_there`: keys that only the asha of that node knows, which has another version.
    """

    here: str
    there: str
    differences: tuple[Difference, ...]
    only_here: tuple[str, ...] = ()
    only_there: tuple[str, ...] = ()


def told(conf: Conf, salt: bytes) -> OtherConf:
    """Return what this node tells the other one of its `conf`. `salt`: fresh random bytes."""
    values = {key.name: key.text(conf) for key in KEYS if not _is_hidden(key)}
    secrets = {key.name: _digest(key, conf, salt) for key in KEYS if _is_hidden(key)}
    return OtherConf(values, secrets, salt.hex())


def compare(conf: Conf, other: OtherConf, here: str, there: str) -> ConfDiff:
    """Return how `conf`, that of the node named `here`, differs from the `other` one.

    Raises ValueError when the other's salt is none.
    """
    salt = bytes.fromhex(other.salt)
    found, only_here = [], []
    for key in KEYS:
        hidden = _is_hidden(key)
        theirs = (other.secrets if hidden else other.values).get(key.name)
        if theirs is None:
            only_here.append(key.name)
        elif theirs != (ours := _digest(key, conf, salt) if hidden else key.text(conf)):
            here_shown, there_shown = (None, None) if hidden else (ours, theirs)
            found.append(Difference(key.name, here_shown, there_shown, key.per_node))
    only_there = {*other.values, *other.secrets} - KEY_BY_NAME.keys()
    return ConfDiff(here, there, tuple(found), tuple(only_here), tuple(sorted(only_there)))


def _is_hidden(key: Key) -> bool:
    return key.secret or key.name in _HIDDEN


def _digest(key: Key, conf: Conf, salt: bytes) -> str:
    import hashlib  # noqa: PLC0415 - other commands of `asha conf` need none of it

    value = key.text(conf)
    salted = salt + key.name.encode()  # the same secret in two keys is not seen to be the same
    return hashlib.pbkdf2_hmac("sha256", value.encode(), salted, _ROUNDS).hex() if value else ""
