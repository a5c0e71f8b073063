"""The comparison of each setting in the conf file and in SARK: who has changed it, and what follows. Pure.

The comparison is three-way: what both had when they last agreed decides. When they have never agreed, a side
that is not set up yet (its cluster address is blank) has nothing to say. A blank column never says anything.
A row whose cluster address has been blanked says nothing at all, because that is what a newly made database
looks like, and not a wish.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace

from appliance.config.problem import printable
from appliance.core.threeway import NOTHING, Content, MergeVerdict, judge
from appliance.sark.columns import ADDRESS, SHARED, to_conf

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

    `conf` has the text of each setting, `row` SARK's columns, `agreed` what both had when they last agreed.
    """
    met = bool(agreed)
    seen = [_seen(key, conf, row) for key in SHARED]
    if is_blank(row):
        step = SettingVerdict.PUSH if conf[ADDRESS] and not met else SettingVerdict.SILENT
        settled = (SettingVerdict.AGREED, SettingVerdict.ABSENT)
        return tuple(one if one.step in settled else replace(one, step=step) for one in seen)
    if not met and not conf[ADDRESS]:
        return tuple(
            replace(one, step=SettingVerdict.PULL) if one.step is SettingVerdict.CONFLICT else one
            for one in seen
        )
    return tuple(_three_way(one, agreed.get(one.key)) for one in seen)


def is_blank(row: Row) -> bool:
    """Return whether SARK's high availability is not set up.

    That is so when SARK has the column for the cluster address and the column is blank.
    """
    return ADDRESS in row and not (row[ADDRESS] or "").strip()


def settle(conf: Values, row: Row, agreed: Values) -> dict[str, str]:
    """Return what is to be remembered as agreed, when the settings are as they are now.

    A setting that differs keeps what was agreed before. When neither side is set up, nothing is remembered,
    and the two will be compared as if for the first time.
    """
    if is_blank(row):
        return dict(agreed) if conf[ADDRESS] else {}  # {}: neither side is set up
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
