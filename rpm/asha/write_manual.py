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
One KEY=value on a line; nothing in it is ever given to a shell. Every key is optional: one that is missing or blank
has its default, unless its entry says that blank means something else. YES, NO and such words may be in upper or
lower case. Times are written 200ms, 2, 2s or 1.5.
.P
The file must belong to root and be writable by root alone, and once it holds AMISECRET it must not be readable by
everybody.
.B asha check
names everything wrong in it at once;
.B asha conf set
.I KEY VALUE
changes a value and keeps comments and order.
"""

_ASHA_FOOT = """\
.SH FILES
.TP
.I /etc/asha.conf
configuration file; see asha.conf(5)
.TP
.I /var/lib/asha/journal
every decision and every move of the relay, each line chained to the one before
.TP
.I /run/asha/control
the agent's socket
.SH EXIT STATUS
.B asha status
and
.B asha nagios
tell how the pair is: 0 protected, 1 degraded, 2 no service or two active, 3 not known. Other commands: 0 when done,
2 for wrong words on the command line or in the conf file, 3 when the machine lacks something, 4 for the card or the
line, 5 for the cluster engine or the agent, 6 for the data, 1 for anything else.
.SH SEE ALSO
asha.conf(5), heartbeat(8), asterisk(8)
"""

_FENCE = """\
.SH SYNOPSIS
.B fence_asha
[\\fB\\-o\\fR \\fIACTION\\fR] [\\fB\\-n\\fR \\fINODE\\fR] [\\fB\\-\\-patience\\fR \\fISECONDS\\fR]
.SH DESCRIPTION
Pacemaker runs it when HASTONITH is YES, and gives its options as name=value lines on standard input. It asks the
agent of asha on this node, which says yes when the telephone line has come here while the other node is silent, or
when HAFENCE has confirmed that the power of the other node is off. What is not known is a no.
.SH ACTIONS
.TP
.B off, reboot
is the node gone? This may use HAFENCE, which cuts its power. Nothing is ever switched on.
.TP
.B status
0 when the node is heard, 1 otherwise
.TP
.B list
the name of the other node
.TP
.B monitor
0 when the agent answers
.TP
.B metadata
what Pacemaker wants to know of it
.SH EXIT STATUS
0 for a yes, 1 for anything else.
.SH SEE ALSO
asha(8), asha.conf(5), stonith_admin(8)
"""


def fence_page() -> str:
    """Return the manual page fence_asha(8)."""
    return "".join(
        [
            _title("fence_asha", 8),
            _name("fence_asha", "asks asha whether the other node is surely gone"),
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
            _name("asha", "two Asterisk servers that behave as one which does not stop"),
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
