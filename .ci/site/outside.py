"""Find what the pages of a site load from elsewhere: `outside.py FOLDER` ends with 1 when there is any.

A link that a reader may follow is none; a script, a style sheet, a font, a picture or a frame is.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

_ELSEWHERE = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_IN_STYLE = re.compile(r"""(?:url\(|@import\s)\s*["']?([^"')\s;]+)""", re.IGNORECASE)
_LOADS = {"src", "srcset", "poster", "data", "background"}
# These are for a reader or a search engine to follow. Every other rel has the browser fetch, or connect.
_FOLLOWED = {"canonical", "next", "prev", "alternate", "license", "author"}


class _Page(HTMLParser):
    """The places that one page has its browser go to."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        self.loads += [value for name, value in given.items() if name in _LOADS]
        self.loads += _IN_STYLE.findall(given.get("style", ""))
        if tag in ("use", "image") or (tag == "link" and given.get("rel", "").lower() not in _FOLLOWED):
            self.loads += [given.get("href", ""), given.get("xlink:href", "")]
        if "mermaid" in given.get("class", "").split():
            self.loads.append("https://unpkg.com/mermaid")  # the theme fetches it for such an element

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.loads += _IN_STYLE.findall(data)


def loads(file: Path) -> list[str]:
    """Return what the page or style sheet `file` loads."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".css":
        return _IN_STYLE.findall(text)
    page = _Page()
    page.feed(text)
    return page.loads


def outside(site: Path) -> Iterator[str]:
    """Yield a line for each place elsewhere that a page or style sheet in `site` loads from."""
    files = sorted([*site.rglob("*.html"), *site.rglob("*.css")])
    if not files:
        yield f"{site}: there is no page"
    for file in files:
        yield from (f"{file}: loads {place}" for place in loads(file) if _ELSEWHERE.match(place))


if __name__ == "__main__":
    found = list(outside(Path(sys.argv[1])))
    print("\n".join(found), file=sys.stderr, end="\n" if found else "")
    sys.exit(bool(found))
