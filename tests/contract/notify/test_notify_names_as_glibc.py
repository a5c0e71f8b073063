"""The C library of this machine, glibc, beside the product: the same names asked for in the same order, the same found.

Both ask one name server in namespaces of their own. glibc repeats a question after silence; that is no other name.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# Argument: a directory for /etc's files. On standard input, the cases as below; on standard output, what glibc and
# what the product has found and asked for. glibc reads resolv.conf again when it has changed.
SCRIPT = """
import json, socket, subprocess, sys
from pathlib import Path
from appliance.notify.addresses import Names
from tests.plugins.name_server import SILENT, NameServer, failed, found
etc = Path(sys.argv[1])
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
for name, text in {"resolv.conf": "", "hosts": "", "nsswitch.conf": "hosts: files dns\\n"}.items():
    (etc / name).write_text(text)
    subprocess.run(["mount", "--bind", str(etc / name), f"/etc/{name}"], check=True)
def reply(word):
    if word.isdigit():
        return failed(int(word))
    return {"silent": SILENT, "-": found()}.get(word) or found(*word.split(","))
def asked(ask):
    server.asked.clear()
    try:
        addresses = sorted(set(ask()))
    except OSError:
        addresses = []
    return addresses, list(dict.fromkeys(name for name, kind in server.asked if kind == "A"))
server = NameServer({})
said = {}
with server.up("127.0.0.1", 53):
    for case, (conf, host, zone) in json.load(sys.stdin).items():
        (etc / "resolv.conf").write_text(conf)
        server.zone = {(name, "A"): reply(word) for name, word in zip(zone[::2], zone[1::2])}
        said[case] = {
            "glibc": asked(lambda: (one[4][0] for one in socket.getaddrinfo(host, 25, socket.AF_INET))),
            "product": asked(lambda: Names(patience=0.2).addresses(host)),
        }
print(json.dumps(said))
"""
ONE = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"
HERE = "192.0.2.1"
Said = dict[str, dict[str, list[list[str]]]]
CASES = {
    "no search list": (ONE, "mail.x", ["mail.x", HERE]),
    "the domain of the list": (f"{ONE}search a.lan\n", "mail", ["mail.a.lan", HERE]),
    "the last of the list": (f"{ONE}search a.lan b.lan c.lan\n", "mail", ["mail.c.lan", HERE]),
    "as it is, at last": (f"{ONE}search a.lan b.lan\n", "mail", ["mail", HERE]),
    "nowhere": (f"{ONE}search a.lan b.lan\n", "mail", []),
    "a dot: as it is first": (
        f"{ONE}search a.lan\n",
        "mail.x",
        ["mail.x", HERE, "mail.x.a.lan", "192.0.2.2"],
    ),
    "a dot: in the list too": (f"{ONE}search a.lan\n", "mail.x", ["mail.x.a.lan", HERE]),
    "a dot at the end": (f"{ONE}search a.lan\n", "mail.x.", ["mail.x.a.lan", HERE]),
    "two dots wanted": (
        f"{ONE}search a.lan\noptions ndots:2\n",
        "mail.x",
        ["mail.x", HERE, "mail.x.a.lan", "192.0.2.2"],
    ),
    "no dot wanted": (f"{ONE}search a.lan\noptions ndots:0\n", "mail", ["mail.a.lan", HERE]),
    "a domain": (f"{ONE}domain a.lan\n", "mail", ["mail.a.lan", HERE]),
    "the last of domain and search": (f"{ONE}search a.lan\ndomain b.lan\n", "mail", ["mail.a.lan", HERE]),
    "the last of search and domain": (f"{ONE}domain b.lan\nsearch a.lan\n", "mail", ["mail.a.lan", HERE]),
    "the root in the list": (f"{ONE}search . a.lan\n", "mail", ["mail.a.lan", HERE]),
    "SERVFAIL in the list": (f"{ONE}search a.lan b.lan\n", "mail", ["mail.a.lan", "2", "mail.b.lan", HERE]),
    "no address in the list": (f"{ONE}search a.lan b.lan\n", "mail", ["mail.a.lan", "-", "mail.b.lan", HERE]),
    "refused in the list": (f"{ONE}search a.lan b.lan\n", "mail", ["mail.a.lan", "5", "mail.b.lan", HERE]),
    "not implemented": (f"{ONE}search a.lan b.lan\n", "mail", ["mail.a.lan", "4", "mail.b.lan", HERE]),
    "silence in the list": (
        f"{ONE}search a.lan b.lan\n",
        "mail",
        ["mail.a.lan", "silent", "mail.b.lan", HERE],
    ),
    "silence, then as it is": (f"{ONE}search a.lan\n", "mail", ["mail.a.lan", "silent", "mail", HERE]),
    "SERVFAIL as it is": (f"{ONE}search a.lan\n", "mail.x", ["mail.x", "2", "mail.x.a.lan", HERE]),
    "refused as it is": (f"{ONE}search a.lan\n", "mail.x", ["mail.x", "5", "mail.x.a.lan", HERE]),
    "silence as it is": (f"{ONE}search a.lan\n", "mail.x", ["mail.x", "silent", "mail.x.a.lan", HERE]),
    "several addresses": (f"{ONE}search a.lan\n", "mail", ["mail.a.lan", "192.0.2.1,192.0.2.2"]),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Said:
    """What both have found and asked for, by case."""
    assert platform.libc_ver()[0] == "glibc"
    inside = ["unshare", "--net", "--mount", "--uts", "sh", "-c", 'hostname pbx1 && exec "$@"', "sh"]
    done = subprocess.run(
        [*inside, sys.executable, "-c", SCRIPT, str(tmp_path_factory.mktemp("etc"))],
        input=json.dumps(CASES),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("case", CASES)
def test_the_same_as_glibc(said: Said, case: str) -> None:
    assert said[case]["product"] == said[case]["glibc"]


def test_every_case_asks_and_each_answer_is_there(said: Said) -> None:
    found, asked = zip(*(case["glibc"] for case in said.values()), strict=True)
    assert all(asked) and [] in found and ["192.0.2.1"] in found
