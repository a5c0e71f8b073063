"""Changing the conf file in place."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from appliance.config import Conf, ConfError, load, parse
from appliance.config.conf_file import read_source
from appliance.config.edit import missing_keys, name_missing, replace_file, set_values, with_value
from appliance.config.reference import comment_lines
from appliance.config.schema import KEY_BY_NAME, KEYS
from appliance.core.errors import HostError, UserError

TEXT = "# mine\nHASSHPORT=22\n\n  RESTART = NO  \n# last\n"


@pytest.fixture
def conf_file(tmp_path: Path) -> Path:
    path = tmp_path / "asha.conf"
    path.write_text(TEXT)
    path.chmod(0o644)
    return path


def test_only_the_value_changes(conf_file: Path) -> None:
    edit = set_values(conf_file, {"HASSHPORT": "2222"})
    assert conf_file.read_text() == TEXT.replace("22", "2222")
    assert edit.conf == load(conf_file)
    assert edit.conf.ssh_port == 2222


def test_the_diff_shows_what_changed(conf_file: Path) -> None:
    diff = set_values(conf_file, {"HASSHPORT": "2222"}).diff
    assert diff.splitlines()[-2:] == ["-HASSHPORT=22", "+HASSHPORT=2222"]
    assert set_values(conf_file, {"HASSHPORT": "2222"}).diff == ""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("RESTART=NO\n", "RESTART=YES\n"),
        ("RESTART=NO", "RESTART=YES"),
        ("RESTART=NO\r\n", "RESTART=YES\r\n"),
        ("\tRESTART = NO \nDB=/x\n", "\tRESTART = YES\nDB=/x\n"),
        ("RESTART=\n", "RESTART=YES\n"),
        ("RESTART=\r\n", "RESTART=YES\r\n"),
        ("\ufeffRESTART=NO\n", "\ufeffRESTART=YES\n"),
        ("# RESTART=NO\nDB=/x\n", "# RESTART=NO\nRESTART=YES\nDB=/x\n"),
        ("#RESTART=NO\r\nDB=/x", "#RESTART=NO\r\nRESTART=YES\r\nDB=/x"),
        ("#RESTART=NO", "#RESTART=NO\nRESTART=YES\n"),
        ("RESTART='NO'\n", "RESTART='YES'\n"),
        ('RESTART = "NO" \r\n', 'RESTART = "YES"\r\n'),
        ("RESTART='NO\n", "RESTART=YES\n"),
        ("# \udce4\0\nRESTART=NO\n", "# \udce4\0\nRESTART=YES\n"),
    ],
)
def test_line_ends_blanks_and_commented_out_lines(before: str, after: str) -> None:
    assert with_value(before, "RESTART", "YES") == after


@pytest.mark.parametrize(
    ("key", "value", "before", "after"),
    [
        ("OTHER1", "/srv/R&D", "OTHER1=\n", "OTHER1='/srv/R&D'\n"),
        ("OTHER1", "/srv/it's", "OTHER1='/srv/x'\n", 'OTHER1="/srv/it\'s"\n'),
        ("OTHER1", "/srv/$x", 'OTHER1="/srv/x"\n', 'OTHER1="/srv/\\$x"\n'),
        ("OTHER1", "/srv/two words", "OTHER1=\n", "OTHER1=/srv/two words\n"),
        ("AMISECRET", " a 'b' ", "AMISECRET=x\n", "AMISECRET=\" a 'b' \"\n"),
        ("AMISECRET", "pa$word", "AMISECRET=x\n", "AMISECRET=pa$word\n"),
        ("AMISECRET", "${x}", "AMISECRET=x\n", "AMISECRET='${x}'\n"),
        ("POSTSYNC", "/bin/job 'a b'", "POSTSYNC=\n", "POSTSYNC=/bin/job 'a b'\n"),
        ("POSTSYNC", "'/bin/my job' -x", "POSTSYNC=\n", "POSTSYNC=\"'/bin/my job' -x\"\n"),
        ("POSTSYNC", "", "POSTSYNC='/bin/job'\n", "POSTSYNC=''\n"),
    ],
)
def test_a_value_is_put_in_quotes_where_it_needs_them(key: str, value: str, before: str, after: str) -> None:
    assert with_value(before, key, value) == after
    conf = parse(after)
    assert isinstance(conf, Conf) and KEY_BY_NAME[key].text(conf) == value


def test_bytes_that_are_no_text_stay_when_another_line_changes(conf_file: Path) -> None:
    before = b"# f\xfcr \x00 \xff\xfe\r\nDB='/x'\r\n#\x00u\x00\n\x00HASSHPORT=22\n\n# \xe4"
    conf_file.write_bytes(before)
    set_values(conf_file, {"HASSHPORT": "2222"})
    assert conf_file.read_bytes() == before.replace(b"22", b"2222")
    name_missing(conf_file)
    assert conf_file.read_bytes().startswith(before.replace(b"22", b"2222"))


@pytest.mark.parametrize("content", [b"# asha\rHASSHPORT=22\r", "# asha\nHASSHPORT=22\n".encode("utf-16")])
def test_a_file_without_lines_is_left_as_it_is(conf_file: Path, content: bytes) -> None:
    conf_file.write_bytes(content)
    for change in (lambda: set_values(conf_file, {"HASSHPORT": "23"}), lambda: name_missing(conf_file)):
        with pytest.raises(ConfError, match=r"CR alone|UTF-16"):
            change()
    assert conf_file.read_bytes() == content


@pytest.mark.parametrize(("before", "gap"), [("DB=/x\n", "\n"), ("DB=/x\n\n", ""), ("", "")])
def test_a_key_that_is_not_there_comes_last_beneath_its_comment(before: str, gap: str) -> None:
    comment = "".join(f"{line}\n" for line in comment_lines(KEY_BY_NAME["HASSHPORT"]))
    assert comment.startswith("# ssh port on the primary\n")
    assert with_value(before, "HASSHPORT", "2222") == f"{before}{gap}{comment}HASSHPORT=2222\n"


def test_an_appended_key_keeps_the_files_line_ends() -> None:
    lines = with_value("DB=/x\r\nRESTART=NO", "HASSHPORT", "2222").split("\n")
    assert all(line.endswith("\r") for line in lines[:-1])
    assert lines[1] == "RESTART=NO\r"


def test_mode_and_owner_stay(conf_file: Path, tmp_path: Path) -> None:
    conf_file.chmod(0o640)
    before = conf_file.stat()
    set_values(conf_file, {"AMISECRET": "hunter2"})
    after = conf_file.stat()
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
    assert stat.S_IMODE(after.st_mode) == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["asha.conf"]


def test_a_link_stays_a_link(conf_file: Path) -> None:
    link = conf_file.with_name("link")
    link.symlink_to(conf_file.name)
    set_values(link, {"HASSHPORT": "2222"})
    assert link.is_symlink()
    assert load(conf_file).ssh_port == 2222


@pytest.mark.parametrize(
    ("key", "value", "want"),
    [
        ("HASSHPORT", "0", "from 1 to 65535"),
        ("HASECNODE", "haprimary", "two machines"),
        ("HASHPORT", "22", "did you mean HASSHPORT"),
        ("HASSHPORT", "22\nRESTART=YES", "one line of plain text"),
        ("HASSHPORT", "22\rRESTART=YES", "one line of plain text"),
        ("MAILTO", "a\0b", "one line of plain text"),
        ("AMISECRET", "hunter2", "chmod o-r"),
    ],
)
def test_what_would_be_wrong_is_not_written(conf_file: Path, key: str, value: str, want: str) -> None:
    with pytest.raises(ConfError) as caught:
        set_values(conf_file, {key: value})
    assert want in str(caught.value)
    assert "Nothing was changed." in str(caught.value)
    assert conf_file.read_text() == TEXT


def test_what_is_wrong_elsewhere_in_the_file_stops_the_edit(conf_file: Path) -> None:
    conf_file.write_text("RESTART=maybe\nHASSHPORT=22\n")
    with pytest.raises(ConfError, match="RESTART=maybe"):
        set_values(conf_file, {"HASSHPORT": "2222"})
    assert "2222" not in conf_file.read_text()


def test_a_wrong_file_can_be_put_right(conf_file: Path) -> None:
    conf_file.write_text("RESTART=maybe\nHASSHPORT=0\n")
    set_values(conf_file, {"RESTART": "NO", "HASSHPORT": "22"})
    assert conf_file.read_text() == "RESTART=NO\nHASSHPORT=22\n"


def test_values_right_only_together_are_set_together(conf_file: Path) -> None:
    values = {"HAKEEPALIVE": "2", "HAWARNTIME": "10", "HADEADTIME": "30"}
    with pytest.raises(ConfError):
        set_values(conf_file, {"HAKEEPALIVE": "2"})
    edit = set_values(conf_file, values)
    assert (edit.conf.keepalive, edit.conf.warntime, edit.conf.deadtime) == (2.0, 10.0, 30.0)


def test_the_diff_hides_secrets(conf_file: Path) -> None:
    conf_file.write_text("AMISECRET=old1\n")
    conf_file.chmod(0o600)
    diff = set_values(conf_file, {"AMISECRET": "new2"}).diff
    assert diff.splitlines()[-2:] == ["-AMISECRET=(hidden)", "+AMISECRET=(hidden)"]
    conf_file.write_text("AMISECRET='old1\n")
    assert "old1" not in set_values(conf_file, {"AMISECRET": "new2"}).diff


def test_a_change_by_somebody_else_meanwhile_is_not_lost(conf_file: Path, tmp_path: Path) -> None:
    source = read_source(conf_file)
    conf_file.write_text("HASSHPORT=23\n")
    with pytest.raises(UserError, match="changed by somebody else"):
        replace_file(source, "HASSHPORT=24\n")
    assert conf_file.read_text() == "HASSHPORT=23\n"
    assert [path.name for path in tmp_path.iterdir()] == ["asha.conf"]


def test_a_place_that_cannot_be_written(conf_file: Path, tmp_path: Path) -> None:
    source = read_source(conf_file)
    conf_file.unlink()
    tmp_path.rmdir()
    with pytest.raises(HostError, match="could not be written"):
        replace_file(source, "HASSHPORT=24\n")


def test_what_is_new_is_named_and_changes_nothing(conf_file: Path) -> None:
    before = load(conf_file)
    named = name_missing(conf_file)
    text = conf_file.read_text()
    assert text.startswith(TEXT)
    assert set(named) == {key.name for key in KEYS} - {"HASSHPORT", "RESTART"}
    for name in named:
        assert f"\n#{name}={KEY_BY_NAME[name].default}\n" in text
    assert load(conf_file) == before
    assert name_missing(conf_file) == ()
    assert conf_file.read_text() == text


def test_a_key_that_was_named_is_set_beneath_its_comment(conf_file: Path) -> None:
    name_missing(conf_file)
    set_values(conf_file, {"PROBEPERIOD": "2"})
    assert "\n#PROBEPERIOD=500ms\nPROBEPERIOD=2\n" in conf_file.read_text()


def test_wrong_values_are_no_reason_not_to_name_keys(conf_file: Path) -> None:
    conf_file.write_text("RESTART=maybe\n")
    assert "HASSHPORT" in name_missing(conf_file)
    assert conf_file.read_text().startswith("RESTART=maybe\n\n# ")


def test_the_line_ends_of_the_file_are_kept(conf_file: Path) -> None:
    conf_file.write_bytes(b"DB=/x\r\nRESTART=NO")
    name_missing(conf_file)
    assert all(line.endswith(b"\r") for line in conf_file.read_bytes().split(b"\n")[:-1])
    assert missing_keys(conf_file.read_text()) == ()
