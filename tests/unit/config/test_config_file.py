"""The conf file on the disk: which one is believed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.config import Conf, ConfError, load
from appliance.config.conf_file import read_source
from appliance.core.errors import HostError


@pytest.fixture
def conf_file(tmp_path: Path) -> Path:
    path = tmp_path / "asha.conf"
    path.write_text("HASSHPORT=2222\n")
    path.chmod(0o644)
    return path


def refused(path: Path) -> str:
    with pytest.raises(ConfError) as caught:
        load(path)
    return str(caught.value)


def test_a_file_of_ours_is_read(conf_file: Path) -> None:
    assert load(conf_file) == Conf(ssh_port=2222)


def test_a_link_is_followed(conf_file: Path) -> None:
    link = conf_file.with_name("link")
    link.symlink_to(conf_file)
    assert load(link) == Conf(ssh_port=2222)


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666, 0o622])
def test_a_file_others_may_write_is_refused(conf_file: Path, mode: int) -> None:
    conf_file.chmod(mode)
    message = refused(conf_file)
    assert f"mode {mode:04o}" in message
    assert f"chmod go-w {conf_file}" in message


def test_a_file_of_another_user_is_refused(conf_file: Path) -> None:
    source = read_source(conf_file)
    fields = list(source.status[:10])
    fields[4] = os.geteuid() + 1
    verdict = replace(source, status=os.stat_result(fields)).judge()
    assert isinstance(verdict, tuple)
    assert [problem.want for problem in verdict] == [f"root: chown root {conf_file}"]


def test_a_secret_the_world_may_read_is_refused(conf_file: Path) -> None:
    conf_file.write_text("AMISECRET=hunter2\n")
    message = refused(conf_file)
    assert "AMISECRET" in message
    assert f"chmod o-r {conf_file}" in message
    assert "hunter2" not in message


def test_a_secret_kept_from_the_world_is_read(conf_file: Path) -> None:
    conf_file.write_text("AMISECRET=hunter2\n")
    conf_file.chmod(0o640)
    assert load(conf_file).ami_secret == "hunter2"


def test_problems_of_the_file_and_of_its_values_come_together(conf_file: Path) -> None:
    conf_file.write_text("RESTART=maybe\nAMISECRET=x\n")
    conf_file.chmod(0o666)
    with pytest.raises(ConfError) as caught:
        load(conf_file)
    assert [problem.key for problem in caught.value.problems] == ["", "AMISECRET", "RESTART"]
    assert str(conf_file) in str(caught.value)


def test_what_is_not_utf8_is_named_by_its_line(conf_file: Path) -> None:
    conf_file.write_bytes(b"RESTART=NO\nMAILTO=\xe9\n")
    assert "line 2" in refused(conf_file)


def test_a_file_of_nul_bytes_is_named_as_damaged(conf_file: Path) -> None:
    conf_file.write_bytes(b"\0" * 4096)
    assert "4096 NUL bytes" in refused(conf_file)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"absent could not be read: No such file"):
        load(tmp_path / "absent")


def test_a_pipe_or_a_directory_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(HostError, match="not a plain file"):
            load(path)


def test_a_huge_file_is_not_read(conf_file: Path) -> None:
    conf_file.write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(HostError, match="larger than 1 MiB"):
        load(conf_file)
