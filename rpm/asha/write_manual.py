"""Write the manual pages: asha.conf(5) from the schema of the conf file, asha(8) from the commands, fence_asha(8).

`write_manual.py DIRECTORY` makes DIRECTORY/man5/asha.conf.5, DIRECTORY/man8/asha.8 and DIRECTORY/man8/fence_asha.8.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from appliance import __version__
from appliance.cli.main import asha
from appliance.config.key import Group, Key
from appliance.config.reference import how_read
from appliance.config.schema import in_group

_CONF_HEAD = """\
.SH DESCRIPTION
One KEY=value per line; no value is ever passed to a shell. Every key is optional. A key that is missing or blank has
its default, unless its entry says that blank means something else. YES, NO and similar words may be in upper or lower
case. Times are written 200ms, 2, 2s or 1.5.
.P
The file must be owned by root and writable by root only. Once it contains AMISECRET, it must not be world-readable.
.B asha check
reports all errors in it at once;
.B asha conf set
.I KEY VALUE
changes a value and preserves comments and order.
"""

_ASHA_FOOT = """\
.SH JSON
With
.B \\-\\-json
a command prints one document for programs on standard output, and an error as an object with the keys error, todo and
exit_code on standard error. What each command prints, and which few print no JSON, is in
.I json.md
of asha's documentation.
.SH FILES
.TP
.I /etc/asha.conf
configuration file; see asha.conf(5)
.TP
.I /var/lib/asha/journal
every decision and every relay operation; each line contains the hash of the one before
.TP
.I NAME.before-restore-TIME
beside a file that 'asha restore' has replaced: what was there before
.TP
.I /run/asha/control
the agent's socket
.SH EXIT STATUS
.B asha status
and
.B asha nagios
report the state of the pair: 0 protected, 1 degraded, 2 no service or two active, 3 not known.
.B asha conf diff
exits with 1 if the conf files of the two nodes differ. Other commands: 0 success, 2 for an error on the command line
or in the conf file, 3 if this host lacks something, 4 for the card or the line, 5 for the cluster engine or the
agent, 6 for the data, 1 for anything else.
.SH SEE ALSO
asha.conf(5), heartbeat(8), asterisk(8)
"""

_FENCE = """\
.SH SYNOPSIS
.B fence_asha
[\\fB\\-o\\fR \\fIACTION\\fR] [\\fB\\-n\\fR \\fINODE\\fR] [\\fB\\-\\-patience\\fR \\fISECONDS\\fR]
.SH DESCRIPTION
Pacemaker runs this agent when HASTONITH is YES, and passes its options as name=value lines on standard input. The
agent asks asha on this node whether the other node is gone. The answer is yes if the telephone line has arrived
here while the other node is silent, or if HAFENCE has confirmed that the other node's power is off. If asha does
not know, the answer is no.
.SH ACTIONS
.TP
.B off, reboot
check that the node is gone. This may use HAFENCE, which cuts its power. Nothing is ever switched on.
.TP
.B status
exit 0 if the node is heard, 1 otherwise
.TP
.B list
the name of the other node
.TP
.B monitor
exit 0 if the agent of asha answers
.TP
.B metadata
print the agent's metadata for Pacemaker
.SH EXIT STATUS
0 for yes, 1 for anything else.
.SH SEE ALSO
asha(8), asha.conf(5), stonith_admin(8)
"""


def fence_page() -> str:
    """Return the manual page fence_asha(8)."""
    return "".join(
        [
            _title("fence_asha", 8),
            _name("fence_asha", "fence agent that asks asha whether the other node is gone"),
            _FENCE,
        ]
    )


def conf_page() -> str:
    """Return the manual page asha.conf(5)."""
    parts = [
        _title("asha.conf", 5),
        _name("asha.conf", "configuration file of asha"),
        _CONF_HEAD,
        _how_read(),
    ]
    for group in Group:
        parts += [f".SH {_text(group.value.upper())}\n", *(_key(key) for key in in_group(group))]
    return "".join([*parts, ".SH SEE ALSO\nasha(8)\n"])


def _how_read() -> str:
    return "".join(f".P\n{_text(paragraph)}\n" for paragraph in how_read())


def _key(key: Key) -> str:
    blank = "blank means none" if key.may_be_off and key.default else ""
    facts = [
        f"Value: {key.kind.want}.",
        f"Default: {key.default or 'blank'}{f' ({blank})' if blank else ''}.",
        f"Example: {key.name}={key.example}",
    ]
    return f".TP\n.B {_text(key.name)}\n" + _lines([*key.comment, *facts])


def asha_page() -> str:
    """Return the manual page asha(8)."""
    context = click.Context(asha, info_name="asha")
    commands = [part for command in _commands(context) for part in command]
    return "".join(
        [
            _title("asha", 8),
            _name("asha", "high availability for two Asterisk servers"),
            ".SH SYNOPSIS\n.B asha\n.I COMMAND\n[\\fIARGUMENTS\\fR]\n",
            f".SH DESCRIPTION\n{_paragraphs(asha.help or '')}",
            ".SH COMMANDS\n",
            *commands,
            _ASHA_FOOT,
        ]
    )


def _commands(context: click.Context) -> Iterator[list[str]]:
    """Yield every command, those inside groups too, as pieces of the page."""
    group = context.command
    assert isinstance(group, click.Group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        inner = click.Context(command, info_name=name, parent=context)
        if isinstance(command, click.Group):
            yield from _commands(inner)
        else:
            yield [_command(inner)]


def _command(context: click.Context) -> str:
    usage = " ".join([context.command_path, *context.command.collect_usage_pieces(context)])
    options = [
        record
        for parameter in context.command.params
        if isinstance(parameter, click.Option) and (record := parameter.get_help_record(context))
    ]
    body = _paragraphs(context.command.help or "")
    if not options:
        return f".TP\n.B {_text(usage)}\n{body}"
    listed = "".join(f".TP\n.B {_text(words)}\n{_text(means or '-')}\n" for words, means in options)
    return f".TP\n.B {_text(usage)}\n{body}.RS\n{listed}.RE\n"


def _title(name: str, section: int) -> str:
    return f'.TH {name.upper()} {section} "" "asha {__version__}" "asha"\n'


def _name(name: str, is_what: str) -> str:
    return f".SH NAME\n{name} \\- {_text(is_what)}\n"


def _paragraphs(help_text: str) -> str:
    """Return Click's help text with its paragraphs kept and its line ends joined."""
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", help_text.strip())]
    return "\n.IP\n".join(_text(part) for part in paragraphs) + "\n"


def _lines(lines: Iterable[str]) -> str:
    return "\n.br\n".join(_text(line) for line in lines) + "\n"


def _text(text: str) -> str:
    """Return plain text for roff, escaped so that nothing in it is a command."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped[:1] in (".", "'") else escaped


if __name__ == "__main__":
    manual = Path(sys.argv[1])
    for page, write in (
        ("man5/asha.conf.5", conf_page),
        ("man8/asha.8", asha_page),
        ("man8/fence_asha.8", fence_page),
    ):
        (manual / page).parent.mkdir(parents=True, exist_ok=True)
        (manual / page).write_text(write(), encoding="utf-8")
