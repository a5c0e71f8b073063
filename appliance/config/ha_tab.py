"""Keys that the High Availability tab offers, and that may be set from another machine or by the panel.

No key among them has a value that names a program, a directory or a file, other than a serial port. Whoever
may set these keys can make the pair serve badly, but cannot have a program run, or a file of their choice
written or read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from appliance.config.conf import Conf
from appliance.config.key import Key
from appliance.config.media import MEDIA
from appliance.config.parse import Assignment, ConfError, Problem, parse, printable, scan
from appliance.config.schema import KEY_BY_NAME, KEYS
from appliance.config.value_types import FILE
from appliance.core.answers import ConfKey, ConfProblem

_PLACES = {key.name: key.tab.place for key in KEYS if key.tab}
TAB_KEYS: tuple[str, ...] = tuple(sorted(_PLACES, key=_PLACES.__getitem__))
"""First the tab of asha 1.0.0-2, in its order; then the network, the card, and the times."""

FIRST_KEYS = frozenset(key.name for key in KEYS if key.tab and key.tab.first)
"""The page's first group: the fields of the tab of asha 1.0.0-2, and the relay card."""

# The only paths that root opens because the tab says so: serial ports.
_TTY = re.compile(r"/dev/tty(S|USB|ACM|AMA)[0-9]{1,3}", re.ASCII)
_TTY_WANTED = "a serial port such as /dev/ttyS0 or /dev/ttyUSB0 (others only by root, in the file)"
_LONGEST = 500


def checked_values(values: object) -> dict[str, str]:
    """Return `values` that came from elsewhere, if every key is one of the tab's and every value is safe.

    Raises ConfError with all that are not.
    """
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise ConfError([Problem("", "the values", 0, "a text for each key")])
    problems = [
        Problem(printable(str(key)), _shown(str(key), value), 0, want)
        for key, value in values.items()
        if (want := _objection(str(key), value))
    ]
    if problems:
        raise ConfError(problems, todo="Nothing was changed.")
    return {str(key): value for key, value in values.items()}


def offered(conf: Conf) -> dict[str, str]:
    """Return the tab's keys with their values in `conf`, without values that may be set by root alone."""
    values = {name: KEY_BY_NAME[name].text(conf) for name in TAB_KEYS}
    return {name: value for name, value in values.items() if not _objection(name, value)}


def _shown(key: str, value: str) -> str:
    return printable(KEY_BY_NAME[key].hide(value) if key in KEY_BY_NAME else value)


def _objection(key: str, value: str) -> str:
    if key not in TAB_KEYS:
        return "one of the High Availability tab's keys; others are set in the file, as root"
    if len(value) > _LONGEST:
        return f"at most {_LONGEST} characters long"
    if not all(_TTY.fullmatch(tty) for tty in _ttys(key, value)):
        return _TTY_WANTED
    return ""


def _ttys(key: str, value: str) -> Iterator[str]:
    """Yield the device paths in `value`, whether or not the rest of the value is right."""
    if KEY_BY_NAME[key].kind is FILE and value.strip():
        yield value.strip()
    if KEY_BY_NAME[key].kind is MEDIA:
        yield from (word for word in value.replace(",", " ").split() if "/" in word)


def changed_keys(before: str, after: Conf) -> list[str]:
    """Return the keys whose value in `after` differs from that in the text `before`, right or wrong."""
    was = written_values(before)
    return [key.name for key in KEYS if was[key.name] != key.text(after)]


def written_values(text: str) -> dict[str, str]:
    """Return the value of every key in `text`: as it counts, or as it is written where the file is wrong."""
    conf = parse(text)
    if isinstance(conf, Conf):
        return {key.name: key.text(conf) for key in KEYS}
    written = {item.key: item.value for item in scan(text) if isinstance(item, Assignment)}
    return {key.name: written.get(key.name) or key.default for key in KEYS}


def shown_keys(text: str) -> tuple[ConfKey, ...]:
    """Return every key for a page: the tab's in its order, then the others in file order.

    Secrets are not shown.
    """
    values = written_values(text)
    others = [key.name for key in KEYS if key.name not in TAB_KEYS]
    return tuple(_shown_key(KEY_BY_NAME[name], values) for name in (*TAB_KEYS, *others))


def _shown_key(key: Key, values: Mapping[str, str]) -> ConfKey:
    return ConfKey(
        name=key.name,
        label=key.label,
        group=key.group.value,
        value=key.hide(values[key.name]),
        default=key.default,
        example=key.example,
        comment=tuple(key.comment),
        choices=_choices(key),
        tab=key.name in TAB_KEYS,
    )


def _choices(key: Key) -> tuple[str, ...] | None:
    """Return what a page offers where the values are few, with blank where that means none."""
    blank = ("",) if key.may_be_off else ()
    return (*blank, *key.kind.words) if key.kind.words else None


def shown_problems(problems: Iterable[Problem]) -> tuple[ConfProblem, ...]:
    """Return problems for a page."""
    return tuple(ConfProblem(problem.key, problem.value, problem.want) for problem in problems)
