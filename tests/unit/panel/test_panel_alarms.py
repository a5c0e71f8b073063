"""What the page shows of docs/alarms.md: all of it, from that very file, and nothing that the browser would run."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from appliance.core.alerts import AlertKind
from appliance.core.errors import HostError
from appliance.panel.render.alarms import SOURCE, alarm_of, entries, in_html, slug

ROOT = Path(__file__).parents[3]


def test_there_is_one_text() -> None:
    assert SOURCE.samefile(ROOT / "docs/alarms.md")


def test_the_package_has_the_text_and_not_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    """By the very command of the RPM, from which the .deb is made."""
    (copy,) = [line for line in (ROOT / "rpm/asha/asha.spec").read_text().splitlines() if "/appliance %{" in line
               and line.startswith("cp ")]  # fmt: skip
    tree = tmp_path / "tree"
    (tree / "appliance/panel").mkdir(parents=True)
    (tree / "docs").mkdir()
    shutil.copy(ROOT / "docs/alarms.md", tree / "docs/alarms.md")
    (tree / "appliance/panel/alarms.md").symlink_to((ROOT / "appliance/panel/alarms.md").readlink())
    (tmp_path / "root/lib").mkdir(parents=True)
    command = copy.replace("%{tree}", str(tree)).replace("%{buildroot}", str(tmp_path / "root"))
    subprocess.run(command.replace("%{library}", "/lib").split(), check=True)
    shutil.rmtree(tree)
    assert "card-lost" in entries(tmp_path / "root/lib/appliance/panel/alarms.md")


def test_every_kind_of_alert_has_its_page() -> None:
    assert [kind for kind in AlertKind if kind.page.removeprefix("/alarm/") not in entries()] == []
    assert [slug(kind.word) for kind in AlertKind] == [
        kind.page.removeprefix("/alarm/") for kind in AlertKind
    ]


def test_every_row_of_an_entry_is_there() -> None:
    entry = entries()["line-blocked"]
    assert [title for title, _ in entry.rows][:4] == [
        "it says",
        "it means",
        "do",
        "neither node receives the line",
    ]


@pytest.mark.parametrize(
    ("says", "alarm"),
    [
        ("the relay card is gone: the line is at the secondary until it is plugged in again", "card lost"),
        (
            "seen from the other node, a telephone on the LAN cannot call through the cluster address",
            "lan lost",
        ),
        ("the data here are stale: 'asha sync status' says why", "data stale"),
        ("a cat sleeps on the server", ""),
    ],
)
def test_a_sentence_is_known_by_the_words_of_the_entry(says: str, alarm: str) -> None:
    assert alarm_of(says) == alarm


def test_a_text_is_shown_as_html_and_a_link_leads_within_the_page() -> None:
    text = "run `asha status` & see [card lost](#card-lost), *it <b>* or [this](operations.md#a-drill)"
    assert in_html(text) == (
        "run <code>asha status</code> &amp; see "
        '<a href="card-lost">card lost</a>, <em>it &lt;b&gt;</em> or this (operations.md)'
    )


def test_no_row_keeps_a_sign_of_markdown() -> None:
    shown = [str(in_html(text)) for entry in entries().values() for _, text in entry.rows]
    assert [text for text in shown if "`" in text or "](" in text] == []


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="cannot be read"):
        entries(tmp_path / "none.md")
