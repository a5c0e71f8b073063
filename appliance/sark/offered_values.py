"""The choice of SARK's values that the conf file can take.

A value is taken when it is right by itself and together with the others, and leaves the machine the same
node.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from appliance.config import Conf, ConfError, Problem, which_node
from appliance.config.conf_file import ConfFile
from appliance.config.edit import with_value
from appliance.core.errors import UserError
from appliance.core.model import Node
from appliance.sark.reconcile import NAMES

Values = Mapping[str, str]


@dataclass(slots=True)
class Fitting:
    """The result of `fitting`.

    `values` can be taken, and make `text` of the conf file. `refused` has, by key, the reason for every other
    value.
    """

    values: dict[str, str]
    text: str
    refused: dict[str, str] = field(default_factory=dict)

    def refuse(self, key: str, why: str) -> None:
        """Leave `key` as it is in the conf file, and note the reason."""
        value = self.values.pop(key)
        self.refused[key] = f"{key} is '{value}' in SARK, {why}, and was not taken"


def fitting(source: ConfFile, values: Values, uname: str) -> Fitting:
    """Return those of `values` with which the conf file is right.

    Raises ConfError when the conf file is wrong without any of them.
    """
    found = Fitting(dict(values), source.text)
    while found.values:
        after = _with(source, found.values)
        verdict = after.judge()
        if isinstance(verdict, Conf):
            if not _moves(source, verdict, uname, found):
                found.text = after.text
                break
        else:
            _blame(source, verdict, found)
    return found


def _moves(source: ConfFile, after: Conf, uname: str, found: Fitting) -> bool:
    """Refuse names under which this machine would be another node or none; return whether any was."""
    before, now = _node(source.judge(), uname), _node(after, uname)
    names = [key for key in NAMES if key in found.values]
    if before is None or now is before or not names:
        return False
    what = f"the {now.value}" if now is not None else "no part of the pair"
    for key in names:
        found.refuse(key, f"with which this machine ({uname}), the {before.value}, would be {what}")
    return True


def _blame(source: ConfFile, problems: tuple[Problem, ...], found: Fitting) -> None:
    if not isinstance(verdict := source.judge(), Conf):
        raise ConfError(verdict, path=source.path)
    guilty = {one.key: one.want for one in problems if one.key in found.values}
    if not guilty:  # a value of ours made a key wrong that was right before
        want = f"with which {problems[0].key} should be {problems[0].want}"
        guilty = {key: want for key in found.values if key in problems[0].want} or dict.fromkeys(
            found.values, want
        )
        for key, why in guilty.items():
            found.refuse(key, why)
        return
    for key, want in guilty.items():
        found.refuse(key, f"should be {want}")


def _with(source: ConfFile, values: Values) -> ConfFile:
    text = source.text
    for key, value in values.items():
        text = with_value(text, key, value)
    return replace(source, text=text)


def _node(verdict: Conf | tuple[Problem, ...], uname: str) -> Node | None:
    try:
        return which_node(verdict, uname) if isinstance(verdict, Conf) else None
    except UserError:
        return None
