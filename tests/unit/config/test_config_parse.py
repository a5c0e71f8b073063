"""Text to Conf: what is accepted and what it means."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.config import Conf, Medium, parse

ORIGINAL = Path(__file__).with_name("asha-1.0.0-2.conf")


def parsed(text: str) -> Conf:
    conf = parse(text)
    assert isinstance(conf, Conf), "\n".join(str(problem) for problem in conf)
    return conf


def test_the_original_file_loads_unchanged_and_says_the_defaults() -> None:
    assert parsed(ORIGINAL.read_text()) == Conf()


def test_an_empty_file_says_the_defaults() -> None:
    assert parsed("") == Conf()


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("HACLUSTERIP=10.1.2.3", "cluster_ip", "10.1.2.3"),
        ("HASYNCH=loose", "synch", "LOOSE"),
        ("HASSHPORT=2222", "ssh_port", 2222),
        ("OTHER2=/srv/tftp", "others", (Path("/srv/tftp"),)),
        ("OTHER1=/a\nOTHER3=/c", "others", (Path("/a"), Path("/c"))),
        ("ASTERISK=/etc/asterisk/", "asterisk_dir", Path("/etc/asterisk")),
        ("OTHER1=/srv/two words", "others", (Path("/srv/two words"),)),
        ("POSTSYNC=/bin/job --all # not a comment", "postsync", "/bin/job --all # not a comment"),
        ("TELEPHONY=/etc/dahdi", "telephony", "/etc/dahdi"),
        ("RHINOSPF=NO", "card_installed", False),
        ("RHINOSPF=yes", "card_installed", True),
        ("RESTART=No", "restart", False),
        ("RHINODRIVER=SERIAL", "card_driver", "serial"),
        ("RHINOPROFILE=/etc/asha/mine.toml", "card_profile", "/etc/asha/mine.toml"),
        ("RHINOSPANS=1, 2 4", "card_spans", (1, 2, 4)),
        ("HAAUTOFAILBACK=On", "auto_failback", True),
        ("HAWITNESS=require", "witness", "REQUIRE"),
        ("HAKEEPALIVE=300ms", "keepalive", 0.3),
        ("HAKEEPALIVE=.3s".replace(".3", "0.3"), "keepalive", 0.3),
        ("HADEADTIME=2s", "deadtime", 2.0),
        ("HADEADTIME=1.5", "deadtime", 1.5),
        ("HADEADTIME=1500 MS", "deadtime", 1.5),
        ("LINEDWELL=0", "line_dwell", 0.0),
        ("SIPPORT=0", "sip_port", 0),
        ("PBXPROGRAM=/usr/sbin/asterisk", "pbx_program", "/usr/sbin/asterisk"),
        ("AMISECRET=a #secret with 'quotes' = inside", "ami_secret", "a #secret with 'quotes' = inside"),
        ("MAILTO=root a@example.com,b@example.com", "mail_to", "root, a@example.com, b@example.com"),
        ("DAHDIROOT=/", "dahdi_root", Path("/")),
    ],
)
def test_values(line: str, field: str, value: object) -> None:
    assert getattr(parsed(line), field) == value


def test_several_media() -> None:
    conf = parsed("HAMEDIA=ucast eth0 10.0.0.2,  BCAST eth1 , serial /dev/ttyS0, serial /dev/ttyS1 19200")
    assert conf.media == (
        Medium("ucast", "eth0", "10.0.0.2"),
        Medium("bcast", "eth1"),
        Medium("serial", "/dev/ttyS0"),
        Medium("serial", "/dev/ttyS1", "19200"),
    )


@pytest.mark.parametrize(
    "text",
    [
        "HASSHPORT = 2222",
        "  HASSHPORT=2222\t",
        "HASSHPORT=2222\r\n",
        "# a comment, Zürich\r\n\r\nHASSHPORT=2222\r\n",
        "\ufeffHASSHPORT=2222\n",
        "  # indented comment\nHASSHPORT=2222",
        "HASSHPORT=\N{NO-BREAK SPACE}2222",
    ],
)
def test_blanks_line_ends_and_comments_do_not_matter(text: str) -> None:
    assert parsed(text) == Conf(ssh_port=2222)


@pytest.mark.parametrize(
    "key", ["HAPRINODE", "HASSHPORT", "DB", "RESTART", "HAMEDIA", "HAKEEPALIVE", "RHINOPROFILE"]
)
def test_blank_is_the_default_where_nothing_makes_no_sense(key: str) -> None:
    assert parsed(f"{key}=") == Conf()


def test_blank_is_off_where_that_makes_sense() -> None:
    conf = parsed("POSTSYNC=\nTELEPHONY=\nRHINOSPANS=\nMAILTO=\nAMIUSER=\nHACLUSTERIP=\nOTHER1=\n")
    assert conf == Conf(postsync="")


def test_a_secret_is_not_in_what_a_conf_prints() -> None:
    assert "hunter2" not in repr(parsed("AMISECRET=hunter2"))
