"""The trap's octets, decoded by hand, and the MIB that describes them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from alerts_by_hand import notice

from appliance.core.alerts import AlertKind, Severity
from appliance.notify import snmp
from appliance.notify.snmp import ASHA, NOTIFICATIONS, OBJECTS, packet

MIB = (Path(__file__).resolve().parents[3] / "docs/ASHA-MIB.txt").read_text()


@pytest.mark.parametrize(
    ("number", "octets"),
    [
        (0, "020100"),
        (127, "02017f"),
        (128, "02020080"),
        (255, "020200ff"),
        (256, "02020100"),
        (-1, "0201ff"),
        (-128, "020180"),
        (-129, "0202ff7f"),
        (2**31 - 1, "02047fffffff"),
    ],
)
def test_whole_numbers_as_in_x690(number: int, octets: str) -> None:
    assert snmp.integer(number).hex() == octets


def test_object_ids_and_lengths_as_in_x690() -> None:
    assert snmp.object_id((1, 3, 6, 1, 4, 1, 8072, 9999)).hex() == "060a2b06010401bf08ce0f".replace(
        "060a", "0609"
    )
    assert snmp.octets("x" * 127)[:2].hex() == "047f"
    assert snmp.octets("x" * 128)[:3].hex() == "048180"
    assert snmp.octets("x" * 300)[:4].hex() == "0482012c"


def test_a_whole_packet_octet_by_octet() -> None:
    """Written out from RFC 3416 and X.690, not by the code."""
    name = "2b06010401bf08ce0fce0fb84a"  # 1.3.6.1.4.1.8072.9999.9999.7242
    bindings = [
        "300f" + "06082b06010201010300" + "4303024c3c",
        "301d" + "060a2b060106030101040100" + "060f" + name + "000d",
        "301b" + "0610" + name + "010100" + "0407" + b"primary".hex(),
        "3018" + "0610" + name + "010200" + "0404" + b"pbx1".hex(),
        "3015" + "0610" + name + "010300" + "020102",
        "3024" + "0610" + name + "010400" + "0410" + b"the card is gone".hex(),
        "3031" + "0610" + name + "010500" + "041d" + b"The card is gone. Plug it in.".hex(),
        "3015" + "0610" + name + "010600" + "020102",
        "3024" + "0610" + name + "010700" + "0410" + b"1000000000000000".hex(),
    ]
    listed = bytes.fromhex("".join(bindings))
    numbers = bytes.fromhex("020401000000" + "020100" + "020100")
    sent = packet(notice(0x1000000000000000), "public", 150588)
    inner = numbers + b"\x30\x82" + len(listed).to_bytes(2) + listed
    trap = b"\xa7\x82" + len(inner).to_bytes(2) + inner
    outer = bytes.fromhex("020101" + "0406" + b"public".hex()) + trap
    assert sent.hex() == (b"\x30\x82" + len(outer).to_bytes(2) + outer).hex()


def test_it_stays_one_line_and_fits_a_datagram_that_passes_everywhere() -> None:
    sent = packet(notice(subject="x\r\ny" * 500, text="ü\n" * 5000), "c" * 60, 2**40)
    assert len(sent) < 1472
    assert b"x yx yx" in sent and b"y\n" not in sent


def test_the_mib_names_every_kind_with_its_number() -> None:
    named = re.findall(r"^asha(\w+) NOTIFICATION-TYPE.*?::= \{ ashaNotifications (\d+) \}", MIB, re.M | re.S)
    ours = [
        ("".join(word.capitalize() for word in kind.name.split("_")), str(kind.value)) for kind in AlertKind
    ]
    assert named == ours
    for name, _ in named:
        assert re.search(rf"^        asha{name},?$", MIB, re.M), f"{name} is in no group"


def test_the_mib_has_the_arc_the_objects_and_the_severities() -> None:
    assert f"{{ enterprises {' '.join(map(str, ASHA[6:]))} }}" in MIB
    assert f"ashaNotifications OBJECT IDENTIFIER ::= {{ asha {NOTIFICATIONS[-1]} }}" in MIB
    assert f"ashaObjects       OBJECT IDENTIFIER ::= {{ asha {OBJECTS[-1]} }}" in MIB
    named = re.findall(r"^(asha\w+) OBJECT-TYPE.*?::= \{ ashaObjects (\d+) \}", MIB, re.M | re.S)
    assert [int(number) for _, number in named] == list(range(1, 8))
    assert MIB.count(f"{{ {', '.join(name for name, _ in named)} }}") == len(AlertKind) + 1
    assert ", ".join(f"{severity.word}({severity.value})" for severity in Severity) in MIB
