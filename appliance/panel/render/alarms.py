"""The entries of docs/alarms.md: what each alarm means and what to do, for the page /alarm/NAME.

`appliance/panel/alarms.md` is a link to docs/alarms.md, and in the packages that file itself: there is one text. Of
Markdown this reads what that file has: a table for each entry, and in it code, emphasis and links.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape

from appliance.core.errors import HostError

SOURCE = Path(__file__).parents[1] / "alarms.md"
_HEADING = re.compile(r"^#+ ", re.MULTILINE)
_ROW = re.compile(r"^\| (.+?) \| (.+) \|$", re.MULTILINE)
_QUOTED = re.compile(r"\*([^*]+)\*")
_INLINE = re.compile(r"`(?P<code>[^`]+)`|\*(?P<said>[^*]+)\*|\[(?P<words>[^\]]+)\]\((?P<target>[^)\s]+)\)")
# The rows that an entry begins with; each other row is a case of its own, and what to do in it.
_SAYS, _MEANS, _DO = "it says", "it means", "do"


@dataclass(frozen=True, slots=True)
class Entry:
    """What docs/alarms.md has of one alarm. `rows`: the name of each row and its text, as they stand there."""

    name: str
    rows: tuple[tuple[str, str], ...]

    @property
    def says(self) -> tuple[tuple[str, ...], ...]:
        """The words by which the alarm is known: each a phrase, as the parts that stand around what varies."""
        quoted = _QUOTED.findall(dict(self.rows).get(_SAYS, ""))
        return tuple(tuple(filter(None, (part.strip() for part in one.split("…")))) for one in quoted)


def slug(name: str) -> str:
    """Return the name of an alarm as it stands in an address, and as the anchor of its entry."""
    return name.lower().replace(" ", "-")


@functools.cache
def entries(source: Path = SOURCE) -> Mapping[str, Entry]:
    """Return the entries by slug. Raises HostError when the file cannot be read."""
    try:
        text = source.read_text(encoding="utf-8")
    except OSError as problem:
        raise HostError(
            f"What the alarms mean cannot be read here: {source}: {problem.strerror}.",
            todo="It is in docs/alarms.md of the documentation.",
        ) from problem
    return {slug(one.name): one for one in _read(text)}


def _read(text: str) -> Iterator[Entry]:
    for section in _HEADING.split(text)[1:]:
        name, _, body = section.partition("\n")
        rows = tuple(_ROW.findall(body))
        if _MEANS in dict(rows):
            yield Entry(name.strip(), rows)


def alarm_of(says: str) -> str:
    """Return the name of the alarm whose words the sentence `says` has; "" when there is none, or no file."""
    try:
        known = entries().values()
    except HostError:
        return ""  # the problem is shown without its link
    return next(
        (one.name for one in known for parts in one.says if parts and all(part in says for part in parts)), ""
    )


def in_html(text: str) -> Markup:
    """Return the text of a row as HTML. A link to another entry leads to its page, any other names its document."""
    found, at = Markup(), 0
    for match in _INLINE.finditer(text):
        found += escape(text[at : match.start()]) + _inline(match)
        at = match.end()
    return found + escape(text[at:])


def _inline(match: re.Match[str]) -> Markup:
    if match["code"] is not None:
        return Markup("<code>{}</code>").format(match["code"])
    if match["said"] is not None:
        return Markup("<em>{}</em>").format(match["said"])
    document, _, anchor = match["target"].partition("#")
    if not document:
        return Markup('<a href="{}">{}</a>').format(anchor, match["words"])
    return Markup("{} ({})").format(match["words"], document)
