"""Parser of the conf file: text to `Conf`, or to everything that is wrong with the text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from appliance.config.check import Clash, cross_check
from appliance.config.conf import Conf
from appliance.config.kinds import TEXT
from appliance.config.problem import Problem, printable
from appliance.config.scan import Assignment, scan
from appliance.config.schema import KEY_BY_NAME, KEYS, closest_key, without_secrets_in

_KEY_NAME = re.compile(r"[A-Z][A-Z0-9]+", re.ASCII)


def parse(text: str) -> Conf | tuple[Problem, ...]:
    """Return the values of `text`, or all its problems in the order of its lines. Never raises.

    Keys that are missing have their default.
    """
    found = list(scan(text))
    assignments, repeats = _first_of_each(item for item in found if isinstance(item, Assignment))
    values, wrong = _values(assignments)
    problems = [_discreet(item) for item in found if isinstance(item, Problem)] + repeats + wrong
    conf = _conf(values)
    suspects = {problem.key for problem in problems}
    problems += [_problem(clash, conf, assignments) for clash in _clashes(conf, suspects)]
    return tuple(sorted(problems, key=lambda problem: problem.line)) or conf


def readable(text: str) -> Conf:
    """Return the values of `text` that are right, with defaults for the others. Never raises.

    The result is good enough to let the line go when the conf file is wrong.
    """
    assignments, _ = _first_of_each(item for item in scan(text) if isinstance(item, Assignment))
    values, _ = _values(assignments)
    return _conf(values)


def _first_of_each(items: Iterable[Assignment]) -> tuple[dict[str, Assignment], list[Problem]]:
    first: dict[str, Assignment] = {}
    repeats = []
    for item in items:
        if item.key in first:
            want = f"given once (line {first[item.key].line} has it already)"
            repeats.append(Problem(item.key, _shown(item), item.line, want))
        first.setdefault(item.key, item)
    return first, repeats


def _values(assignments: dict[str, Assignment]) -> tuple[dict[str, Any], list[Problem]]:
    values: dict[str, Any] = {}
    wrong = []
    for name, item in assignments.items():
        try:
            values[name] = _value(item)
        except ValueError as problem:
            wrong.append(Problem(name, _shown(item), item.line, str(problem)))
    return values, wrong


def _value(item: Assignment) -> object:
    key = KEY_BY_NAME.get(item.key)
    if key is None:
        raise ValueError(unknown(item.key))
    try:
        value = key.parse(item.value)
    except ValueError as problem:
        advice = key.kind.bare(item.value)
        raise ValueError(f"{problem}; {advice}" if advice else str(problem)) from None
    if not item.quote and (advice := key.kind.bare(item.value)):
        raise ValueError(f"{key.kind.want}; {advice}")
    if key.kind is not TEXT and item.value != item.value.strip():
        raise ValueError(f"{key.kind.want}; without blanks inside the quotes at its ends")
    return value


def unknown(name: str) -> str:
    """Return what `name`, which is not a key, should be."""
    close = closest_key(name)
    return f"a known key; did you mean {close}?" if close else "a known key; 'asha conf' lists them"


def _shown(item: Assignment) -> str:
    key = KEY_BY_NAME.get(item.key)
    return printable(key.hide(item.value) if key else item.value)


def _discreet(problem: Problem) -> Problem:
    key = KEY_BY_NAME.get(problem.key)
    return replace(problem, value=key.hide(problem.value) if key else without_secrets_in(problem.value))


def _conf(values: dict[str, Any]) -> Conf:
    fields: dict[str, Any] = {}
    for key in KEYS:
        if key.name not in values:
            continue
        if key.slot is None:
            fields[key.field] = values[key.name]
        elif values[key.name]:
            fields[key.field] = (*fields.get(key.field, ()), values[key.name])
    return Conf(**fields)


def _clashes(conf: Conf, suspects: set[str]) -> Iterable[Clash]:
    """Yield the clashes that are not merely the consequence of a value which is wrong by itself."""
    for clash in cross_check(conf):
        if not suspects & {clash.key, *_KEY_NAME.findall(clash.want)}:
            yield clash


def _problem(clash: Clash, conf: Conf, assignments: dict[str, Assignment]) -> Problem:
    line = assignments[clash.key].line if clash.key in assignments else 0
    return Problem(clash.key, KEY_BY_NAME[clash.key].shown(conf), line, clash.want)
