"""Nothing in the product reads from others but by the reader that is bounded: held by reading the tree."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

from test_repo_shape import ROOT, python_files, text_of

READER = Path("appliance/host/bounded.py")
# asyncio's readers are bounded by the `limit` that they are made with, cheroot's by the length that was announced, and
# smtplib's by the product's own `_Answers`.
BY_LIMIT = {"appliance/pbx/probes.py", "appliance/control/server.py"}
OTHERS = {"appliance/panel/server/webserver.py", "appliance/notify/mail.py"}
# The hash of an entry is that of its text as it was written, whatever numbers are in it.
OWN_TEXT = {"appliance/core/journal_rules.py"}
UNBOUNDED = re.compile(
    r"\.(communicate|readlines|readall|makefile|getoutput|check_output)\(|\.(read|readline|recv)\((-1)?\)"
    r"|\.(readuntil|readexactly)\("
    r"|(open_connection|start_unix_server|start_server|open_unix_connection)\((?!.*limit=)"
)
JSON = re.compile(r"^json\.loads?\(")
# agent/grant_file.py reads 4096 bytes
BOOKS = re.compile(r"(book|grants)\.read\(\)$|^GrantFile\(.*\)\.read\(\)$")


NAMES = frozenset(
    [
        "communicate",
        "readlines",
        "readall",
        "makefile",
        "getoutput",
        "check_output",
        "read",
        "readline",
        "recv",
        "readuntil",
        "readexactly",
        "open_connection",
        "start_unix_server",
        "start_server",
        "open_unix_connection",
        "loads",
        "load",
    ]
)


@functools.cache
def calls(path: Path) -> tuple[str, ...]:
    """The calls of a file that the rules below could be about; writing all of them out takes seconds."""
    found = (node for node in ast.walk(ast.parse(text_of(path))) if isinstance(node, ast.Call))
    return tuple(ast.unparse(node) for node in found if called(node) in NAMES)


def called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def iterated(path: Path) -> list[str]:
    """What the loops of a file run over."""
    tree = ast.parse(text_of(path))
    return [
        ast.unparse(node.iter) for node in ast.walk(tree) if isinstance(node, ast.For | ast.comprehension)
    ]


def unbounded(path: Path) -> list[str]:
    found = [call for call in calls(path) if UNBOUNDED.search(call) and not BOOKS.search(call)]
    found += [over for over in iterated(path) if re.search(r"(^|\.)(stdin|stdout|stderr|buffer)$", over)]
    if str(path) in BY_LIMIT:
        found = [call for call in found if not re.search(r"reader\.read(line|until)\(", call)]
    return [f"{path}: {call}" for call in found]


def test_nothing_reads_without_a_bound() -> None:
    paths = [path for path in python_files("appliance") if path != READER and str(path) not in OTHERS]
    assert [offence for path in paths for offence in unbounded(path)] == []


def test_json_of_others_is_read_in_one_place() -> None:
    paths = [path for path in python_files("appliance") if path != Path("appliance/core/document.py")]
    found = {str(path) for path in paths for call in calls(path) if JSON.search(call)}
    assert found <= OWN_TEXT


def test_these_rules_find_what_they_are_for(tmp_path: Path) -> None:
    wrong = (
        *("process.communicate()", "sys.stdin.read()", "sys.stdin.readline()", "socket.makefile('rb')"),
        *(
            "reader.readline()",
            "asyncio.open_connection(host, 80)",
            "file.read(-1)",
            "process.stdout.readlines()",
        ),
    )
    for text in wrong:
        assert UNBOUNDED.search(ast.unparse(ast.parse(text, mode="eval"))), text
    place = tmp_path / "loop.py"
    place.write_text("for line in sys.stdin: pass")
    assert iterated(place) == ["sys.stdin"] and unbounded(place)
    assert not UNBOUNDED.search("file.read(4096)") and (ROOT / READER).exists()
