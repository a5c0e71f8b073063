"""`asha relay cabling`: the picture as a file, and what is said when it cannot be written."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.cli.relay import relay
from appliance.core.cabling import svg, text, wires
from appliance.core.errors import HostError


def test_it_prints_the_cabling_and_writes_the_picture(tmp_path: Path) -> None:
    file = tmp_path / "line.svg"
    result = CliRunner().invoke(relay, ["cabling", "--line", "bri", "--picture", str(file)])
    assert result.exit_code == 0
    assert result.output.splitlines() == list(text(wires("bri")))
    assert file.read_text() == svg(wires("bri"))


def test_a_picture_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        relay, ["cabling", "--line", "bri", "--picture", str(tmp_path / "none" / "line.svg")]
    )
    with pytest.raises(HostError, match="could not be written"):
        raise result.exception or AssertionError
