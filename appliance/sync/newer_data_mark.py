"""The mark of a node that has served: the node has data that its peer has not got.

The mark holds two wall times: when this takeover (time of service) began, and when Asterisk was last started in
it. The first names the takeover, so that a merge continues when Asterisk is restarted during it. Both together
name a state of the data.

If a mark were lost, newer data would be overwritten. So the mark is kept in two places (`SyncPaths.marks`), one
of them outside /var, and either one alone counts: removing or restoring a folder does not take the mark away.
For the same reason a file at one of these places that cannot be read, or makes no sense, counts as a mark.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from pathlib import Path

from appliance.host.disk import read_small, replace_file
from appliance.host.paths import SyncPaths

MARK = re.compile(r"\d{1,12}\.\d{3} \d{1,12}\.\d{3}", re.ASCII)
_LIMIT = 100


def read_mark(places: SyncPaths) -> str:
    """Return the mark, or "" when the peer has everything.

    Of two marks that differ, the one with the later start of Asterisk is returned.
    """
    texts = [text for path in places.marks if (text := _text(path)) is not None]
    sound = [text for text in texts if MARK.fullmatch(text)]
    if texts and not sound:
        return _for_spoilt(places)
    return max(sound, key=_started, default="")


def set_mark(places: SyncPaths, wall: float) -> None:
    """Set the mark before Asterisk starts here at `wall` (epoch seconds).

    From now on the peer has not got everything. Both places are tried. Raises the OSError of the first place
    that failed, even when the other has the mark.
    """
    drop_note(places)
    began = takeover_of(read_mark(places)) or f"{wall:.3f}"
    _write(places, places.marks, f"{began} {wall:.3f}")


def complete_mark(places: SyncPaths, wall: float) -> None:
    """Set the mark where it is missing, because Asterisk runs here at `wall` (epoch seconds).

    The mark is set whoever has started Asterisk. Raises OSError.
    """
    missing = [path for path in places.marks if _text(path) is None]
    if missing:
        _write(places, missing, read_mark(places) or f"{wall:.3f} {wall:.3f}")


def drop_mark(places: SyncPaths) -> None:
    """Remove the mark: the peer has everything, or an operator has given the newer data up.

    Raises OSError, and then the mark still counts.
    """
    for path in places.marks:
        try:
            path.unlink(missing_ok=True)
        except IsADirectoryError:
            shutil.rmtree(path)
        except NotADirectoryError:
            pass  # a file is where the folder should be, so no mark can be there


def hand_over(places: SyncPaths) -> None:
    """Note that the peer has merged everything on this node, and drop the mark.

    The data here may be overwritten until this node serves again.
    """
    replace_file(places.handed_over, "")
    drop_mark(places)


def peer_has_all(places: SyncPaths) -> bool:
    """Return whether the peer has everything that is here, by itself or by a merge. Raises OSError."""
    return places.handed_over.exists() and not read_mark(places)


def drop_note(places: SyncPaths) -> None:
    """Remove the note of `hand_over`: data here may from now on exist nowhere else. Raises OSError."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        places.handed_over.unlink()


def takeover_of(mark: str) -> str:
    """Return the part of `mark` that names the takeover, or "" for no mark."""
    return mark.partition(" ")[0]


def _write(places: SyncPaths, paths: tuple[Path, ...] | list[Path], mark: str) -> None:
    problems = []
    for path in paths:
        try:
            places.make_folder_of(path)
            replace_file(path, mark)
        except OSError as problem:
            problems.append(problem)
    if problems:
        raise problems[0]


def _text(path: Path) -> str | None:
    """Return the content of `path`, "" when it cannot be read, or None when nothing is there."""
    try:
        content = read_small(path, _LIMIT)
    except NotADirectoryError:
        return None
    except OSError:
        return ""
    return None if content is None else content.decode("ascii", errors="replace")


def _started(mark: str) -> float:
    return float(mark.partition(" ")[2])


def _for_spoilt(places: SyncPaths) -> str:
    """Return a mark that stands for an unreadable one: the time of its last writing serves for both times."""
    times = [0.0]
    for path in places.marks:
        try:
            times.append(os.lstat(path).st_mtime)
        except OSError:
            continue
    return f"{max(times):.3f} {max(times):.3f}"
