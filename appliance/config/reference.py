"""Texts written from the schema: the conf file that the package ships, and its reference `docs/conf.md`.

`python -m appliance.config.reference docs/conf.md` writes the reference; a second path gets the shipped conf
file.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from appliance.config.conf import Conf
from appliance.config.key import Group, Key
from appliance.config.schema import KEYS, in_group
from appliance.config.value_types import TEXT, URL

_HEADER = """\
#
# asha config file
#
#
# If you are running SARK HA then DO NOT modify HACLUSTERIP, HAPRINODE, HASECNODE
# or HASYNCH. They will automatically be updated by SARK
#
# KEY=value, with or without quotes around the whole value; a # begins a comment only at the start of a line.
# Nothing is expanded and no shell reads this. A key that is missing has its default. Times: 200ms, 2, 2s or 1.5.
# 'asha check' reads this file and names everything wrong in it.
#
"""

_INTRODUCTION = """\
# The conf file

<!-- Written by `python -m appliance.config.reference docs/conf.md` from appliance/config; do not edit. -->

`/etc/asha.conf` holds one `KEY=value` on a line, and nothing in it is ever given to a shell. Every key is optional:
one that is missing has its default, and so has one that is left blank, unless its entry below says that blank means
something else. Words such as `YES` may be written in any mix of upper and lower case. Times are written `200ms`,
`2`, `2s` or `1.5`.

The file must belong to root and be writable by root alone, and once it holds a secret (%s,
%s) it must not be readable by everybody; otherwise it is refused.
`asha check` reports everything wrong in it at once, and `asha conf set KEY VALUE` changes a value and keeps the
comments and the order.

## How a line is read

"""

_SECRETS = [f"`{key.name}`" for key in KEYS if key.secret]
_FREE_TEXT = ", ".join(key.name for kind in (TEXT, URL) for key in KEYS if key.kind is kind)
_HOW_READ = (
    "A # begins a comment only at the start of a line. A comment may be in any encoding; a value is UTF-8. A value in "
    "another encoding is named with its line.",
    "A value stands without quotes, or as a whole in single or in double quotes, and then means what it means to a "
    "shell that reads a sysconfig file: everything between single quotes is taken as it stands; between double quotes "
    "a backslash takes the meaning from another backslash, a double quote, a $ and a backtick.",
    "Nothing is expanded: no $NAME, no ${NAME}, no $(command), no ~ and no pattern such as *. A value in which a shell "
    "would do so, quotes in the middle of a value, a quote that is not closed, and a comment behind a value are "
    "refused with what to write instead. A character that is meant, such as the & in /srv/R&D, is put into single "
    f"quotes with the whole value. Free text ({_FREE_TEXT}) "
    "is taken as it stands also without quotes, unless it is a whole $NAME or holds a ${NAME}.",
    "A line ends with LF or CR LF. CR alone ends no line, and a file that has it is refused. A byte order mark (UTF-8) "
    "does not matter; a file in UTF-16 is refused.",
    "A change by 'asha conf set' or on the page keeps every other byte of the file, and the quotes of the key that is "
    "changed.",
)

_OF_THE_ORIGINAL = """
Keys marked **1.0.0-2** are those of the original asha, with their defaults; its file works unchanged. Where a
value of it needed a shell, the package names the line when it is installed, and so does `asha conf check`.
"""


def how_read() -> tuple[str, ...]:
    """Return how a line of the conf file is read, in paragraphs for people."""
    return _HOW_READ


def comment_lines(key: Key) -> tuple[str, ...]:
    """Return the comment that stands above `key` in a conf file."""
    return tuple(f"# {line}" for line in key.comment)


def conf_file(conf: Conf | None = None) -> str:
    """Return a whole conf file with every key, its comment and its value in `conf`.

    Without `conf` the result is the shipped file.
    """
    conf = conf or Conf()
    original = [_entry(key, conf) for key in KEYS if key.original]
    parts = [_HEADER, *original]
    for group in Group:
        own = [_entry(key, conf) for key in in_group(group) if not key.original]
        parts += [f"#\n# --- {group.value} ---\n#\n", *own] if own else []
    return "\n".join(parts)


def _entry(key: Key, conf: Conf) -> str:
    return "\n".join((*comment_lines(key), f"{key.name}={key.written(key.text(conf))}".rstrip(), ""))


def reference() -> str:
    """Return the text of `docs/conf.md`."""
    return "\n".join(_reference_parts())


def _reference_parts() -> Iterator[str]:
    yield (
        _INTRODUCTION % (_SECRETS[0], ", ".join(_SECRETS[1:]))
        + "\n\n".join(_HOW_READ)
        + "\n"
        + _OF_THE_ORIGINAL
    )
    for group in Group:
        yield f"## {group.value}\n"
        yield "| key | default | |\n|---|---|---|"
        yield from (_row(key) for key in in_group(group))
        yield ""
        yield from (_section(key) for key in in_group(group))


def _row(key: Key) -> str:
    return f"| [`{key.name}`](#{key.name.lower()}) | {_code(key.default)} | {_mark(key)} |"


def _section(key: Key) -> str:
    facts = [
        f"- Value: {key.kind.want}",
        f"- Default: {_default(key)}",
        f"- Example: `{key.name}={key.example}`",
        "- One of the original's keys (1.0.0-2)" if key.original else "",
    ]
    return "\n".join((f"### {key.name}\n", f"{_prose(key.comment)}\n", *filter(None, facts), ""))


def _default(key: Key) -> str:
    blank_is_news = key.may_be_off and key.default
    return _code(key.default) + (" (blank means none, not the default)" if blank_is_news else "")


def _mark(key: Key) -> str:
    return "**1.0.0-2**" if key.original else ""


def _code(value: str) -> str:
    return f"`{value}`" if value else "blank"


def _prose(comment: Iterable[str]) -> str:
    """Return a comment as markdown.

    A line that begins with a small letter continues the sentence of the line before; any other begins on a
    new line.
    """
    text = ""
    for line in comment:
        between = "" if not text else "\n" if line[0].islower() else "\\\n"
        text += between + line.replace("<", "&lt;")
    return text[0].upper() + text[1:]


if __name__ == "__main__":
    for path, text in zip(sys.argv[1:], (reference(), conf_file()), strict=False):
        Path(path).write_text(text, encoding="utf-8")
