"""The page's certificate, made and read by the real openssl."""

from __future__ import annotations

import contextlib
import os
import re
import ssl
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.cli.checks import own
from appliance.cli.checks.look import Scene
from appliance.config import Conf
from appliance.core.errors import HostError
from appliance.core.model import Node
from appliance.host.clock import Clock, SystemClock
from appliance.panel.server.certificate import VALID_DAYS, days_left, make_certificate, read_certificate
from appliance.panel.server.reach import reach
from appliance.panel.server.serve import listen, tls_context
from appliance.panel.server.webserver import PanelServer


@pytest.fixture
def cert(tmp_path: Path) -> Path:
    return tmp_path / "etc" / "panel.crt"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "etc" / "panel.key"


def text_of(cert: Path) -> str:
    argv = ["openssl", "x509", "-noout", "-text", "-in", str(cert)]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def make(cert: Path, key: Path, *, renew: bool = False) -> bool:
    return make_certificate(cert, key, ["pbx1.example.com", "pbx1"], ["192.0.2.5", "127.0.0.1"], renew=renew)


def test_it_is_for_every_name_and_address_of_the_node(cert: Path, key: Path) -> None:
    assert make(cert, key)
    text = text_of(cert)
    names = "DNS:pbx1.example.com, DNS:pbx1, DNS:localhost, IP Address:192.0.2.5, IP Address:127.0.0.1"
    assert names in text
    assert "TLS Web Server Authentication" in text
    assert "sha256WithRSAEncryption" in text
    assert "2048 bit" in text


def test_a_browser_that_trusts_it_takes_it(cert: Path, key: Path) -> None:
    make(cert, key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(cert, key)
    client = ssl.create_default_context(cafile=str(cert))
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    there = server.wrap_bio(to_server, to_client, server_side=True)
    here = client.wrap_bio(to_client, to_server, server_hostname="192.0.2.5")
    for side in (here, there, here):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert here.version() == "TLSv1.3"


def test_its_key_is_for_nobody_else(cert: Path, key: Path) -> None:
    make(cert, key)
    assert stat.S_IMODE(key.stat().st_mode) & 0o137 == 0
    assert stat.S_IMODE(cert.stat().st_mode) == 0o644
    assert sorted(path.name for path in cert.parent.iterdir()) == ["panel.crt", "panel.key"]


def test_it_is_read_as_it_was_made(cert: Path, key: Path) -> None:
    make(cert, key)
    read = read_certificate(cert)
    assert days_left(read, time.time()) in (VALID_DAYS - 1, VALID_DAYS)
    assert days_left(read, read.expires + 1) == -1
    argv = ["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", str(cert)]
    said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    assert said.strip().endswith(f"={read.fingerprint}")


def test_one_that_is_there_stays(cert: Path, key: Path) -> None:
    make(cert, key)
    before = cert.read_bytes(), key.read_bytes()
    assert not make(cert, key)
    assert (cert.read_bytes(), key.read_bytes()) == before


def test_renewed_it_is_another_of_the_same_key(cert: Path, key: Path) -> None:
    make(cert, key)
    before = cert.read_bytes(), key.read_bytes()
    assert make(cert, key, renew=True)
    assert cert.read_bytes() != before[0]
    assert key.read_bytes() == before[1]
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)


def test_killed_after_the_key_it_is_made_from_that_key(cert: Path, key: Path) -> None:
    make(cert, key)
    kept = key.read_bytes()
    cert.unlink()
    assert make(cert, key)
    assert key.read_bytes() == kept
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)


def test_a_certificate_whose_key_is_missing_is_not_replaced(cert: Path, key: Path) -> None:
    make(cert, key)
    key.unlink()
    with pytest.raises(HostError, match="its key"):
        make(cert, key)


def test_names_that_are_none_stay_out(cert: Path, key: Path) -> None:
    """They come from the conf file and from uname, and openssl's file has a language of its own."""
    make_certificate(cert, key, ["pbx1", "x\n[evil]", "$ENV::HOME", "a b"], [])
    assert "DNS:pbx1, DNS:localhost, IP Address:127.0.0.1\n" in text_of(cert)


def test_a_folder_that_cannot_be_written_is_named(cert: Path, key: Path) -> None:
    with pytest.raises(HostError, match="/proc/asha"):
        make_certificate(Path("/proc/asha/panel.crt"), Path("/proc/asha/panel.key"), ["pbx1"], [])


@pytest.mark.parametrize(
    "text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate_is_named(tmp_path: Path, text: str) -> None:
    wrong = tmp_path / "wrong.crt"
    wrong.write_text(text)
    with pytest.raises(HostError, match=r"wrong\.crt is no certificate"):
        read_certificate(wrong)


@contextlib.contextmanager
def served(conf: Conf) -> Iterator[None]:
    server = PanelServer(
        lambda env, start: [],
        listen(conf.panel_addr, conf.panel_port),
        tls_context(conf.panel_cert, conf.panel_key),
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield
    server.stop()
    thread.join(60)


def scene(conf: Conf, clock: Clock | None = None) -> Scene:
    return Scene(conf, Node.PRIMARY, "pbx1", clock or SystemClock())


@pytest.mark.parametrize(
    ("address", "reached"), [("::1", "::1"), ("::", "::1"), ("::", "127.0.0.1"), ("0.0.0.0", "127.0.0.1")]
)
def test_the_page_is_served_on_addresses_of_ipv6_too(
    cert: Path, key: Path, address: str, reached: str
) -> None:
    make(cert, key)
    with contextlib.closing(listen(address, 0)) as free:
        port = free.getsockname()[1]
    conf = Conf(panel_addr=address, panel_cert=cert, panel_key=key, panel_port=port)
    with served(conf):
        reach(conf)
        reach(replace(conf, panel_addr=reached))


def test_an_address_that_this_machine_has_not_is_named_as_addresses_of_ipv6_are() -> None:
    with pytest.raises(HostError, match=r"on \[2001:db8::77\]:8443"):
        listen("2001:db8::77", 8443)


def test_check_says_when_it_must_be_renewed(cert: Path, key: Path) -> None:
    with contextlib.closing(listen("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    conf = Conf(panel_cert=cert, panel_key=key, panel_port=port)
    with pytest.raises(HostError, match="asha panel certificate"):
        own.panel(scene(conf))
    make(cert, key)
    with pytest.raises(HostError, match="service asha-panel start"):
        own.panel(scene(conf))
    with served(conf):
        assert re.search("good for 82[45] days", own.panel(scene(conf)).says)
    expires = read_certificate(cert).expires

    class Later(SystemClock):
        def wall(self) -> float:
            return expires - 29 * 86400

    with pytest.raises(HostError, match=r"29 days.*--renew"):
        own.panel(scene(conf, Later()))


def test_a_key_that_others_can_read_is_named(cert: Path, key: Path) -> None:
    make(cert, key)
    os.chmod(key, 0o644)
    finding = own.panel(scene(Conf(panel_cert=cert, panel_key=key)))
    assert "chmod o-rwx" in finding.remedy
