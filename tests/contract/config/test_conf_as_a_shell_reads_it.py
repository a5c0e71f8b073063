"""What is read from a line is what a real shell that sources the file has in the variable, or the line is refused."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from appliance.config import Conf, Problem, parse
from appliance.config.quotes import command_words, in_quotes
from appliance.config.schema import KEY_BY_NAME

# Everything that has a meaning to a shell, and what stands between such things.
_PIECES = [
    "a",
    "B7",
    "/",
    "/srv",
    ".",
    "-",
    "_",
    "=",
    "%",
    ",",
    ":",
    "@",
    "+",
    "é",
    "!",
    "^",
    "#",
    " #",
    " ",
    "  ",
    "\t",
]
_PIECES += [
    "$",
    "$x",
    "${x}",
    "$(echo x)",
    "`echo x`",
    "$1",
    "$$",
    "\\",
    "'",
    '"',
    "*",
    "?",
    "[",
    "]",
    "[a]",
    "{a,b}",
]
_PIECES += ["~", ";", "&", "&&", "|", "<", ">", "(", ")", "{", "}", "\\$", '\\"', "\\\\"]
_AROUND = ("{}", "/srv/{}", "'{}'", '"{}"', '"/srv/{}"', "'/srv/{}'")
_LINES = 2000


def _text(chance: random.Random) -> str:
    return "".join(chance.choice(_PIECES) for _ in range(chance.randint(0, 5)))


def as_a_shell_has_it(folder: Path, lines: list[str]) -> list[bytes | None]:
    """What `sh` has in each line's variable when a file has that line and no other; None when it complains."""
    script = []
    for number, line in enumerate(lines):
        path = folder / f"line-{number}"
        path.write_bytes(line.encode() + b"\n")
        key = line.partition("=")[0]
        # A file of a directory of its own, where no pattern finds anything.
        script.append(f'( . "{path}" >&2 && printf "%s" "${key}" ) </dev/null && printf "\\1" ; printf "\\0"')
    (folder / "script").write_text("\n".join(script) + "\n")
    done = subprocess.run(
        ["sh", folder / "script"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": "/root", "x": "expanded", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        check=False,
        timeout=60,
    )
    said = done.stdout.split(b"\0")[: len(lines)]
    assert len(said) == len(lines)
    return [one[:-1] if one.endswith(b"\1") else None for one in said]


def _value(key: str, written: str) -> str | None:
    """The value we read; None when the line is refused by name."""
    verdict = parse(f"{key}={written}\n")
    if isinstance(verdict, Conf):
        return KEY_BY_NAME[key].text(verdict)
    assert all(isinstance(problem, Problem) and problem.line == 1 and problem.want for problem in verdict)
    return None


@pytest.mark.parametrize("seed", range(3))
def test_a_path_or_a_word_is_the_shells_or_refused(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    lines = [
        (chance.choice(["OTHER1", "OTHER1", "HAPRINODE"]), chance.choice(_AROUND).format(_text(chance)))
        for _ in range(_LINES)
    ]
    shells = as_a_shell_has_it(tmp_path, [f"{key}={written}" for key, written in lines])
    compared = 0
    for (key, written), shell in zip(lines, shells, strict=True):
        value = _value(key, written)
        if value is None or (written[:1] not in "'\"" and set(written.strip()) & set(" \t")):
            continue  # a value with blanks and no quotes is one value here, and a command to a shell: so docs/conf.md
        compared += 1
        assert shell is not None, f"{key}={written} was read as {value!r}, and is no assignment to a shell"
        assert value == _as_we_write_it(key, shell.decode()), f"{key}={written}"
    assert compared > _LINES / 10


def _as_we_write_it(key: str, shell: str) -> str:
    """A blank value is the default; a path has no double slashes."""
    if not shell:
        return KEY_BY_NAME[key].default
    return str(Path("/" + shell.lstrip("/"))) if shell.startswith("/") else shell


def test_what_we_put_in_quotes_is_the_same_to_a_shell(tmp_path: Path) -> None:
    chance = random.Random(7)
    texts = [(_text(chance), chance.choice("'\"")) for _ in range(_LINES)]
    lines = [f"AMISECRET={in_quotes(text, quote)}" for text, quote in texts]
    shells = as_a_shell_has_it(tmp_path, lines)
    for (text, _), line, shell in zip(texts, lines, shells, strict=True):
        assert shell == text.encode(), line
        assert getattr(parse(line), "ami_secret", None) == text, line


def test_a_command_has_the_words_that_a_shell_would_give_it(tmp_path: Path) -> None:
    """Where we take it at all; its words are asked of a function in the shell."""
    chance = random.Random(9)
    commands = [f"/bin/job {_text(chance)}" for _ in range(_LINES)]
    taken = []
    for command in commands:
        try:
            taken.append((command, command_words(command)))
        except ValueError:
            continue
    assert len(taken) > _LINES / 10
    show = "show() { for word; do printf '%s\\0' \"$word\"; done; printf '\\1\\0'; }"
    script = tmp_path / "commands"
    script.write_text(
        "\n".join([show, *(f"show{command.removeprefix('/bin/job')}" for command, _ in taken), ""])
    )
    done = subprocess.run(["sh", script], cwd=tmp_path, capture_output=True, check=True, timeout=60)
    assert done.stderr == b""
    said = [part.split("\0")[:-1] for part in done.stdout.decode().split("\1\0")[:-1]]
    assert len(said) == len(taken)
    for (command, words), shell in zip(taken, said, strict=True):
        assert words[1:] == shell, command


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ('OTHER1="/srv/it\'s"', "/srv/it's"),
        ("OTHER1='/srv/$x `y` \"z\" \\n'", '/srv/$x `y` "z" \\n'),
        ('OTHER1="/srv/\\$x \\`y\\` \\"z\\" \\\\ \\n"', '/srv/$x `y` "z" \\ \\n'),
        ("HAPRINODE=pbx1.example.com  ", "pbx1.example.com"),
        ("  HAPRINODE='pbx1'\t", "pbx1"),
        ("HAPRINODE=", "haprimary"),
        ('HAPRINODE=""', "haprimary"),
    ],
)
def test_known_lines(tmp_path: Path, line: str, value: str) -> None:
    key, _, written = line.strip().partition("=")
    assert _value(key, written) == value
    [shell] = as_a_shell_has_it(tmp_path, [line.strip() if line[0] == " " else line])
    assert shell is not None
    assert shell.decode() in (value, "")
