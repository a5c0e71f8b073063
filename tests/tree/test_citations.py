"""What comments, docstrings and Markdown pages cite is in the repository: files, decisions, facts."""

from __future__ import annotations

import ast
import functools
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from test_repo_shape import ROOT, repository_files, text_of

# Where a cited path may begin, beside the root: `agent/status.py` and `core/roles.py` are the product's.
BASES = ("", "appliance", "hwsim", "tests")
# What follows a path that is only the beginning of a name, or of several.
NOT_A_NAME = r"(?!/?[\w*{<…])"
FROM_ROOT = re.compile(
    r"(?<![\w/.:-])(?:docs|tests|appliance|hwsim|kickstart|rpm)(?:/[\w.-]*\w)+" + NOT_A_NAME, re.ASCII
)
SHORT = re.compile(r"(?<![\w/.-])[a-z_]+(?:/[a-z_0-9]+)+\.py\b" + NOT_A_NAME, re.ASCII)
DECISION = re.compile(r"\bADR (\d+)\b|\bdocs/adr/(\d{4})\b(?!-)")
LINK = re.compile(r"\]\(([^)#\s]*)(?:#[^)]*)?\)")
# Stands for any name, where it is told how things are cited.
PLACEHOLDER = re.compile(r"/(?:NAME|NNNN)\b")

# History keeps the words that were used then.
HISTORY = (Path("CHANGELOG.md"), Path("docs/adr"))
NAV = Path("mkdocs.yml")  # its paths begin below docs/
# Written so that this file does not contain them.
OLD_WORDS = re.compile(r"(?<!docs/)\b" + r"facts" + r"/|\bthe " + r"seed\b", re.IGNORECASE)
PICTURES = frozenset({".png", ".svg", ".ico"})


class Citation(NamedTuple):
    """What `page` says on `line`: `target`, a path, or `ADR 7`."""

    page: Path
    line: int
    target: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line} {self.target}"


def prose_of(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """First line and text of all that is written for people: comments and docstrings; a page as a whole."""
    if path.suffix != ".py":
        yield 1, text
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value.lineno, str(node.value.value)


def citations_in(path: Path, text: str) -> Iterator[Citation]:
    """Every path from the root, every shorter one of a Python file, and every decision by its number."""
    if not any(pattern.search(text) for pattern in (FROM_ROOT, SHORT, DECISION)):
        return  # to take a file apart takes much longer
    for first, prose in prose_of(path, text):
        found = {match.start(): match.group() for match in FROM_ROOT.finditer(prose)}
        found |= {match.start(): match.group() for match in SHORT.finditer(prose)}
        for match in DECISION.finditer(prose):
            found[match.start()] = f"ADR {int(match[1] or match[2])}"
        for at, target in found.items():
            if not PLACEHOLDER.search(target):
                yield Citation(path, first + prose.count("\n", 0, at), target)


def is_there(citation: Citation) -> bool:
    if citation.target.startswith("ADR "):
        return len(list((ROOT / "docs/adr").glob(f"{int(citation.target[4:]):04}-*.md"))) == 1
    bases = {*BASES, *map(str, citation.page.parents)}
    return any((ROOT / base / citation.target).exists() for base in bases)


def old_words_in(path: Path, text: str) -> list[str]:
    """Lines with a name that the repository uses no more. A link is relative to its page, so it is left out."""
    lines = LINK.sub("", text).splitlines() if path.suffix == ".md" else text.splitlines()
    return [
        f"{path}:{number} {match.group()}"
        for number, line in enumerate(lines, 1)
        if (match := OLD_WORDS.search(line))
    ]


@functools.cache
def pages(*suffixes: str) -> tuple[Path, ...]:
    """Files of the repository whose suffix is one of `suffixes`; a link to another of them is no page of its own."""
    files = (path for path in repository_files() if path.suffix in suffixes)
    return tuple(path for path in files if not (ROOT / path).is_symlink())


@functools.cache
def citations() -> tuple[Citation, ...]:
    return tuple(one for path in pages(".py", ".md") for one in citations_in(path, text_of(path)))


def dangling(cited: Iterable[Citation]) -> list[str]:
    return [str(one) for one in cited if not is_there(one)]


def test_what_is_cited_is_there() -> None:
    assert dangling(citations()) == []


@pytest.mark.parametrize(
    ("suffix", "folder"),
    [
        (".py", "docs/adr/"),
        (".py", "docs/facts/"),
        (".py", "tests/"),
        (".md", "docs/facts/"),
        (".md", "appliance/"),
        (".md", "hwsim/"),
    ],
)
def test_citations_of_every_kind_were_found(suffix: str, folder: str) -> None:
    """So that the rule above does not hold for want of anything to judge."""
    assert [one for one in citations() if one.page.suffix == suffix and one.target.startswith(folder)]


def test_links_of_every_page_lead_somewhere() -> None:
    links = [
        (path, target)
        for path in pages(".md")
        for target in LINK.findall(text_of(path))
        if target and "://" not in target
    ]
    assert len(links) > 50
    assert [f"{path}: {target}" for path, target in links if not (ROOT / path.parent / target).exists()] == []


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("# see docs/nowhere.md.\n", "docs/nowhere.md"),
        ("# (docs/adr/0099-never-decided.md)\n", "docs/adr/0099-never-decided.md"),
        ("# docs/adr/0099 decides\n", "ADR 99"),
        ("# ADR 99 decides\n", "ADR 99"),
        ('"""As `docs/facts/nothing.md` has it."""\n', "docs/facts/nothing.md"),
        ('def f() -> None:\n    """Read tests/unit/test_nothing.py."""\n', "tests/unit/test_nothing.py"),
        ("# agent/nobody.py tells\n", "agent/nobody.py"),
        ("x: int = 1\n'''Of appliance/nowhere/nothing.py.'''\n", "appliance/nowhere/nothing.py"),
    ],
)
def test_a_citation_of_nothing_is_seen(text: str, target: str) -> None:
    found = list(citations_in(Path("appliance/core/example.py"), text))
    assert [one.target for one in found] == [target]
    assert dangling(found) != []


def test_code_placeholders_and_beginnings_of_names_are_no_citations() -> None:
    text = 'PATH = "docs/nowhere.md"\n# docs/facts/NAME.md, docs/adr/NNNN-….md, tests/unit/test_*.py, /usr/docs/x.md\n'
    assert list(citations_in(Path("example.py"), text)) == []


def test_nobody_uses_the_old_words() -> None:
    """The facts are in docs/; and the release that all began with has a number."""
    found = [
        offence
        for path in repository_files()
        if path.suffix not in PICTURES and not any(path.is_relative_to(old) for old in (*HISTORY, NAV))
        for offence in old_words_in(path, text_of(path))
    ]
    assert found == []


def test_the_old_words_are_seen_where_they_are() -> None:
    page, old = Path("page.md"), "fac" + "ts/dahdi"
    assert old_words_in(page, f"as {old} says, [dahdi]({old}.md), docs/{old}.md") == ["page.md:1 fac" + "ts/"]
    assert old_words_in(Path("a.py"), "# The se" + "ed's tab") == ["a.py:1 The se" + "ed"]
    assert old_words_in(page, f"[dahdi]({old}.md), docs/{old}.md, a random seed") == []
