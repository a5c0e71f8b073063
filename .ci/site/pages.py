"""What `make site` adds to mkdocs: files from outside docs/, the links to them, and patterns in the nav.

The files stay where they are, because tests, packages and GitHub's reader find them there.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
# File of the repository, and its name on the site.
OUTSIDE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "rpm/README.md": "rpm.md",
    "deb/README.md": "deb.md",
    "kickstart/README.md": "kickstart.md",
    "deploy/README.md": "deploy.md",
    "deploy/ansible/README.md": "ansible.md",
    ".ci/site/site.css": "site.css",
}
# What somebody who is called at night looks for comes first in a search; each figure is a factor.
SOUGHT = {"alarms.md": 20, "operations.md": 4, "start.md": 4}
_LINK = re.compile(r"(?<=\]\()([^)\s#:]+)(?=[)#])")


def on_config(config: Any) -> Any:
    """Put into the nav the pages that its patterns stand for."""
    named = {entry for entry in _entries(config.nav) if "*" not in entry}
    config.nav = _expanded(config.nav, named, Path(config.docs_dir))
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the files from outside docs/."""
    for source, name in OUTSIDE.items():
        files.append(File.generated(config, name, content=(ROOT / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead the links of `page` to where their targets are on the site, and weigh it for a search."""
    name = page.file.src_uri
    page.meta["search"] = {"boost": SOUGHT.get(name, 1)}
    source = {site: repository for repository, site in OUTSIDE.items()}.get(name, f"docs/{name}")
    return _LINK.sub(lambda link: _on_the_site(link[1], source, name), markdown)


def _on_the_site(target: str, source: str, name: str) -> str:
    """Return `target`, a link of the repository's page `source`, as the page `name` of the site has it.

    What is on the site under no name stays as it is, and mkdocs calls it broken.
    """
    found = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    if (ROOT / found).is_dir():
        found = f"{found}/README.md"
    site = OUTSIDE.get(found) or (found.removeprefix("docs/") if found.startswith("docs/") else "")
    return posixpath.relpath(site, posixpath.dirname(name) or ".") if site else target


def _entries(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    else:
        for part in nav.values() if isinstance(nav, dict) else nav:
            yield from _entries(part)


def _expanded(nav: Any, named: set[str], docs: Path) -> Any:
    if isinstance(nav, dict):
        return {title: _expanded(part, named, docs) for title, part in nav.items()}
    if isinstance(nav, list):
        return [entry for part in nav for entry in _pages(part, named, docs)]
    return nav


def _pages(part: Any, named: set[str], docs: Path) -> list[Any]:
    if not isinstance(part, str) or "*" not in part:
        return [_expanded(part, named, docs)]
    found = sorted(path.relative_to(docs).as_posix() for path in docs.glob(part))
    return [page for page in found if page not in named]
