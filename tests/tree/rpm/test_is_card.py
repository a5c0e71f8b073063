"""udev's question: is this tty, hidraw node or USB device the relay card's?"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from appliance.hw.usb_identity import UsbIdentity, remember

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
        ("RELAYDRIVER=dcttech\n", "hidraw3", True),
        ("RELAYDRIVER=dcttech\nRELAYDEVICE=/dev/hidraw3\n", "hidraw3", True),
        ("RELAYDRIVER=dcttech\nRELAYDEVICE=/dev/hidraw3\n", "hidraw0", False),
        ("RELAYDRIVER=dcttech\nRHINOUSB=/dev/ttyUSB0\n", "ttyUSB0", False),
        ("RELAYDRIVER=lcus\n", "hidraw0", False),
        ("RHINOSPF=YES\n", "hidraw0", False),
    ],
)
def test_it_is_what_the_conf_says(tmp_path: Path, conf: str, tty: str, is_card: bool) -> None:
    (tmp_path / "conf").write_text(conf)
    done = subprocess.run([IS_CARD, tty, tmp_path / "conf"], check=False, timeout=10)
    assert (done.returncode == 0) is is_card


@pytest.mark.parametrize(
    ("conf", "usb", "is_card"),
    [
        ("RELAYDRIVER=lcus\nRELAYDEVICE=/dev/ttyUSB2\n", "1-1.4", True),
        ("RELAYDRIVER=lcus\nRELAYDEVICE=/dev/ttyUSB2\n", "1-1.5", False),
        ("RELAYDRIVER=lcus\nRELAYDEVICE=/dev/ttyUSB0\n", "1-1.4", False),
        ("RELAYDRIVER=\nRHINOSPF=NO\nRHINOUSB=/dev/ttyUSB2\n", "1-1.4", False),
    ],
)
def test_a_usb_device_is_the_cards_by_the_port_that_the_agent_has_noted(
    tmp_path: Path, conf: str, usb: str, is_card: bool
) -> None:
    (tmp_path / "conf").write_text(conf)
    remember(tmp_path / "card.json", Path("/dev/ttyUSB2"), UsbIdentity("1a86", "7523", "", "1-1.4"))
    done = subprocess.run([IS_CARD, usb, tmp_path / "conf", tmp_path / "card.json"], check=False, timeout=10)
    assert (done.returncode == 0) is is_card


def test_where_nothing_is_noted_no_usb_device_is_the_cards(tmp_path: Path) -> None:
    (tmp_path / "conf").write_text("RELAYDRIVER=lcus\n")
    words = [IS_CARD, "1-1.4", tmp_path / "conf", tmp_path / "card.json"]
    done = subprocess.run(words, check=False, timeout=10, capture_output=True)
    assert (done.returncode, done.stderr) == (1, b"")


def test_without_a_conf_there_is_no_card(tmp_path: Path) -> None:
    done = subprocess.run(
        [IS_CARD, "ttyUSB0", tmp_path / "conf"], check=False, timeout=10, capture_output=True
    )
    assert (done.returncode, done.stderr) == (1, b"")
