"""How Asterisk is to be started, by what its distribution's files say."""

from __future__ import annotations

import pytest

from appliance.core.pbx_start import StartSources, StartWay, start_way

DEBIAN = "/usr/sbin/asterisk -g -f -p -U asterisk"


@pytest.mark.parametrize(
    ("found", "way"),
    [
        (StartSources({}, {}, {}), StartWay()),
        (
            StartSources({}, {"ExecStart": DEBIAN}, {}),
            StartWay("asterisk", realtime=True, source="its systemd unit"),
        ),
        (
            StartSources({}, {"User": "pbx", "Group": "telephony", "ExecStart": "/usr/sbin/asterisk -f"}, {}),
            StartWay("pbx", "telephony", source="its systemd unit"),
        ),
        (
            StartSources(
                {"runuser": "own", "rungroup": "own"}, {"ExecStart": DEBIAN}, {"AST_USER": "old"}, "x"
            ),
            StartWay("own", "own", realtime=True, source="asterisk.conf"),
        ),
        (
            StartSources({}, {}, {"AST_USER": "asterisk", "AST_REALTIME": "yes", "MAXFILES": "8192"}, "root"),
            StartWay("asterisk", realtime=True, files=8192, source="its init script"),
        ),
        (
            StartSources({}, {}, {}, "asterisk"),
            StartWay("asterisk", source="its data, which belong to that user"),
        ),
        (StartSources({"runuser": "root"}, {}, {}, "asterisk"), StartWay(source="asterisk.conf")),
        (StartSources({}, {}, {}, "root"), StartWay(source="its data, which belong to that user")),
    ],
    ids=[
        "nothing",
        "Debian's unit",
        "a unit with User",
        "asterisk.conf first",
        "an init script",
        "its files",
        "root by name",
        "root's files",
    ],
)
def test_the_way(found: StartSources, way: StartWay) -> None:
    assert start_way(found) == way


@pytest.mark.parametrize(
    ("unit", "files", "oom"),
    [
        ({"LimitNOFILE": "65536"}, 65536, 0),
        ({"LimitNOFILE": "1024:524288"}, 524288, 0),
        ({"LimitNOFILE": "infinity"}, 1 << 20, 0),
        ({"LimitNOFILE": "many"}, 0, 0),
        ({"LimitNOFILE": "99999999999"}, 1 << 20, 0),
        ({"OOMScoreAdjust": "-600"}, 0, -600),
        ({"OOMScoreAdjust": "-5000"}, 0, -1000),
        ({"OOMScoreAdjust": "never"}, 0, 0),
    ],
)
def test_limits(unit: dict[str, str], files: int, oom: int) -> None:
    way = start_way(StartSources({}, unit, {}))
    assert (way.files, way.oom) == (files, oom)


def test_the_options_of_the_program() -> None:
    assert StartWay().words == ("-g",)
    assert StartWay("pbx", "phones", realtime=True).words == ("-g", "-p", "-U", "pbx", "-G", "phones")


@pytest.mark.parametrize(
    ("command", "realtime"),
    [
        ("asterisk -fp", True),
        ("asterisk -f", False),
        ("asterisk -C /etc/p -f", False),
        ("asterisk -f --p", False),
    ],
)
def test_a_priority_is_told_by_its_option_alone(command: str, realtime: bool) -> None:
    assert start_way(StartSources({}, {"ExecStart": command}, {})).realtime is realtime
