"""udev's question: is this tty the relay card's?"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

IS_CARD = Path(__file__).parents[3] / "rpm/asha/is-card"


@pytest.mark.parametrize(
    ("conf", "tty", "is_card"),
    [
        ("RHINOSPF=YES\n", "ttyUSB0", True),
        ("RHINOSPF=YES\n", "ttyUSB1", False),
        ("RHINOSPF=NO\n", "ttyUSB0", False),
        ("", "ttyUSB0", False),
        ("# RHINOSPF=YES\n", "ttyUSB0", False),
        (" RHINOSPF = yes \nRHINOUSB = /dev/ttyUSB3\r\n", "ttyUSB3", True),
        ("RHINOSPF=YES\nRHINOUSB=\n", "ttyUSB0", True),
        ("RHINOSPF=\"YES\"\nRHINOUSB='/dev/ttyUSB3' \r\n", "ttyUSB3", True),
        ("RHINOSPF='NO'\n", "ttyUSB0", False),
        ("RHINOSPF='YES'\nRHINOUSB=\"\"\n", "ttyUSB0", True),
        ("RHINOSPF=\"YES'\n", "ttyUSB0", False),
        ("RHINOSPF=YES\nRHINOUSB=/dev/ttyUSB3\n", "ttyUSB0", False),
        ("RELAYDRIVER=lcus\nRELAYDEVICE=/dev/ttyUSB2\n", "ttyUSB2", True),
        ("RELAYDRIVER=lcus\nRELAYDEVICE=/dev/ttyUSB2\n", "ttyUSB0", False),
        ("RELAYDRIVER='numato'\nRELAYDEVICE=\"/dev/ttyACM0\"\n", "ttyACM0", True),
        ("RELAYDRIVER=lcus\nRHINOUSB=/dev/ttyUSB1\n", "ttyUSB1", True),
        ("RELAYDRIVER=\nRHINOSPF=YES\n", "ttyUSB0", True),
    ],
)
def test_it_is_what_the_conf_says(tmp_path: Path, conf: str, tty: str, is_card: bool) -> None:
    (tmp_path / "conf").write_text(conf)
    done = subprocess.run([IS_CARD, tty, tmp_path / "conf"], check=False, timeout=10)
    assert (done.returncode == 0) is is_card


def test_without_a_conf_there_is_no_card(tmp_path: Path) -> None:
    done = subprocess.run(
        [IS_CARD, "ttyUSB0", tmp_path / "conf"], check=False, timeout=10, capture_output=True
    )
    assert (done.returncode, done.stderr) == (1, b"")
