"""Keeping the conf file and SARK's row in step.

The calls block, every wait in them is bounded, and only one runs at a time on a node. See
docs/adr/0014-sark-and-the-conf-file.md.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from appliance.config import Conf, ConfError
from appliance.config.conf_file import ConfFile, read_source
from appliance.config.edit import replace_file
from appliance.config.schema import FROZEN_KEYS, KEY_BY_NAME, held_back
from appliance.core.answers import SarkChanges, SarkSetting, SarkView
from appliance.core.errors import HostError, UserError
from appliance.host.disk import locked
from appliance.host.paths import CONF, SARK_MEMORY
from appliance.sark.offered_values import fitting
from appliance.sark.reconcile import (
    ADDRESS,
    ADDRESS6,
    SHARED,
    SHOWN_ONLY,
    Setting,
    SettingVerdict,
    compare,
    is_blank,
    is_set_up,
    read_agreed,
    settle,
    to_sark,
    write_agreed,
)
from appliance.sark.table import Globals, read_globals, write_globals

_BLANKED = (
    "HACLUSTERIP is blank in SARK: nothing is taken from there until it is filled in. "
    "'asha sark push' fills it in, 'asha sark pull --blank' takes the blank"
)
# Said of a value that does not come by itself: the operator has to pull again.
_HELD = "{} cannot change under the running HA engine: stop it on this node, then pull again"
_UNNAMED = (
    "HAPRINODE or HASECNODE is blank in SARK: nothing is taken from there until both are filled in, since SARK has no "
    "column for HACLUSTERIP6. 'asha sark push' fills them in"
)
_UNFILLED = "HACLUSTERIP is blank in SARK, so its settings are those of nobody: nothing was taken."


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A value that was changed, in the conf file or in SARK."""

    key: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.key} from '{self.was}' to '{self.now}'"


@dataclass(frozen=True, slots=True)
class MirrorView:
    """Both sides as they are now.

    `shown`: columns that are only displayed. `problems`: sentences about what waits for the operator. `held`:
    keys that were changed in SARK and wait until the HA engine is off.
    """

    database: Path
    settings: tuple[Setting, ...]
    shown: Mapping[str, str]
    problems: tuple[str, ...]
    held: tuple[str, ...] = ()

    def answer(self, *, writes: bool | None, why: str) -> SarkView:
        """Return the view for those who ask. `writes`: SARK's database may be written here; `why` it may not."""
        return SarkView(str(self.database), self._settings(), dict(self.shown), self.problems, writes, why)

    def changes(self, pulled: Iterable[KeyChange], pushed: Iterable[KeyChange]) -> SarkChanges:
        """Return what a pass has changed, with the view since, for those who ask."""
        said = tuple(map(str, pulled)), tuple(map(str, pushed))
        return SarkChanges(*said, str(self.database), self._settings(), dict(self.shown), self.problems)

    def _settings(self) -> tuple[SarkSetting, ...]:
        return tuple(
            SarkSetting(one.key, one.conf, one.raw, one.step.name.lower(), one.says) for one in self.settings
        )


@dataclass(frozen=True, slots=True)
class Done:
    """The changes of a pass (or, in a dry run, those it would have made), and both sides as they are now."""

    pulled: tuple[KeyChange, ...]
    pushed: tuple[KeyChange, ...]
    view: MirrorView


@dataclass(frozen=True, slots=True)
class _Sides:
    source: ConfFile
    conf: Conf
    row: Globals
    agreed: dict[str, str]

    @property
    def values(self) -> dict[str, str]:
        return {key: KEY_BY_NAME[key].text(self.conf) for key in (*SHARED, ADDRESS6)}

    @property
    def settings(self) -> tuple[Setting, ...]:
        return compare(self.values, self.row.values, self.agreed)


class Mirror:
    """The exchange of settings between the conf file and SARK.

    `uname` is this machine's name. `memory` is the file of what both sides last agreed on. `engine_runs`
    tells whether the HA engine runs here; while it does, no value is taken into the conf file that cannot
    change under a running engine.

    Every method raises ConfError when the conf file is wrong, and HostError; NoGlobals, a HostError, where
    SARK has no settings.
    """

    def __init__(
        self,
        uname: str,
        conf: Path = CONF,
        memory: Path = SARK_MEMORY,
        *,
        engine_runs: Callable[[], bool] = lambda: False,
    ) -> None:
        self._uname = uname
        self._conf = conf
        self._memory = memory
        self._engine_runs = engine_runs

    def look(self) -> MirrorView:
        """Return both sides as they are; nothing is changed."""
        return self._view(self._read(), ())

    def follow(self, *, receives: str) -> Done:
        """Carry over what only one side has changed.

        `receives`: why nothing may be written into SARK now, or "" when writing is allowed.
        """
        with self._alone():
            sides = self._read()
            pulls = {
                one.key: one.sark
                for one in sides.settings
                if one.step is SettingVerdict.PULL and one.sark is not None
            }
            pushes = [one for one in sides.settings if one.step is SettingVerdict.PUSH]
            return self._carry(sides, pulls, [] if receives else pushes, dry_run=False)

    def pull(self, *, blank: bool = False, dry_run: bool = False) -> Done:
        """Take SARK's values into the conf file wherever SARK has one.

        `blank`: when SARK's cluster address is blank, the conf file gives its cluster address up too. Without
        `blank`, raises UserError for a row without a cluster address, because nobody has filled in such a
        row.
        """
        with self._alone():
            sides = self._read()
            pulls = {
                one.key: one.sark for one in sides.settings if one.sark is not None and one.sark != one.conf
            }
            if is_blank(sides.row.values, sides.values) and sides.values[ADDRESS]:
                if not blank:
                    raise UserError(_UNFILLED, todo="--blank gives the cluster address up here too.")
                pulls[ADDRESS] = ""
            elif is_blank(sides.row.values, sides.values) and is_set_up(sides.values):
                raise UserError(f"{_UNNAMED}.")
            return self._carry(sides, pulls, [], dry_run=dry_run)

    def push(self, *, dry_run: bool = False) -> Done:
        """Write the conf file's values into every column that this SARK has."""
        with self._alone():
            sides = self._read()
            pushes = [
                one
                for one in sides.settings
                if one.step not in (SettingVerdict.AGREED, SettingVerdict.ABSENT)
            ]
            return self._carry(sides, {}, pushes, dry_run=dry_run)

    def _carry(
        self, sides: _Sides, pulls: Mapping[str, str], pushes: list[Setting], *, dry_run: bool
    ) -> Done:
        held = self._held(pulls)
        found = fitting(sides.source, _without(pulls, held), self._uname)
        was = sides.values
        pulled = tuple(KeyChange(key, was[key], now) for key, now in found.values.items())
        pushed = tuple(KeyChange(one.key, one.raw, to_sark(one.key, one.conf)) for one in pushes)
        if not dry_run:
            if pulled:
                # replace_file raises UserError when somebody else has written the file since: that text
                # was not judged.
                replace_file(sides.source, found.text)
            if pushed:
                write_globals(sides.conf.db, sides.row, {change.key: change.now for change in pushed})
            sides = self._read()
            self._remember(sides)
        asked = [key for key in held if key not in _pulls(sides)]
        refused = [*found.refused.values(), *map(_HELD.format, asked)]
        return Done(pulled, pushed, self._view(sides, tuple(refused)))

    def _read(self) -> _Sides:
        row = read_globals(self._judged()[1].db)
        source, conf = self._judged()  # read again, since the database may have been waited for
        return _Sides(source, conf, row, read_agreed(self._memory))

    def _judged(self) -> tuple[ConfFile, Conf]:
        source = read_source(self._conf.resolve())
        conf = source.judge()
        if not isinstance(conf, Conf):
            raise ConfError(conf, path=self._conf)
        return source, conf

    def _remember(self, sides: _Sides) -> None:
        agreed = settle(sides.values, sides.row.values, sides.agreed)
        if agreed == sides.agreed:
            return
        try:
            write_agreed(self._memory, agreed)
        except OSError as problem:
            raise HostError(f"{self._memory} could not be written: {problem.strerror}.") from problem

    def _view(self, sides: _Sides, refused: tuple[str, ...]) -> MirrorView:
        said = [one.says for one in sides.settings if one.says]
        pulls = _pulls(sides)
        held = self._held(pulls)
        fits = fitting(sides.source, _without(pulls, held), self._uname)
        refused = refused or tuple(fits.refused.values())
        if any(one.step is SettingVerdict.CONFLICT for one in sides.settings):
            said.append("'asha sark pull' takes SARK's values, 'asha sark push' the conf file's")
        if is_blank(sides.row.values, sides.values) and is_set_up(sides.values) and sides.agreed:
            said.append(_BLANKED if sides.values[ADDRESS] else _UNNAMED)
        said += filter(None, [held_back(held, "SARK")])
        shown = {
            column: sides.row.values[column] or "" for column in SHOWN_ONLY if column in sides.row.values
        }
        return MirrorView(sides.conf.db, sides.settings, shown, (*said, *refused), held)

    def _held(self, pulls: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(key for key in pulls if key in FROZEN_KEYS) if self._engine_runs() else ()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            try:
                self._memory.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
                lock = stack.enter_context(locked(self._memory.with_suffix(".lock")))
            except OSError as problem:
                raise HostError(f"{self._memory.parent} could not be used: {problem.strerror}.") from problem
            if lock is None:
                raise UserError("Somebody else is at SARK's settings just now.", todo="Try again.")
            yield


def _pulls(sides: _Sides) -> dict[str, str]:
    return {
        one.key: one.sark
        for one in sides.settings
        if one.step is SettingVerdict.PULL and one.sark is not None
    }


def _without(values: Mapping[str, str], keys: tuple[str, ...]) -> dict[str, str]:
    return {key: value for key, value in values.items() if key not in keys}
