"""The real dahdi_cfg says what it accepts, and our parser understands what it accepts. It wants a ctl file to open."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

# A /dev of our own, in which ctl is an empty file: -t asks nothing of it.
_OWN_DEV = """
mount -t tmpfs tmpfs /dev && mkdir /dev/dahdi /dev/shm && touch /dev/dahdi/ctl && mknod -m 666 /dev/null c 1 3 || exit
exec "$@"
"""
_ASK = """
import json, sys
from pathlib import Path
from appliance.dahdi.directory import refused_by_dahdi_cfg
print(json.dumps([refused_by_dahdi_cfg(Path(place)) for place in sys.argv[1:]]))
"""
T1 = "span=1,1,0,esf,b8zs\nbchan=1-23\ndchan=24\n"
CASES = {
    T1: "",
    " SPAN = 1 , 1, 0, ESF, B8ZS\n# x\nBChan = 1-23 # hi\n": "",
    "span=1,1,0,ccs,hdb3,crc4,yellow\nbchan=1-15,17-31\ndchan=16\nechocanceller=mg2,1-15,17-31\n": "",
    "span=1,1,0,ccs,ami,nt\nbchan=1-2\nhardhdlc=3\n": "",
    "dynamic=eth,eth0/00:11:22:33:44:55,24,0\nbchan=1-23\ndchan=24\n": "",
    "fxsks=1-3\nfxoks = 4\nloadzone = us\ndefaultzone=us\n": "",
    "# nothing\n": "",
    "span=1,1,0,xyz,b8zs\n": "line 1: Framing(T1)/Signalling(E1) must be one of",
    "span=1,1,9,esf,b8zs\n": "line 1: Line build-out should be in the range",
    T1 + "bchan=4\n": "line 4: Channel 4 already configured",
    "bogus=1\n": "line 1: Unknown keyword 'bogus'",
    "span\n": "line 1: Syntax error",
    "bchan=1100\n": "line 1: Channel must be between 1 and 1023",
}


def ask(places: list[Path], *before: str) -> list[str]:
    done = subprocess.run(
        [*before, sys.executable, "-c", _ASK, *map(str, places)],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    return list(json.loads(done.stdout))


@pytest.fixture
def places(tmp_path: Path) -> list[Path]:
    found = []
    for number, text in enumerate(CASES):
        place = tmp_path / str(number)
        place.mkdir()
        (place / "system.conf").write_text(text)
        found.append(place)
    return found


def test_it_accepts_what_is_right_and_says_what_is_not(places: list[Path]) -> None:
    answers = ask(places, "unshare", "--mount", "sh", "-c", _OWN_DEV, "sh")
    for text, wanted, said in zip(CASES, CASES.values(), answers, strict=True):
        if wanted:
            assert said.startswith(f"dahdi_cfg does not accept system.conf: {wanted}"), text
        else:
            assert said == "", text


def test_where_dahdi_is_not_loaded_it_accepts_nothing(places: list[Path]) -> None:
    no_dahdi = 'mount -t tmpfs tmpfs /dev && mknod -m 666 /dev/null c 1 3 || exit; exec "$@"'
    (said,) = ask(places[:1], "unshare", "--mount", "sh", "-c", no_dahdi, "sh")
    assert said == (
        "dahdi_cfg does not accept system.conf: line 0: Unable to open master device '/dev/dahdi/ctl'"
    )
