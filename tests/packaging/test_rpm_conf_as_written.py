"""An upgrade from the original with a conf file as people have written it: it loads, or its lines are named."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Rpms
from hosts import Host, ok

CONF = "/etc/asha.conf"
_RPM_SAYS = "warning: /etc/asha.conf created as /etc/asha.conf.rpmnew\n"
_BELOW = "\nRESTART=NO\nRHINOSPF=NO\n"


def upgraded(host: Host, original: Path, rpms: Rpms, conf: bytes) -> str:
    """What `rpm -Uvh` says when the site's conf file is `conf`."""
    ok(host.rpm("-Uvh", original))
    host.path(CONF).write_bytes(conf)
    done = host.rpm("-Uvh", *rpms.values())
    assert (done.returncode, done.stderr.replace(_RPM_SAYS, "")) == (0, "")
    assert host.path(CONF).read_bytes().startswith(conf)
    return done.stdout


@pytest.mark.parametrize(
    ("conf", "shown"),
    [
        ('# f\xfcr die Anlage\nHACLUSTERIP="192.168.20.5"\nOTHER1=\'/srv/R&D\'\n'.encode("latin-1"), "OTHER1=/srv/R&D"),
        (b"\xef\xbb\xbf# \x00\xff\xfe\r\nHACLUSTERIP=192.168.20.5\r\nOTHER1=/etc/odd.conf\r\n", "OTHER1=/etc/odd.conf"),
        (b"HACLUSTERIP = 192.168.20.5 \nPOSTSYNC=/bin/job 'two words'\n", "POSTSYNC=/bin/job 'two words'"),
    ],
    ids=["quotes-and-latin-1", "bom-crlf-and-bytes", "arguments"],
)  # fmt: skip
def test_it_still_loads_and_every_byte_stays(
    el5: Host, original: Path, rpms: Rpms, conf: bytes, shown: str
) -> None:
    said = upgraded(el5, original, rpms, conf)
    assert "has a problem" not in said and "problems:" not in said
    assert "no problem" in ok(el5.run("/usr/sbin/asha", "conf", "check"))
    listed = ok(el5.run("/usr/sbin/asha", "conf", "list"))
    assert "HACLUSTERIP=192.168.20.5" in listed and shown in listed
    ok(el5.run("/usr/sbin/asha", "conf", "set", "HACLUSTERIP", "192.168.20.6"))
    assert el5.path(CONF).read_bytes().startswith(conf.replace(b"20.5", b"20.6").replace(b" \n", b"\n"))


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("POSTSYNC=/bin/job && asterisk -rx reload", "line 2: POSTSYNC=/bin/job && asterisk -rx reload should be"),
        ("POSTSYNC=/bin/job >/dev/null 2>&1", "put what needs one into a script"),
        ("OTHER1=/home/files/*", "line 2: OTHER1=/home/files/* should be the full path of a directory or of a file"),
        ("OTHER1=~/files", "no ~ is expanded in this file: write the path from / on"),
        ("OTHER1=${SPOOL}/monitor", "no $NAME, ${NAME} or $(command) is expanded in this file"),
        ("HASSHPORT=2222   # moved, see ticket", "line 2: HASSHPORT=2222   # moved, see ticket should be"),
        ("export HASSHPORT=2222", "line 2: 'export HASSHPORT=2222' should be KEY=value, without 'export'"),
        ("HASSHPORT='2222", "line 2: HASSHPORT='2222 should be closed with another '"),
        ("# asha\rHASSHPORT=2222", "line 2: '# asha\\rHASSHPORT=2222' should be lines with LF or CR LF"),
    ],
)  # fmt: skip
def test_what_only_a_shell_could_read_is_named_with_its_line(
    el5: Host, original: Path, rpms: Rpms, line: str, named: str
) -> None:
    said = upgraded(el5, original, rpms, f"# ours\n{line}{_BELOW}".encode())
    assert "/etc/asha.conf has a problem:" in said
    assert named in said


def test_a_file_without_lines_is_named_and_left_alone(el5: Host, original: Path, rpms: Rpms) -> None:
    conf = b"# asha config file\rHACLUSTERIP=192.168.20.5\r"
    assert "line ends of CR alone" in upgraded(el5, original, rpms, conf)
    assert el5.path(CONF).read_bytes() == conf
