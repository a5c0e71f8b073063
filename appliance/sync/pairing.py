"""The introduction of a node to its future peer: one line of text that a person carries over.

The introduction is given before the nodes trust each other. It contains no secret: a name, an address, public
keys, and the values of the High Availability tab. Whether it can be trusted is vouched for by the person who
carries it. The line is `asha1:` followed by base64 of a JSON document with its own digest.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from appliance.config import Conf, ConfError, Medium, value_types
from appliance.config.ha_tab import TAB_KEYS, checked_values
from appliance.config.media import MEDIA
from appliance.config.schema import KEY_BY_NAME
from appliance.core.document import parse_object
from appliance.core.errors import SyncError, UserError
from appliance.sync.ssh_access import plain_key

_MARK = "asha1:"
_LONGEST = 32 * 1024
_MOST_HOST_KEYS = 16
_PER_NODE = {"HAPRIADDR", "HASECADDR"}


@dataclass(frozen=True, slots=True)
class Introduction:
    """What one node says of itself.

    `name` is the node's name as 'uname -n' prints it, `address` its own address on HADEV ("" when it has none
    there). `key` is the public key with which it will ask for data, `host_keys` are its sshd's public host
    keys. `conf` holds the keys and values of the High Availability tab as they are written in the conf file.
    """

    name: str
    address: str
    key: str
    host_keys: tuple[str, ...]
    conf: Mapping[str, str]


def write(introduction: Introduction) -> str:
    """Return the line of text that carries `introduction`."""
    says = {
        "name": introduction.name,
        "address": introduction.address,
        "key": introduction.key,
        "host_keys": list(introduction.host_keys),
        "conf": dict(introduction.conf),
    }
    document = json.dumps({"says": says, "sum": _digest(says)}, separators=(",", ":"))
    return _MARK + base64.b64encode(document.encode()).decode()


def read(text: str) -> Introduction:
    """Return the introduction that `text` holds, with every field checked.

    Raises UserError when `text` is no introduction, is damaged, or has a value that cannot be used.
    """
    line = "".join(text.split())  # a mail program may have broken the line
    if not line.startswith(_MARK) or len(line) > _LONGEST:
        raise UserError(
            f"That is no introduction: it begins with {_MARK}",
            todo="'asha introduction' on the other node makes it.",
        )
    try:
        document = parse_object(base64.b64decode(line.removeprefix(_MARK), validate=True))
        says, digest = document["says"], document["sum"]
        whole = digest == _digest(says)
    except (binascii.Error, ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise UserError(
            "That introduction is damaged.", todo="Copy the whole line again, from asha1: to its end."
        )
    try:
        return _introduction(says)
    except ConfError as wrong:
        raise UserError(f"That introduction cannot be used: {wrong.problems[0]}.") from None
    except (ValueError, KeyError, TypeError, AttributeError, SyncError) as problem:
        raise UserError(f"That introduction cannot be used: {problem}.") from None


def _digest(says: object) -> str:
    return hashlib.sha256(json.dumps(says, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _introduction(says: Mapping[str, Any]) -> Introduction:
    host_keys = tuple(plain_key(str(key)) for key in says["host_keys"])
    if len(host_keys) > _MOST_HOST_KEYS:
        raise ValueError("it has too many host keys")
    address = str(says["address"])
    # Keys that a newer asha offers and this version does not know are ignored.
    conf = checked_values({key: value for key, value in says["conf"].items() if key in TAB_KEYS})
    return Introduction(
        name=value_types.NODE_NAME.parse(str(says["name"])),
        address=value_types.IPV4.parse(address) if address else "",
        key=plain_key(str(says["key"])),
        host_keys=host_keys,
        conf={key: _as_written(key, value) for key, value in conf.items()},
    )


def _as_written(name: str, value: str) -> str:
    """Return `value` of the conf key `name` as this version of asha writes it.

    Raises ValueError when the value is wrong.
    """
    key = KEY_BY_NAME[name]
    found: Any = key.parse(value.strip())
    return key.kind.render(found) if found != "" else ""


@dataclass(frozen=True, slots=True)
class Filling:
    """The outcome of comparing an introduction with our conf file.

    `values` are to be taken over. `differences` are left as they are; each is a sentence.
    """

    values: Mapping[str, str]
    differences: tuple[str, ...]


def fill(mine: Conf, theirs: Introduction) -> Filling:
    """Return the values of `theirs` that the conf `mine` lacks, and the differences.

    A value that was set here is never replaced; the difference is named instead.
    """
    values: dict[str, str] = {}
    differences = []
    for name, value in theirs.conf.items():
        key = KEY_BY_NAME[name]
        own = key.text(mine)
        if value == own:
            continue
        if own != key.default:
            if name not in _PER_NODE or value:
                differences.append(f"{name} is {own or 'empty'} here and {value or 'empty'} there")
        elif name != "HAMEDIA":
            values[name] = value
        elif (media := _reaching(theirs, value)) is not None:
            values[name] = media
        else:
            differences.append(f"HAMEDIA there is '{value}': this node's own line is to be set by hand")
    _fill_address(mine, theirs, values)
    return Filling(values, tuple(differences))


def _fill_address(mine: Conf, theirs: Introduction, values: dict[str, str]) -> None:
    """Fill in the sender's address, since the node cannot be reached by a name that no DNS knows."""
    names = {name: values.get(name, KEY_BY_NAME[name].text(mine)) for name in ("HAPRINODE", "HASECNODE")}
    place = {"HAPRINODE": "HAPRIADDR", "HASECNODE": "HASECADDR"}
    for node, address in place.items():
        known = values.get(address) or KEY_BY_NAME[address].text(mine)
        if names[node] == theirs.name and theirs.address and not known:
            values[address] = theirs.address


def _reaching(theirs: Introduction, value: str) -> str | None:
    """Return the HAMEDIA value for this node, made from the other node's `value`.

    Returns None when the right value cannot be known. With ucast the other node's line aims at us, so ours
    must also have a line that aims at the other node. The engines ignore a line that names the node itself, so a value
    that names both ends of each of its ways is right on both nodes.
    """
    media: tuple[Medium, ...] = MEDIA.parse(value)
    devices = [medium.device for medium in media if medium.kind == "ucast"]
    if all(devices.count(device) > 1 for device in devices):
        return value
    if not theirs.address or set(devices) != {theirs.conf.get("HADEV", Conf().device)}:
        return None
    back = Medium("ucast", devices[0], theirs.address)
    return MEDIA.render(media if back in media else (*media, back))
