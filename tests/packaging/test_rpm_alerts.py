"""Alerts from the installed product where nothing else is: past a name server that fails for IPv6, by a site's own CA.

The runtime's C library, musl, finds no address there at all; docs/facts/resolver.md says why.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hosts import PATH, Host

HERE = Path(__file__).parent
NAME = "mail.example"  # the search list makes mail.example.lan of it, which alone has an address
LOOK_UP = "import socket; socket.getaddrinfo('mail.example.lan', 25)"
_WRAP = (
    *("unshare", "--mount", "--pid", "--net", "--uts", "--fork", "--kill-child=KILL"),
    *("sh", "-c", 'mount -t proc proc "$0/proc" && hostname haprimary && exec "$@"'),
)
_ASHA = "chroot {root} /usr/sbin/asha"


@pytest.fixture
def pbx(empty: Host) -> Host:
    """The product with a mail server and a webhook, both by TLS, in its conf file."""
    empty.write("/etc/resolv.conf", "nameserver 127.0.0.1\nsearch lan\n")
    empty.write("/etc/hosts", "127.0.0.1 localhost\n")
    return empty


def certificates(place: Path) -> tuple[Path, Path, Path]:
    """A CA's certificate, and certificate and key of the servers, made by it."""
    ca, ca_key, cert, key = (place / name for name in ("ca.pem", "ca.key", "server.pem", "server.key"))
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    own = ["-subj", "/CN=our CA", "-keyout", ca_key, "-out", ca]
    server = ["-subj", "/CN=server", "-addext", f"subjectAltName=DNS:{NAME}", "-CA", ca, "-CAkey", ca_key]
    for more in (own, [*server, "-keyout", key, "-out", cert]):
        subprocess.run([*words, *map(str, more)], check=True, capture_output=True, timeout=60)
    return ca, cert, key


def at_the_site(pbx: Host, cert: Path, key: Path, script: str) -> dict[str, Any]:
    argv = [*_WRAP, pbx.root, sys.executable, HERE / "alert_site.py", cert, key, script]
    # A service's environment: SSL_CERT_FILE of whoever runs the tests is none of this site's.
    done = subprocess.run(argv, env={"PATH": PATH}, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_alerts_go_out_wherever_the_distribution_keeps_its_cas(pbx: Host, tmp_path: Path) -> None:
    ca, cert, key = certificates(tmp_path)
    asha = _ASHA.format(root=pbx.root)
    ways = f"MAILTO root NOTIFYSMTP {NAME}:2525 NOTIFYTLS on NOTIFYWEBHOOK https://{NAME}:8443/"
    script = f"{asha} conf set {ways} && {asha} notify test"
    for place in ("/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt"):
        pbx.write(place, ca.read_text())
        site = at_the_site(pbx, cert, key, script)
        assert site["status"] == 0, site["said"]
        assert (site["mails"], site["posts"]) == (1, 1)
        pbx.path(place).unlink()
    site = at_the_site(pbx, cert, key, script)
    assert site["status"] != 0 and "There are no CA certificates on this system" in site["said"]
    assert (site["mails"], site["posts"]) == (0, 0)
    pbx.write("/etc/asha/ca.pem", ca.read_text())
    site = at_the_site(pbx, cert, key, f"{asha} conf set NOTIFYCA /etc/asha/ca.pem && {script}")
    assert (site["status"], site["mails"], site["posts"]) == (0, 1, 1), site["said"]


def test_the_c_library_of_the_runtime_finds_no_address_there(pbx: Host, tmp_path: Path) -> None:
    _, cert, key = certificates(tmp_path)
    script = f'chroot {pbx.root} /opt/asha/runtime/bin/python3.11 -IB -c "{LOOK_UP}"'
    site = at_the_site(pbx, cert, key, script)
    assert site["status"] == 1 and "gaierror" in site["said"]
