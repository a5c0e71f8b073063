"""What the machine's files say of Asterisk's start."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from appliance.config import Conf
from appliance.core.errors import HostError
from appliance.core.pbx_start import StartWay
from appliance.pbx.start_way import make_writable, read_start_way


def put(place: Path, text: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "var/lib/asterisk").mkdir(parents=True)
    return tmp_path


def test_debians_unit_with_the_administrators_drop_in(root: Path) -> None:
    put(
        root / "lib/systemd/system/asterisk.service",
        "[Service]\nExecStart=/usr/sbin/asterisk -g -f -p -U asterisk\nLimitNOFILE=1024\n",
    )
    put(root / "etc/systemd/system/asterisk.service.d/more.conf", "[Service]\nLimitNOFILE=65536\n")
    way = read_start_way(Conf(), root)
    assert way == StartWay("asterisk", realtime=True, files=65536, source="its systemd unit")


def test_an_init_script_and_what_the_administrator_says_in_its_settings(root: Path) -> None:
    put(root / "etc/init.d/asterisk", "USER=asterisk\nGROUP=asterisk\n#MAXFILES=1024 # (the default)\n")
    put(root / "etc/default/asterisk", 'AST_USER="pbx"\nMAXFILES=8192 # enough\n')
    way = read_start_way(Conf(), root)
    assert way == StartWay("pbx", "asterisk", files=8192, source="its init script")


def test_data_elsewhere_tell_their_owner(root: Path) -> None:
    put(root / "etc/asterisk/asterisk.conf", "[directories]\nastvarlibdir => /srv/pbx ; moved\n")
    (root / "srv/pbx").mkdir(parents=True)
    me = pwd.getpwuid(os.getuid()).pw_name
    assert read_start_way(Conf(), root).user == ("" if me == "root" else me)


def test_plain_asks_nobody(root: Path) -> None:
    put(root / "lib/systemd/system/asterisk.service", "[Service]\nUser=asterisk\n")
    assert read_start_way(Conf(pbx_start="plain"), root).words == ("-g",)


def site(tmp_path: Path) -> Conf:
    put(tmp_path / "conf/asterisk.conf", f"[directories]\nastrundir => {tmp_path / 'run'}\n")
    return Conf(asterisk_dir=tmp_path / "conf")


def test_a_user_whom_asha_cannot_look_up_is_told_and_nothing_is_touched(tmp_path: Path) -> None:
    (said,) = make_writable(site(tmp_path), StartWay("nobody-of-that-name", source="its systemd unit"))
    assert said.startswith(
        "nobody-of-that-name, as whom Asterisk is started by its systemd unit, is not in /etc/"
    )
    assert not (tmp_path / "run").exists()


def test_data_whose_owner_has_no_name_ask_for_nobody(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(number: int) -> pwd.struct_passwd:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert read_start_way(Conf(), root).user == ""


def test_a_file_that_cannot_be_read_is_told(root: Path) -> None:
    (root / "etc/default/asterisk").mkdir(parents=True)
    with pytest.raises(HostError, match="How Asterisk is started cannot be told"):
        read_start_way(Conf(), root)


def test_root_needs_nothing(tmp_path: Path) -> None:
    assert make_writable(site(tmp_path), StartWay()) == ()
    assert not (tmp_path / "run").exists()
