"""What users read is in the words of the field: none of odd_words.txt returns."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from test_repo_shape import ROOT

LIST = Path(__file__).with_name("odd_words.txt")
# Pages written as one text; the others are held to what nobody says anywhere.
GUIDES = (
    "README.md",
    "docs/install.md",
    "docs/operations.md",
    "docs/telephones.md",
    "docs/security.md",
    "docs/hardware.md",
    "docs/engines.md",
    "docs/fencing.md",
    "docs/metrics/README.md",
)
# Programs whose strings are commands' output, the page, alerts, and the man pages.
PROGRAMS = ("appliance", "rpm/asha", "kickstart")


_NAME = re.compile(r"--[a-z-]+")


class Rule(NamedTuple):
    """A phrase that is not wanted, as it is searched, and what to write instead."""

    phrase: re.Pattern[str]
    better: str


class Text(NamedTuple):
    """What users read of a file, from `line` of it on."""

    path: Path
    line: int
    words: str


def rules(section: str) -> list[Rule]:
    _, _, rest = LIST.read_text().partition(f"\n[{section}]\n")
    lines = [line for line in rest.partition("\n[")[0].splitlines() if line and not line.startswith("#")]
    return [rule(line) for line in lines]


def rule(line: str) -> Rule:
    phrase, arrow, better = line.partition(" -> ")
    assert arrow and better.strip(), f"PHRASE -> BETTER is wanted: {line}"
    spaced = r"\s+".join(re.escape(word) for word in phrase.split())
    return Rule(re.compile(rf"(?<!\w){spaced}(?!\w)", re.IGNORECASE), better)


def found(texts: Iterator[Text], unwanted: list[Rule]) -> list[str]:
    return [
        f"{text.path}:{text.line + text.words.count(chr(10), 0, match.start())}: "
        f"'{' '.join(match[0].split())}'; better: {rule.better}"
        for text in texts
        for rule in unwanted
        for match in rule.phrase.finditer(text.words)
    ]


def pages() -> Iterator[Text]:
    """Pages and templates, without what a page has between backquotes: names, and words of a program."""
    chosen = [ROOT / name for name in ("README.md", "kickstart/README.md", "rpm/README.md", "deb/README.md")]
    chosen += [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs/metrics").glob("*.md")]
    chosen += (ROOT / "deploy").rglob("*.md")
    chosen += [path for path in (ROOT / "appliance/panel/templates").rglob("*") if path.is_file()]
    for path in sorted(chosen):
        yield Text(path.relative_to(ROOT), 1, re.sub(r"`[^`\n]+`", "``", path.read_text()))


def messages() -> Iterator[Text]:
    """Strings of the product's programs, and the docstrings that click shows as help."""
    for path in sorted(path for folder in PROGRAMS for path in (ROOT / folder).rglob("*.py")):
        yield from strings(path.relative_to(ROOT), path.read_text())


def strings(path: Path, source: str) -> Iterator[Text]:
    tree = ast.parse(source)
    unread = {id(node.body[0].value) for node in ast.walk(tree) if is_docstring_for_developers(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in unread:
            # Names, such as an option's or a field's, are no text, and stay as they are for those who use them.
            yield Text(path, node.lineno, "" if node.value.isidentifier() else _NAME.sub("", node.value))


def is_docstring_for_developers(node: ast.AST) -> bool:
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    if not (node.body and isinstance(node.body[0], ast.Expr)):
        return False
    decorators = [] if isinstance(node, ast.Module) else node.decorator_list
    return not any(re.search(r"\.(command|group)\b", ast.unparse(decorator)) for decorator in decorators)


def test_no_odd_word_on_a_page() -> None:
    assert found(pages(), rules("everywhere")) == []


@pytest.mark.parametrize("section", ["everywhere", "guides", "messages"])
def test_no_odd_word_in_a_message_of_the_product(section: str) -> None:
    assert found(messages(), rules(section)) == []


@pytest.mark.parametrize("guide", GUIDES)
def test_no_odd_word_in_a_guide(guide: str) -> None:
    assert found((text for text in pages() if str(text.path) == guide), rules("guides")) == []


def test_a_finding_has_file_line_and_the_better_word() -> None:
    page = Text(Path("page.md"), 1, "one\nNobody is\n told.\n")
    assert found(iter([page]), rules("everywhere")) == [
        "page.md:2: 'Nobody is told'; better: no alerts are configured"
    ]


def test_help_is_read_and_a_developers_docstring_is_not() -> None:
    source = '"""Errand."""\n\n@group.command("x")\ndef x() -> None:\n    """Errand."""\n    echo(f"an errand {x}")\n'
    assert [
        finding.partition(";")[0] for finding in found(strings(Path("x.py"), source), rules("everywhere"))
    ] == [
        "x.py:5: 'Errand'",
        "x.py:6: 'errand'",
    ]
