"""The mark of a node that has served: it has data that its peer has not got.

Two wall times: when this tenure began, and when Asterisk was last started in it. The first names the tenure, so that
a merge that goes on over a restart of Asterisk goes on; the whole names a state of the data.

A mark that is lost would have newer data overwritten. So it lies in two places (`Places.marks`), one of them outside of
/var, and each alone counts: a folder that was removed or restored does not take it away. For the same reason whatever
lies there and cannot be read, or makes no sense, counts as a mark.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from pathlib import Path

from appliance.host.disk import read_small, replace_file
from appliance.sync.places import Places

MARK = re.compile(r"\d{1,12}\.\d{3} \d{1,12}\.\d{3}", re.ASCII)
_LIMIT = 100


def read_mark(places: Places) -> str:
    """The mark; "" when the peer has everything. Of two that differ, the one of the later start of Asterisk."""
    texts = [text for path in places.marks if (text := _text(path)) is not None]
    sound = [text for text in texts if MARK.fullmatch(text)]
    if texts and not sound:
        return _for_spoilt(places)
    return max(sound, key=_started, default="")


def set_mark(places: Places, wall: float) -> None:
    """Asterisk is about to start here at `wall`: from now on the peer has not got everything.

    Each place is tried. Raises OSError, of the first place that failed, when not all of them have the mark now.
    """
    drop_note(places)
    began = tenure_of(read_mark(places)) or f"{wall:.3f}"
    _write(places, places.marks, f"{began} {wall:.3f}")


def complete_mark(places: Places, wall: float) -> None:
    """Asterisk runs here at `wall`, whoever has started it: have the mark where it is missing. Raises OSError."""
    missing = [path for path in places.marks if _text(path) is None]
    if missing:
        _write(places, missing, read_mark(places) or f"{wall:.3f} {wall:.3f}")


def drop_mark(places: Places) -> None:
    """Have no mark: the peer has everything, or an operator has given it up.

    Raises OSError, and then the mark still counts.
    """
    for path in places.marks:
        try:
            path.unlink(missing_ok=True)
        except IsADirectoryError:
            shutil.rmtree(path)
        except NotADirectoryError:
            pass  # where the folder should be is a file: no mark can lie there


def hand_over(places: Places) -> None:
    """Note that the peer has merged all that is here: it may be overwritten now, until the next service."""
    replace_file(places.handed_over, "")
    drop_mark(places)


def peer_has_all(places: Places) -> bool:
    """Nothing here is the last of its kind: what the peer has not got by itself it has merged. Raises OSError."""
    return places.handed_over.exists() and not read_mark(places)


def drop_note(places: Places) -> None:
    """What is here now, or is written from now on, may be the last of its kind. Raises OSError."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        places.handed_over.unlink()


def tenure_of(mark: str) -> str:
    """What names the tenure in which a mark was made; "" for no mark."""
    return mark.partition(" ")[0]


def _write(places: Places, paths: tuple[Path, ...] | list[Path], mark: str) -> None:
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
    """What lies at `path`, "" when it cannot be read; None when nothing does."""
    try:
        content = read_small(path, _LIMIT)
    except NotADirectoryError:
        return None
    except OSError:
        return ""
    return None if content is None else content.decode("ascii", errors="replace")


def _started(mark: str) -> float:
    return float(mark.partition(" ")[2])


def _for_spoilt(places: Places) -> str:
    """A mark for one that tells no times: the time at which it was last written stands for both."""
    times = [0.0]
    for path in places.marks:
        try:
            times.append(os.lstat(path).st_mtime)
        except OSError:
            continue
    return f"{max(times):.3f} {max(times):.3f}"
