"""Every wrong value is named with its key, its line and what would be right."""

from __future__ import annotations

import pytest

from appliance.config import Conf, ConfError, Problem, parse
from appliance.config.key import Key
from appliance.config.schema import KEYS
from appliance.core.relay_facts import Falls, RelayFacts


def problems(text: str) -> tuple[Problem, ...]:
    found = parse(text)
    assert not isinstance(found, Conf), "this should have been refused"
    return found


def only(text: str) -> Problem:
    found = problems(text)
    assert len(found) == 1, "\n".join(str(problem) for problem in found)
    return found[0]


BEROFOS = "RELAYDRIVER=berofos\nRELAYDEVICE=10.0.0.9\n"
WRONG = [
    # key, wrong values, part of what is wanted
    (
        "HACLUSTERIP",
        ["300.1.1.1", "10.0.0", "10.0.0.1/24", "pbx", "::1", "010.0.0.1", "1٣.0.0.1"],
        "IPv4 address",
    ),
    ("HACLUSTERIP", ["127.0.0.1", "224.0.0.5", "255.255.255.255", "0.0.0.0"], "address of one machine"),
    ("HACLUSTERIP", ["2001:db8::5", "2001:db8::5/64"], "IPv6 address goes in HACLUSTERIP6"),
    (
        "HACLUSTERIP6",
        ["192.168.1.5", "192.168.1.5/24", "pbx", "2001:db8::5::/64", ":", "/64"],
        "2001:db8::5/64",
    ),
    ("HACLUSTERIP6", ["fe80::5/64", "febf::1/64", "ff02::5/64"], "neither link-local"),
    ("HACLUSTERIP6", ["fe80::5%eth0/64", "2001:db8::5%1/64"], "without %"),
    (
        "HACLUSTERIP6",
        ["::ffff:192.168.1.5/64", "::/64", "::1/64", "::192.168.1.5/64"],
        "none that stands for one of IPv4",
    ),
    (
        "HACLUSTERIP6",
        ["2001:DB8::5/64", "2001:db8:0::5/64", "2001:db8:0:0:0:0:0:5/64"],
        "spelt '2001:db8::5'",
    ),
    ("HACLUSTERIP6", ["2001:db8::5"], "with its prefix length behind it: 2001:db8::5/64, say"),
    (
        "HACLUSTERIP6",
        ["2001:db8::5/0", "2001:db8::5/128", "2001:db8::5/064x", "2001:db8::5/"],
        "from 1 to 127",
    ),
    ("HACLUSTERIP6", ["2001:db8::/64", "2001:db8::100/120"], "not that of the network"),
    ("HACLUSTERIP6", ["2001:db8::5/64, 2001:db8::6/64", "2001:db8::5/64 192.168.1.5"], "2001:db8::5/64"),
    ("RELAYDRIVER", ["rhino", "LCUS board", "1", "usb-relay"], "lcus, lcus-text"),
    ("RELAYDEVICE", ["ttyUSB0", "/dev/../etc/passwd", "/dev/ttyUSB*", "/dev/"], "file"),
    ("RELAYDEVICE", ["10.0.0.9:0", "10.0.0", "berofos:80", "10.0.0.9:http"], "IPv4 address, with :port"),
    ("RELAYPASSWORD", ["a-password-of-20-ch.", "pässword"], "at most 15 printable ASCII characters"),
    ("RELAYWATCHDOG", ["2", "601", "5s", "soon"], "seconds from 3 to 600"),
    ("RELAYCONTACTS", ["32", "1,1", "1-4", "one", "-1", ","], "contacts' numbers such as"),
    ("HAPRINODE", ["two words", "-n", "pbx/1", "x" * 65], "uname -n"),
    ("HASYNCH", ["OFF", "LAZY LOOSE", "1"], "LAZY or LOOSE"),
    ("HASSHPORT", ["0", "65536", "ssh", "-1", "22.0", "٢٢", "9" * 40], "from 1 to 65535"),
    ("ASTERISK", ["etc/asterisk", "~/asterisk", "/etc/../root"], "full path of a directory"),
    ("ASTERISK", ["/", "//", "/."], "not the whole of it"),
    ("DB", ["/opt/sark/db/"], "a file, not a directory"),
    ("DB", ["sark.db", "/opt/../x"], "full path of a file"),
    ("POSTSYNC", ["srkgenAst", "sh -c x", "A=1 /bin/job"], "program's full path"),
    *(
        (
            "POSTSYNC",
            [f"/bin/job{words}"],
            f"without '{found}', since no shell runs it: put what needs one into a script",
        )
        for words, found in [
            (" && x", "&&"),
            (" || x", "||"),
            ("; x", ";"),
            (" >f", ">"),
            (" >>f", ">>"),
            (" 2>&1", "2>&1"),
            (" <f", "<"),
            (" | x", "|"),
            (" &", "&"),
            (" $(x)", "$("),
            (" `x`", "`"),
            (" *.conf", "*"),
            (" a?", "?"),
            (" [ab]", "[ab]"),
            (" ~/x", "~"),
            (" $HOME", "$H"),
            (" ${HOME}", "${"),
            (" # why", "#"),
            (" {a,b}", "{a,b}"),
            (' "$HOME"', "$H"),
            (' "a `x`"', "`"),
            (" 'a' >'b'", ">"),
            ("&&", "&&"),
        ]
    ),
    ("POSTSYNC", ["/bin/job 'x", '/bin/job "x', "/bin/it's"], "with quotes that close"),
    (
        "OTHER1",
        ["/home/files/*", "/srv/a?", "/srv/[ab]", "/srv/{a,b}"],
        "no pattern is expanded in this file",
    ),
    ("OTHER1", ["~/files", "~anna/files"], "no ~ is expanded in this file: write the path from / on"),
    (
        "OTHER1",
        ["files", "./files", "$(pwd)", "host:/srv"],
        "full path of a directory or of a file, from / on",
    ),
    ("OTHER1", ["/srv/a /srv/b", "/srv/a,/srv/b", "/srv/a, /srv/b"], "one full path alone"),
    ("RSYNC", ["/usr/bin/rsync -z", "/usr/bin/rsync --bwlimit=9"], "one full path alone, without options"),
    ("OTHER1", ["/srv/R&D", "/srv/a;b", "/srv/a(1)", "/srv/a>b"], "into single quotes"),
    ("OTHER1", ["/srv/two\\ words"], "a backslash takes no meaning away"),
    ("OTHER1", ['/srv/"my files"', "/srv/it's", '/srv/x"'], "quotes stand around the whole value or nowhere"),
    ("HAPRINODE", ['pbx"1"', "pbx1'"], "quotes stand around the whole value or nowhere"),
    ("AMISECRET", ["x'"], "quotes stand around the whole value or nowhere"),
    *(
        (
            key,
            [value],
            "no $NAME, ${NAME} or $(command) is expanded in this file: write out what it stands for",
        )
        for key in (
            "OTHER1",
            "HACLUSTERIP",
            "HAPRINODE",
            "HASSHPORT",
            "RSYNC",
            "PBXPROGRAM",
            "HAMEDIA",
            "AMISECRET",
        )
        for value in ("${X}", "$SPOOL", "$(cat /x)")
    ),
    ("OTHER1", ["/srv/${X}", "/srv/$X", "/srv/`x`"], "is expanded in this file"),
    ("NOTIFYWEBHOOK", ["https://x/${TOKEN}"], "is expanded in this file"),
    ("RESTART", ["maybe", "1", "true", "on", "Y"], "YES or NO"),
    ("RHINOSPF", ["0", "false", "none", "NO!"], "YES or NO"),
    ("RHINODRIVER", ["usb"], "tool or serial"),
    ("RHINOPROFILE", ["-x", "my profile", "../mine"], "one name, or a full path"),
    ("RHINORELAY", ["16", "a", "-1"], "from 0 to 15"),
    ("RHINOSPANS", ["0", "1,x", "1,1", ","], "span number"),
    (
        "CARDDEADLINE",
        ["0", "0ms", "2m", "1,5", "-1", "1e3", "0.0001", "nan", "inf", "two", "86401"],
        "a time such as",
    ),
    ("CARDDEADLINE", ["1.5ms"], "whole milliseconds"),
    ("HADEV", ["eth0 eth1", "a" * 16, "-eth0", "../eth0"], "network interface"),
    ("HAPREFIX", ["0", "33", "255.255.255.0"], "from 1 to 32"),
    (
        "HAMEDIA",
        ["mcast eth0", "eth0", "bcast", "bcast eth0 eth1", "ucast eth0", "serial", ","],
        "'bcast DEV'",
    ),
    ("HAMEDIA", ["ucast eth0 haprimary", "ucast eth0 224.0.0.1"], "the other node's own address"),
    ("HAMEDIA", ["serial /dev/ttyS0 fast", "serial /dev/ttyS0 12345"], "a baud rate"),
    ("HAMEDIA", ["serial ttyS0"], "a tty such as"),
    ("NOTIFYFROM", ["a@b c@d", "a@b, c@d", "-f@x", "<a@b>"], "a mail address"),
    (
        "NOTIFYSMTP",
        ["mail:", "mail:0", "mail:99999", "mail:smtp", "-mail", "a b", "http://mail", ":25"],
        "host's name",
    ),
    ("NOTIFYTRAP", ["nms public", "nms:162:public", "udp:nms"], "host's name"),
    ("NOTIFYTLS", ["yes", "STARTTLS"], "on or off"),
    ("NOTIFYSYSLOG", ["YES", "local0"], "on or off"),
    ("HAMEDIA", ["bcast eth0/1"], "network interface"),
    ("HAMEDIA", ["bcast eth0, bcast eth0"], "each medium once"),
    ("HAAUTOFAILBACK", ["yes", "legacy"], "on or off"),
    ("HAWITNESS", ["YES", "ON"], "OFF, PREFER or REQUIRE"),
    ("PROBERISE", ["0", "101", "2.5"], "from 1 to 100"),
    ("SIPPORT", ["65536", "off"], "0 is off"),
    ("PBXPROGRAM", ["asterisk -f", "bin/asterisk"], "one name, or a full path"),
    ("AMIUSER", ["a b", "x:y"], "one word"),
    ("MAILTO", ["-oQ/tmp", "a b@", "me@@x", "<me@x>"], "mail address"),
    ("DAHDIROOT", ["proc", "/a/../b"], "a full path"),
    ("PANEL", ["yes", "1"], "on or off"),
    (
        "PANELADDR",
        ["localhost", "224.0.0.1", "255.255.255.255", "0.0.0.1", "*", "[::]", ":::"],
        "0.0.0.0 for every one",
    ),
    ("PANELADDR", ["fe80::1", "ff02::1"], "neither link-local"),
    ("PANELADDR", ["fe80::1%eth0"], "without %"),
    ("PANELADDR", ["::ffff:192.0.2.1"], "none that stands for one of IPv4"),
    ("PANELADDR", ["2001:DB8::5"], "spelt '2001:db8::5'"),
    ("HAPRIADDR", ["a host", "-oProxyCommand=x", "[2001:db8::6]", "root@pbx1"], "IPv4 or IPv6 address"),
    ("HAPRIADDR", ["fe80::6"], "neither link-local"),
    ("HASECADDR", ["fe80::6%eth0", "2001:db8::7%1"], "without %"),
    ("HASECADDR", ["2001:db8::7:22::", "2001:db8::7/64", "pbx2:22"], "IPv4 or IPv6 address"),
    ("HASECADDR", ["2001:DB8::7"], "spelt '2001:db8::7'"),
    ("PANELPORT", ["0", "https"], "from 1 to 65535"),
    ("PANELPREFIX", ["/", "asha", "/asha/", "/a/b", "/Asha", "/a b", "/..", "//x", "/<b>"], "such as /asha"),
    ("PANELKEY", ["panel.key", "/etc/asha/"], "file"),
]


@pytest.mark.parametrize(("key", "value", "want"), [(key, v, want) for key, vs, want in WRONG for v in vs])
def test_wrong_value(key: str, value: str, want: str) -> None:
    problem = only(f"# comment\n\n{key}={value}\n")
    assert (problem.key, problem.line) == (key, 3)
    assert want in problem.want
    assert value[:20] in problem.value or not value.isascii() or problem.value == "(hidden)"


def test_every_key_refuses_something() -> None:
    """A value that is half quoted is wrong for every key, and shows that no key is read without a look."""
    for key in KEYS:
        for half in (f'"{key.example}', f"{key.example}'", f"'{key.example}' x", f'"{key.example}"x', '"$X"'):
            assert only(f"{key.name}={half}").key == key.name


NEEDS_A_SHELL = ["/x/*", "'/x/*'", "/x?", "~/x", "'~/x'", "x/y", "./x", "$X/y", "/x/${Y}", '"/x/$Y"',
    "/x `y`", "/x; y", "/x && y", "/x | y", "/x > y", "/x 2>&1", "/x /y", "/x\\ y", "/x'y", "/x # y",
    "/x/../y"]  # fmt: skip
PATHS_AND_PROGRAMS = [key for key in KEYS if key.example.startswith("/") and key.name != "PANELPREFIX"]


@pytest.mark.parametrize("key", PATHS_AND_PROGRAMS, ids=lambda key: key.name)
@pytest.mark.parametrize("value", NEEDS_A_SHELL)
def test_what_is_a_path_or_is_run_needs_no_shell(key: Key, value: str) -> None:
    if key.name in ("POSTSYNC", "HAFENCE") and value == "/x /y":
        return  # an argument
    problem = only(f"{key.name}={value}")
    assert (problem.key, problem.line) == (key.name, 1)


def test_the_keys_that_are_paths_are_all_looked_at() -> None:
    assert {
        "OTHER1",
        "POSTSYNC",
        "HAFENCE",
        "RSYNC",
        "RHINOTOOL",
        "RHINOUSB",
        "DB",
        "PANELKEY",
        "WATCHDOG",
        "TELEPHONY",
    } <= {key.name for key in PATHS_AND_PROGRAMS}


@pytest.mark.parametrize(
    ("text", "key", "want"),
    [
        ("HACLUSTRIP=10.0.0.1", "HACLUSTRIP", "did you mean HACLUSTERIP?"),
        ("rhinospf=YES", "rhinospf", "did you mean RHINOSPF?"),
        ("COLOUR=blue", "COLOUR", "'asha conf' lists them"),
        ("HASSHPORT 22", "", "KEY=value, or a comment"),
        ("=22", "", "KEY=value"),
        ("export RESTART=NO", "", "without 'export'"),
        ("RESTART=NO # as always", "RESTART", "comment needs a line of its own"),
        ("RESTART='NO", "RESTART", "closed with another '"),
        ('RESTART="NO', "RESTART", 'closed with another "'),
        ('RESTART="NO" # as always', "RESTART", "comment needs a line of its own"),
        ('RESTART="N"O', "RESTART", "in one pair of quotes"),
        ("RESTART=' NO'", "RESTART", "YES or NO"),
        ("OTHER1='/srv/x '", "OTHER1", "without blanks inside the quotes"),
        ("export\tRESTART=NO", "", "without 'export'"),
        ("declare -x RESTART=NO", "", "without 'declare'"),
        ("HAMEDIA=bcast eth0, \\", "HAMEDIA", "a backslash"),
        ("AMIUSER=x\x1by", "AMIUSER", "without control characters"),
        ("RESTART=NO\rRHINOSPF=NO\n", "RESTART", "LF or CR LF at the end of each line; CR alone is none"),
        ("# asha\rRESTART=NO\n", "", "lines with LF or CR LF"),
        ("# asha\rRESTART=NO\r# b\r", "", "LF or CR LF"),
        ("RESTART=NO\rRHINOSPF=NO", "", "CR alone is none (tr '\\r' '\\n'"),
        ("\udcff\udcfe#\0", "", "in UTF-8 (iconv -f UTF-16"),
        ("OTHER1=/srv/caf\udce9", "OTHER1", "text in UTF-8; iconv -f LATIN1"),
        ("RESTART=NO # caf\udce9", "RESTART", "text in UTF-8"),
        ("RESTART=\0NO", "", "the file is damaged"),
        ("MAILTO=a@b\rBcc: c@d\n", "MAILTO", "CR alone is none"),
        ("NOTIFYFROM=a@b\x0bBcc: c@d", "NOTIFYFROM", "without control characters"),
        ("\0\0\0\0", "", "the file is damaged"),
    ],
)
def test_wrong_line(text: str, key: str, want: str) -> None:
    problem = only(text)
    assert (problem.key, problem.line) == (key, 1)
    assert want in problem.want
    assert str(problem).isprintable()


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x/",
        "file:///etc/shadow",
        "https://",
        "https://u:p@x/",
        "https://x:0/",
        "https://x:70000/",
        "x",
        "http://a b/",
    ],
)
def test_a_webhook_that_cannot_be_is_refused_and_not_shown(url: str) -> None:
    problem = only(f"NOTIFYWEBHOOK={url}")
    assert "such as https://" in problem.want
    assert problem.value == "(hidden)"


def test_a_key_given_twice_names_the_first_line() -> None:
    problem = only("RESTART=NO\n\nRESTART=NO\n")
    assert (problem.line, problem.want) == (3, "given once (line 1 has it already)")


@pytest.mark.parametrize(
    ("text", "key", "want"),
    [
        ("HAPRINODE=pbx\nHASECNODE=PBX", "HASECNODE", "two machines"),
        ("HASECNODE=haprimary", "HASECNODE", "two machines"),
        ("HACLUSTERIP=10.0.0.0", "HACLUSTERIP", "not that of the network"),
        ("HACLUSTERIP=10.0.0.255", "HACLUSTERIP", "not the broadcast"),
        ("HACLUSTERIP=10.0.255.255\nHAPREFIX=16", "HACLUSTERIP", "not the broadcast"),
        ("HAMEDIA=serial /dev/ttyS0 9600, serial /dev/ttyS1", "HAMEDIA", "one baud rate"),
        ("HACLUSTERIP=10.0.0.5\nHAMEDIA=ucast eth0 10.0.0.5", "HAMEDIA", "not at HACLUSTERIP"),
        (
            "HACLUSTERIP6=2001:db8::5/64\nHAMEDIA=ucast eth0 2001:db8::5",
            "HAMEDIA",
            "not at HACLUSTERIP or HACLUSTERIP6",
        ),
        ("HACLUSTERIP6=2001:db8::5/64\nHAPING=2001:db8::5", "HAPING", "other hosts than the cluster's own"),
        ("HACLUSTERIP6=2001:db8::5/64\nHAPING=2001:db8:1::9", "HAPING", "of the subnet of 2001:db8::5/64"),
        ("HACLUSTERIP=10.0.0.5\nHAPING=2001:db8::9", "HAPING", "of the subnet of 10.0.0.5/24"),
        ("HACLUSTERIP6=2001:db8::5/64\nHAPING=10.0.0.1", "HAPING", "of the subnet of 2001:db8::5/64"),
        ("HAWARNTIME=2\nHADEADTIME=2", "HAWARNTIME", "HADEADTIME"),
        ("MOVEDWELL=5", "MOVEDWELL", "ghost link"),
        ("HAFENCE=/sbin/cut\nHAFENCEWAIT=5", "HAFENCEWAIT", "at least 6 s with PROBERISE=2"),
        ("HAFENCE=/sbin/cut\nHAFENCEWAIT=6\nPROBERISE=3", "HAFENCEWAIT", "at least 7 s"),
        ("HAFENCE=/sbin/cut\nPROBEFALL=5", "PROBEFALL", "at most 4 with HAFENCE"),
    ],
)
def test_values_wrong_together(text: str, key: str, want: str) -> None:
    found = problems(text)
    assert [problem.key for problem in found] == [key]
    assert want in found[0].want


@pytest.mark.parametrize("text", ["HACLUSTERIP=10.0.0.255\nHAPREFIX=16", "HACLUSTERIP=10.0.0.0\nHAPREFIX=31"])
def test_an_address_is_judged_with_its_prefix(text: str) -> None:
    assert isinstance(parse(text), Conf)


@pytest.mark.parametrize(
    "text", ["HAFENCEWAIT=1\nPROBEFALL=5", "HAFENCE=/sbin/cut\nHAFENCEWAIT=6\nPROBEFALL=4"]
)
def test_the_times_of_a_fence_count_where_there_is_one(text: str) -> None:
    assert isinstance(parse(text), Conf)


def test_a_wrong_value_brings_no_echo_from_the_keys_it_is_compared_with() -> None:
    problem = only("HAWARNTIME=3\nHADEADTIME=ten\n")
    assert problem.key == "HADEADTIME"


def test_all_problems_come_at_once_in_the_order_of_the_lines() -> None:
    found = problems("RESTART=maybe\nNOTAKEY=1\nHASSHPORT\nHASECNODE=haprimary\nMOVEDWELL=6\nRESTART=NO\n")
    assert [(p.line, p.key) for p in found] == [
        (1, "RESTART"),
        (2, "NOTAKEY"),
        (3, ""),
        (4, "HASECNODE"),
        (5, "MOVEDWELL"),
        (6, "RESTART"),
    ]


def test_the_error_lists_each_problem_on_a_line_of_its_own() -> None:
    error = ConfError(problems("RESTART=maybe\nHASSHPORT=0\n"))
    assert str(error) == (
        "The conf file has 2 problems:\n"
        "  line 1: RESTART=maybe should be YES or NO\n"
        "  line 2: HASSHPORT=0 should be a port number from 1 to 65535"
    )
    assert error.exit_code == 2


@pytest.mark.parametrize(
    "text",
    ["AMISECRET='hunter2", 'AMISECRET="$hunter2"', "AMISECRET=hunter2\x01", "AMISECRET=a\nAMISECRET=hunter2"],
)
def test_a_secret_is_not_told(text: str) -> None:
    problem = only(text)
    assert "hunter2" not in str(problem)
    assert problem.value == "(hidden)"


@pytest.mark.parametrize(
    "text",
    [
        "export AMISECRET=hunter2",
        "export  NOTIFYPASSWORD='hunter2' # x",
        "AMISECRET hunter2",
        "AMISECRET: hunter2",
        "# x\rAMISECRET=hunter2\n",
    ],
)
def test_a_secret_on_a_line_that_cannot_be_read_is_not_told(text: str) -> None:
    assert "hunter2" not in str(only(text))


@pytest.mark.parametrize("text", ["PANELPROXYSECRET=short", "PANELPROXYSECRET='a secret with blanks in it'"])
def test_a_secret_that_no_header_can_carry_is_refused_and_not_shown(text: str) -> None:
    (problem,) = problems(text)
    assert problem.key == "PANELPROXYSECRET" and "secret with" not in str(problem)


@pytest.mark.parametrize(
    ("text", "key", "want"),
    [
        ("RELAYDRIVER=lcus\nRHINOSPF=YES\n", "RHINOSPF", "one relay moves the line"),
        ("RHINOSPF=YES\nRELAYDEVICE=/dev/ttyUSB1\n", "RELAYDEVICE", "blank with RHINOSPF=YES"),
        ("RELAYDRIVER=lcus\nRELAYDEVICE=10.0.0.9\n", "RELAYDEVICE", "a tty, or blank"),
        ("RELAYDRIVER=berofos\nRELAYDEVICE=/dev/ttyS0\n", "RELAYDEVICE", "the IPv4 address of the device"),
        ("RELAYDRIVER=berofos\n", "RELAYDEVICE", "the IPv4 address of the device"),
        ("RELAYDRIVER=dcttech\nRELAYDEVICE=10.0.0.9\n", "RELAYDEVICE", "a /dev/hidraw, or blank"),
        (f"{BEROFOS}RELAYWATCHDOG=10\n", "RELAYWATCHDOG", "at most 9 s with PBXSTOPDEADLINE=5s"),
        (f"{BEROFOS}RELAYWATCHDOG=3\nHADEADTIME=4\n", "RELAYWATCHDOG", "at least HADEADTIME"),
        (f"{BEROFOS}RELAYCONTACTS=2\n", "RELAYCONTACTS", "from 1 to 1"),
        ("RELAYDRIVER=lcus\nRELAYCONTACTS=0,1\n", "RELAYCONTACTS", "from 1 to 8"),
        ("RELAYDRIVER=kmtronic-2\nRELAYCONTACTS=3\n", "RELAYCONTACTS", "from 1 to 2"),
        ("RELAYDRIVER=numato\nRELAYCONTACTS=10\n", "RELAYCONTACTS", "from 0 to 9"),
    ],
)
def test_what_contradicts_itself_about_the_relay(text: str, key: str, want: str) -> None:
    found = only(text)
    assert found.key == key and want in found.want


def test_a_board_whose_relay_stays_as_it_is_without_power_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    latching = RelayFacts("A/B switch", falls=Falls.NO)
    monkeypatch.setattr("appliance.config.conf.RELAYS", {"lcus": latching})
    assert "falls without power: the A/B switch does not" in only("RELAYDRIVER=lcus\n").want


def test_two_keys_are_enough_for_a_board_and_the_rest_has_a_default() -> None:
    conf = parse("RELAYDRIVER=numato\nRELAYDEVICE=/dev/ttyACM0\n")
    assert isinstance(conf, Conf)
    assert (conf.relay_installed, str(conf.relay_tty), conf.contacts) == (True, "/dev/ttyACM0", (0,))
