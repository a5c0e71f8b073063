"""How Asterisk is to be started: as its distribution starts it, by what the files of that say.

An Asterisk that one starter runs as root and another as its own user writes what the other cannot: voicemail, the
database, the control socket. So there is one answer, for whoever starts it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_OPTION = r"(?:^|\s)-{letter}\s*([A-Za-z_][\w-]*)"
_FLAG = re.compile(r"(?:^|\s)-[A-Za-z]*p")
_MOST_FILES = 1 << 20  # what "infinity" comes to: Linux refuses more (fs.nr_open)


@dataclass(frozen=True, slots=True)
class StartSources:
    """How Asterisk is to be started by what the machine's files say; a field is empty where they say nothing.

    `options`: asterisk.conf. `unit`: the systemd unit. `settings`: the file of the distribution's init script
    (/etc/default, /etc/sysconfig), with what the script itself sets. `owner`: the user to whom Asterisk's data belong.
    """

    options: Mapping[str, str]
    unit: Mapping[str, str]
    settings: Mapping[str, str]
    owner: str = ""


@dataclass(frozen=True, slots=True)
class StartWay:
    """How Asterisk is started.

    `user` and `group`: as whom it runs, "" for root and for the user's own group. `realtime`: with a priority above
    others'. `files`: how many it may have open, 0 for as many as asha. `oom`: how readily the kernel ends it when the
    memory is full, from -1000 to 1000. `source`: what says so, in words.
    """

    user: str = ""
    group: str = ""
    realtime: bool = False
    files: int = 0
    oom: int = 0
    source: str = "nothing says otherwise"

    @property
    def words(self) -> tuple[str, ...]:
        """The options of Asterisk's own program."""
        user = ("-U", self.user) if self.user else ()
        group = ("-G", self.group) if self.group else ()
        return ("-g", *(("-p",) if self.realtime else ()), *user, *group)


def start_way(found: StartSources) -> StartWay:
    """Return how Asterisk is to be started: by asterisk.conf, else its unit, else its init script, else its files."""
    command = found.unit.get("ExecStart", "")
    named = (
        ("asterisk.conf", found.options.get("runuser", ""), found.options.get("rungroup", "")),
        ("its systemd unit", found.unit.get("User", ""), found.unit.get("Group", "")),
        ("its systemd unit", _option("U", command), _option("G", command)),
        ("its init script", found.settings.get("AST_USER", ""), found.settings.get("AST_GROUP", "")),
        ("its data, which belong to that user", found.owner, ""),
    )
    source, user, group = next((way for way in named if way[1]), ("nothing says otherwise", "", ""))
    return StartWay(
        user="" if user == "root" else user,
        group="" if user == "root" else group,
        realtime=_is_realtime(found, command),
        files=_files(found.unit.get("LimitNOFILE", "") or found.settings.get("MAXFILES", "")),
        oom=_number(found.unit.get("OOMScoreAdjust", ""), -1000, 1000),
        source=source,
    )


def _is_realtime(found: StartSources, command: str) -> bool:
    if command:
        return _FLAG.search(command) is not None
    return found.settings.get("AST_REALTIME", "no").casefold() not in ("no", "")


def _option(letter: str, command: str) -> str:
    option = re.search(_OPTION.format(letter=letter), command, re.ASCII)
    return option[1] if option else ""


def _files(text: str) -> int:
    """Return the limit in force, which is the second of "soft:hard"."""
    last = text.rpartition(":")[2].strip()
    return _MOST_FILES if last == "infinity" else _number(last, 0, _MOST_FILES)


def _number(text: str, least: int, most: int) -> int:
    try:
        return min(max(int(text), least), most)
    except ValueError:
        return 0
