"""The comparison of each setting in the conf file and in SARK: who has changed it, and what follows. Pure.

The comparison is three-way: what both had when they last agreed decides. When they have never agreed, a side
that is not set up yet (its cluster address is blank) has nothing to say. A blank column never says anything.
A row whose cluster address has been blanked says nothing at all, because that is what a newly made database
looks like, and not a wish.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from appliance.config.parse import printable
from appliance.config.schema import KEY_BY_NAME
from appliance.config.value_types import ON_OFF, YES_NO
from appliance.core.data_merge import NOTHING, Content, MergeVerdict, judge
from appliance.core.document import parse_object
from appliance.host.paths import SARK_MEMORY
from appliance.host.statefile import StateFile

# The columns of SARK's `globals` that are conf keys too, and how a value is written on each side.
#
# Published are the columns, all of them TEXT, and what a fresh database holds (HAAUTOFAILBACK 'on', HASYNCH
# 'LOOSE', HAMODE 'OFF'). SARK's provisioning compares HAUSECLUSTER with 'YES'. *Assumed*: HAMODE only says
# whether SARK shows its high availability at all. HAMODE is shown and never written.


SHARED = (
    "HACLUSTERIP",
    "HAPRINODE",
    "HASECNODE",
    "HASYNCH",
    "HAUSECLUSTER",
    "HAAUTOFAILBACK",
    "RESTART",
    "RHINOSPF",
)
"""Columns that have the name of the conf key they belong to, in the order of SARK's page."""
SHOWN_ONLY = ("HAMODE",)
ADDRESS = "HACLUSTERIP"
ADDRESS6 = "HACLUSTERIP6"
"""A cluster address for which SARK has no column; a pair that has it alone leaves SARK's own blank."""
NAMES = ("HAPRINODE", "HASECNODE")

# SARK's versions, and people using sqlite3, have written a switch in all of these ways.
_YES = frozenset({"yes", "y", "on", "true", "1"})
_NO = frozenset({"no", "n", "off", "false", "0"})


def to_conf(column: str, raw: str) -> str | None:
    """Return the value `raw` of `column` as the conf file writes it, or None for a blank.

    A blank column says nothing. Raises ValueError whose message is what would be right.
    """
    text = raw.strip()
    if not text:
        return None
    key = KEY_BY_NAME[column]
    if key.kind in (YES_NO, ON_OFF) and text.casefold() in _YES | _NO:
        return key.kind.words[text.casefold() in _NO]
    return key.kind.render(key.parse(text))


def to_sark(column: str, value: str) -> str:
    """Return the conf file's `value` as SARK itself writes it in `column`.

    Raises ValueError as `to_conf` does.
    """
    return to_conf(column, value) or ""


Values = Mapping[str, str]
Row = Mapping[str, str | None]
"""SARK's columns as they are in the database; a version that lacks a column lacks the name here."""


class SettingVerdict(enum.Enum):
    """What follows from the comparison of one setting."""

    AGREED = "agreed"
    PULL = "the conf file follows SARK"
    PUSH = "SARK follows the conf file"
    CONFLICT = "conflict"
    WRONG = "wrong in SARK"
    SILENT = "SARK does not say"
    ABSENT = "this SARK has no such column"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting on both sides.

    `conf` is the value in the conf file, `raw` SARK's value as SARK has written it, `sark` SARK's value as
    the conf file would write it. `sark` is None when SARK says nothing, or nothing that could be right; in
    the latter case `want` says what would be right.
    """

    key: str
    conf: str
    raw: str
    sark: str | None
    step: SettingVerdict
    want: str = ""

    @property
    def says(self) -> str:
        """A line for the operator when something has to be done, otherwise ""."""
        if self.step is SettingVerdict.CONFLICT:
            return f"{self.key} is '{self.conf}' in the conf file and '{printable(self.raw)}' in SARK"
        if self.step is SettingVerdict.WRONG:
            return f"{self.key} is '{printable(self.raw)}' in SARK, should be {self.want}, and was not taken"
        return ""


def compare(conf: Values, row: Row, agreed: Values) -> tuple[Setting, ...]:
    """Return every shared setting, compared.

    `conf` has the text of each setting and of HACLUSTERIP6, `row` SARK's columns, `agreed` what both had when they last
    agreed.
    """
    met = bool(agreed)
    seen = [_seen(key, conf, row) for key in SHARED]
    if is_blank(row, conf):
        step = SettingVerdict.PUSH if is_set_up(conf) and not met else SettingVerdict.SILENT
        settled = (SettingVerdict.AGREED, SettingVerdict.ABSENT)
        return tuple(one if one.step in settled else replace(one, step=step) for one in seen)
    if not met and not is_set_up(conf):
        return tuple(
            replace(one, step=SettingVerdict.PULL) if one.step is SettingVerdict.CONFLICT else one
            for one in seen
        )
    return tuple(_three_way(one, agreed.get(one.key)) for one in seen)


def is_blank(row: Row, conf: Values) -> bool:
    """Return whether SARK's high availability is not set up.

    That is so when SARK has the column for the cluster address and the column is blank. Where HACLUSTERIP6 is the only
    cluster address the column is blank by right: then it is so while SARK does not name both nodes, as a newly made
    database does not.
    """
    if ADDRESS not in row or _has(row, ADDRESS):
        return False
    only_ipv6 = bool(conf.get(ADDRESS6)) and not conf[ADDRESS]
    return not (only_ipv6 and all(_has(row, name) for name in NAMES))


def is_set_up(conf: Values) -> bool:
    """Return whether the conf file has a cluster address."""
    return bool(conf[ADDRESS] or conf.get(ADDRESS6))


def _has(row: Row, column: str) -> bool:
    return bool((row.get(column) or "").strip())


def settle(conf: Values, row: Row, agreed: Values) -> dict[str, str]:
    """Return what is to be remembered as agreed, when the settings are as they are now.

    A setting that differs keeps what was agreed before. When neither side is set up, nothing is remembered,
    and the two will be compared as if for the first time.
    """
    if is_blank(row, conf):
        return dict(agreed) if is_set_up(conf) else {}  # {}: neither side is set up
    same = {one.key: one.conf for one in compare(conf, row, agreed) if one.step is SettingVerdict.AGREED}
    return {**agreed, **same}


def _three_way(setting: Setting, base: str | None) -> Setting:
    if setting.step is SettingVerdict.SILENT and base is not None and setting.conf != base:
        return replace(setting, step=SettingVerdict.PUSH)
    if setting.step is not SettingVerdict.CONFLICT or setting.sark is None:
        return setting
    before = NOTHING if base is None else _content(base)
    verdict = judge(before, _content(setting.conf), _content(setting.sark))
    steps = {MergeVerdict.TAKE: SettingVerdict.PULL, MergeVerdict.KEEP: SettingVerdict.PUSH}
    return replace(setting, step=steps.get(verdict, SettingVerdict.CONFLICT))


def _seen(key: str, conf: Values, row: Row) -> Setting:
    """Return the setting `key` without a look at what was agreed: CONFLICT stands for any difference."""
    if key not in row:
        return Setting(key, conf[key], "", None, SettingVerdict.ABSENT)
    raw = row[key] or ""
    try:
        value = to_conf(key, raw)
    except ValueError as problem:
        return Setting(key, conf[key], raw, None, SettingVerdict.WRONG, str(problem))
    if value is None:
        agreed = key == ADDRESS and not conf[key]
        return Setting(key, conf[key], raw, None, SettingVerdict.AGREED if agreed else SettingVerdict.SILENT)
    return Setting(
        key, conf[key], raw, value, SettingVerdict.AGREED if value == conf[key] else SettingVerdict.CONFLICT
    )


def _content(value: str) -> Content:
    return ("value", value)


# The record, kept over reboots, of what the conf file and SARK last agreed on.


def memory_file(path: Path = SARK_MEMORY) -> StateFile[dict[str, str]]:
    """Return the state file at `path`: by key, the value that both sides had."""
    return StateFile(
        path, _parse, dict, "the conf file and SARK are compared as if they met for the first time"
    )


def read_agreed(path: Path) -> dict[str, str]:
    """Return, by key, the value that both sides had.

    Returns an empty dict when nothing can be read: both sides are then compared as if for the first time.
    """
    return memory_file(path).load()


def write_agreed(path: Path, agreed: Mapping[str, str]) -> None:
    """Write `agreed` to the file at `path`. Raises OSError."""
    memory_file(path).write(json.dumps({"agreed": agreed}, indent=1) + "\n")


def _parse(content: bytes) -> dict[str, str]:
    return {str(key): _text(value) for key, value in parse_object(content)["agreed"].items()}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a value in it is no text")  # noqa: TRY004 - one exception for every bad text
    return value
