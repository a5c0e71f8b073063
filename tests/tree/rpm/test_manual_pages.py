"""The manual pages are made from the schema and the commands, and are sound roff."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from appliance.cli.main import asha
from appliance.config.schema import KEYS

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def manual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("manual")
    subprocess.run([sys.executable, "rpm/asha/write_manual.py", folder], cwd=ROOT, check=True, timeout=20)
    return folder


def test_every_key_is_there_with_its_words(manual: Path) -> None:
    text = (manual / "man5/asha.conf.5").read_text()
    for key in KEYS:
        assert f"\n.B {key.name}\n" in text
        assert f"Default: {key.default or 'blank'}".replace("\\", "\\e").replace("-", "\\-") in text


def test_every_command_for_people_is_there(manual: Path) -> None:
    text = (manual / "man8/asha.8").read_text().replace("\\-", "-")
    context = click.Context(asha)
    for name in asha.list_commands(context):
        command = asha.get_command(context, name)
        assert command is not None
        assert (f"\n.B asha {name}" in text) is not command.hidden, name


@pytest.mark.parametrize("page", ["man5/asha.conf.5", "man8/asha.8", "man8/fence_asha.8"])
def test_no_line_of_text_is_taken_for_a_request(manual: Path, page: str) -> None:
    requests = {
        line.split()[0] for line in (manual / page).read_text().splitlines() if line[:1] in (".", "'")
    }
    assert requests <= {".TH", ".SH", ".TP", ".B", ".I", ".P", ".IP", ".RS", ".RE", ".br"}
