"""Text to Conf: what is accepted and what it means."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.config import Conf, Medium, parse
from appliance.config.parse import readable

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
        ("POSTSYNC=/bin/job --all 'two words'", "postsync", "/bin/job --all 'two words'"),
        ("POSTSYNC=/bin/sh -c 'a && b >c'", "postsync", "/bin/sh -c 'a && b >c'"),
        ('POSTSYNC="/bin/job --all"', "postsync", "/bin/job --all"),
        ("HACLUSTERIP='10.1.2.3'", "cluster_ip", "10.1.2.3"),
        ('HASSHPORT = "2222" \r', "ssh_port", 2222),
        ('OTHER1=""', "others", ()),
        ("OTHER1='/srv/R&D [old] $x'", "others", (Path("/srv/R&D [old] $x"),)),
        ('OTHER1="/srv/it\'s \\"here\\" \\$x"', "others", (Path('/srv/it\'s "here" $x'),)),
        ("OTHER1=/etc/odd.conf", "others", (Path("/etc/odd.conf"),)),
        (
            'HAMEDIA="bcast eth0, ucast eth1 10.0.0.2"',
            "media",
            (Medium("bcast", "eth0"), Medium("ucast", "eth1", "10.0.0.2")),
        ),
        ("AMISECRET=' blanks \" and $x '", "ami_secret", ' blanks " and $x '),
        ("AMISECRET=pa$word|`x`", "ami_secret", "pa$word|`x`"),
        ("AMISECRET=$ecret", "ami_secret", "$ecret"),  # codespell:ignore ecret
        (
            "NOTIFYWEBHOOK=https://hooks.example.com/?a=1&b=$2;c",
            "notify_webhook",
            "https://hooks.example.com/?a=1&b=$2;c",
        ),
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
        "# caf\udce9 f\udcfcr\nHASSHPORT=2222",
        "# a NUL \0 in it\0\nHASSHPORT=2222",
        "#\0 \0u\0t\0f\0-\x001\x006\0\n\0#\0 \0\r\0\n\0HASSHPORT=2222\n",
        "\0#\0f\0\udcfc\0\n".removeprefix("\0") + "HASSHPORT=2222",
        "# \N{LATIN SMALL LETTER C WITH CARON} in UTF-16: \r\x01 and on\nHASSHPORT=2222",
    ],
)
def test_blanks_line_ends_and_comments_do_not_matter(text: str) -> None:
    assert parsed(text) == Conf(ssh_port=2222)


@pytest.mark.parametrize(
    "key", ["HAPRINODE", "HASSHPORT", "DB", "RESTART", "HAMEDIA", "HAKEEPALIVE", "RHINOPROFILE"]
)
def test_blank_is_the_default_where_nothing_makes_no_sense(key: str) -> None:
    assert parsed(f"{key}=") == Conf()


@pytest.mark.parametrize(
    ("text", "period", "deadline", "fall"),
    [
        ("PROBEFALL=5", 1.0, 1.0, 5),
        ("PROBEDEADLINE=800ms", 1.0, 0.8, 3),
        ("PROBEPERIOD=2", 2.0, 1.0, 3),
        ("PROBEPERIOD=300ms\nPROBEDEADLINE=200ms", 0.3, 0.2, 3),
        ("PROBERISE=3", 0.5, 0.5, 3),
    ],
)
def test_a_file_that_gives_one_of_the_probe_times_means_what_it_did(
    text: str, period: float, deadline: float, fall: int
) -> None:
    conf = parsed(text)
    assert (conf.probe_period, conf.probe_deadline, conf.fall) == (period, deadline, fall)


def test_blank_is_off_where_that_makes_sense() -> None:
    conf = parsed("POSTSYNC=\nTELEPHONY=\nRHINOSPANS=\nMAILTO=\nAMIUSER=\nHACLUSTERIP=\nOTHER1=\n")
    assert conf == Conf(postsync="")


def test_a_secret_is_not_in_what_a_conf_prints() -> None:
    assert "hunter2" not in repr(parsed("AMISECRET=hunter2"))


def test_what_is_right_in_a_wrong_file_can_be_read() -> None:
    assert not isinstance(parse("HAPRINODE=us\nRESTART=maybe\n"), Conf)
    assert readable("HAPRINODE=us\nRESTART=maybe\nnoise\0\nNOKEY=1\n") == Conf(primary_name="us")
