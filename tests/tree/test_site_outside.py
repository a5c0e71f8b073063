"""What the pages of the site load from elsewhere is found: .ci/site/outside.py, which `make site` runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).parents[2] / ".ci/site/outside.py"


def check(site: Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, str(CHECK), str(site)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://cdn.example/a.js"></script>',
        '<link rel="stylesheet" href="//cdn.example/a.css">',
        '<link rel="preconnect" href="https://fonts.gstatic.com">',
        '<img src="HTTP://cdn.example/a.png">',
        '<img srcset="//cdn.example/a.png 2x">',
        '<p style="background: url(https://cdn.example/a.png)">',
        "<style>@import 'https://cdn.example/a.css';</style>",
        "<style>p { color: red } a { src: url( 'https://cdn.example/a.woff2') }</style>",
        '<svg><use xlink:href="https://cdn.example/a.svg#x"/></svg>',
        '<pre class="mermaid">graph</pre>',
    ],
)
def test_a_page_that_loads_from_elsewhere_fails(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.html").write_text(f"<html><body>{text}</body></html>")
    said = check(tmp_path)
    assert said.returncode == 1
    assert f"{tmp_path}/a.html: loads " in said.stderr


def test_a_style_sheet_that_loads_from_elsewhere_fails(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("@font-face { src: url(https://cdn.example/a.woff2) }")
    assert check(tmp_path).returncode == 1


def test_links_to_follow_and_what_the_site_has_itself_pass(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("p { background: url(../b.png) url(data:image/png;base64,AA//) }")
    (tmp_path / "a.html").write_text(
        '<a href="https://elsewhere.example/">there</a><link rel="canonical" href="https://asha.example/">'
        '<script src="b.js"></script><link rel="stylesheet" href="a.css"><img src="b.png">'
    )
    said = check(tmp_path)
    assert (said.returncode, said.stderr) == (0, "")


def test_a_site_without_a_page_fails(tmp_path: Path) -> None:
    assert check(tmp_path).returncode == 1
