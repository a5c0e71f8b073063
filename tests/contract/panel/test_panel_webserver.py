"""The web server under the panel, by real clients: what it serves, what it refuses, and that it ends."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.core.errors import HostError
from appliance.panel.server.certificate import make_certificate
from appliance.panel.server.serve import listen, tls_context
from appliance.panel.server.webserver import BODY_LIMIT, STREAMS, PanelServer

QUICK = 0.6  # a request's deadline in these tests, in seconds
Start = Callable[..., Any]


class App:
    """Answers with what it saw; /stream goes on until it is told to end, or the client is gone."""

    def __init__(self) -> None:
        self.end = threading.Event()
        self.streams = threading.Semaphore(0)
        self.closed = threading.Semaphore(0)
        self.said: dict[str, str] = {}

    def __call__(self, env: dict[str, Any], start: Start) -> Iterable[bytes]:
        if env["PATH_INFO"] == "/fault":
            raise RuntimeError("a fault in the app")
        self.said = {name: value for name, value in env.items() if "ASHA" in name}
        start("200 OK", [("Content-Type", "text/plain")])
        if env["PATH_INFO"] == "/stream":
            return self._stream()
        body = env["wsgi.input"].read()
        return [f"{len(body)} {env.get('HTTP_X_FORWARDED_FOR')} {env['wsgi.url_scheme']}".encode()]

    def _stream(self) -> Iterator[bytes]:
        try:
            self.streams.release()
            while not self.end.wait(0.05):
                yield b": beat\n\n"
        finally:
            self.closed.release()


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("certificate")
    cert, key = folder / "panel.crt", folder / "panel.key"
    make_certificate(cert, key, ["localhost"], [])
    return cert, key


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def server(app: App, pair: tuple[Path, Path]) -> Iterator[PanelServer]:
    listener = listen("127.0.0.1", 0)
    made = PanelServer(app, listener, tls_context(*pair), request_deadline=QUICK)
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    until(lambda: made.ready)
    yield made
    app.end.set()
    made.stop()
    thread.join(60)
    assert not thread.is_alive()


def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    due = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < due, "it did not come"
        time.sleep(0.01)


@pytest.fixture
def trust(pair: tuple[Path, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(pair[0]))


def port_of(server: PanelServer) -> int:
    return int(server.bind_addr[1])


def talk(server: PanelServer, trust: ssl.SSLContext) -> http.client.HTTPSConnection:
    return http.client.HTTPSConnection("localhost", port_of(server), context=trust, timeout=60)


def raw(server: PanelServer, trust: ssl.SSLContext) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", port_of(server)), 5)
    return trust.wrap_socket(plain, server_hostname="localhost")


def answer_to(server: PanelServer, trust: ssl.SSLContext, request: bytes) -> bytes:
    with raw(server, trust) as client:
        client.sendall(request)
        return b"".join(iter(lambda: client.recv(4096), b""))


def test_a_page_comes_by_tls_whose_certificate_holds(server: PanelServer, trust: ssl.SSLContext) -> None:
    client = talk(server, trust)
    for _ in range(2):  # the second on the same connection
        client.request("POST", "/", body="12345", headers={"X-Forwarded-For": "10.1.1.1"})
        answer = client.getresponse()
        assert (answer.status, answer.read()) == (200, b"5 10.1.1.1 https")
        assert answer.getheader("Server") == "asha"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")  # that they are old is the point
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_refused(server: PanelServer, trust: ssl.SSLContext, version: ssl.TLSVersion) -> None:
    trust.set_ciphers("ALL:@SECLEVEL=0")
    trust.minimum_version = trust.maximum_version = version
    with pytest.raises(ssl.SSLError):
        raw(server, trust)


def test_plain_http_is_told_where_the_page_is(server: PanelServer) -> None:
    with socket.create_connection(("127.0.0.1", port_of(server)), 5) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b"https://" in client.recv(4096)


@pytest.mark.parametrize(
    "lines",
    [
        b"X-Asha-User: anna\r\nX-Asha-User: root\r\n",
        b"X-Asha-User: anna\r\nx-asha-user: root\r\n",
        b"X-Asha-User: anna\r\nX-Asha-User : root\r\n",
        b"X-Asha-User: anna\r\n root\r\n",
        b"X-Asha-Role: viewer\r\nX-Other: 1\r\nX-ASHA-ROLE: operator\r\n",
        b"X-Asha-Proxy: one\r\nX-Asha-Proxy: two\r\n",
    ],
)
def test_a_header_that_says_who_asks_comes_once_or_the_request_is_refused(
    server: PanelServer, trust: ssl.SSLContext, lines: bytes
) -> None:
    """Of two, one may be the client's own, and which one a proxy believes is not which one the page would."""
    answer = answer_to(server, trust, b"GET / HTTP/1.0\r\n" + lines + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("name", [b"X_Asha_User", b"X-Asha_User", b"x_asha-user"])
def test_an_odd_spelling_says_nothing_of_who_asks(
    server: PanelServer, app: App, trust: ssl.SSLContext, name: bytes
) -> None:
    request = b"GET / HTTP/1.0\r\n" + name + b": root\r\nX-Asha-User: anna\r\n\r\n"
    assert b"200 OK" in answer_to(server, trust, request)
    assert app.said == {"HTTP_X_ASHA_USER": "anna"}


def test_a_header_with_an_underscore_does_not_pass_for_another(
    server: PanelServer, trust: ssl.SSLContext
) -> None:
    request = b"GET / HTTP/1.0\r\nX_Forwarded_For: 6.6.6.6\r\n\r\n"
    assert answer_to(server, trust, request).endswith(b"0 None https")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 20000 + b"\r\n\r\n", b"413"),
        (b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (BODY_LIMIT + 1), b"413"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1_0\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"411"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/3.0\r\n\r\n", b"505"),
    ],
)
def test_what_is_too_large_or_malformed_is_refused(
    server: PanelServer, trust: ssl.SSLContext, request_: bytes, status: bytes
) -> None:
    assert answer_to(server, trust, request_).split()[1] == status


def test_a_fault_in_the_app_is_an_answer_and_costs_no_thread(
    server: PanelServer, trust: ssl.SSLContext, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        client = talk(server, trust)
        client.request("GET", "/fault")
        assert client.getresponse().status == 500
        client.close()
    until(lambda: server.requests.idle == STREAMS + 16)
    assert "a fault in the app" in capfd.readouterr().err


SLOW = [b"", b"GET / HTTP/1.1\r\nHost: x\r\n", b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n123"]


@pytest.mark.parametrize("begun", SLOW)
def test_a_slow_client_is_broken_off_however_little_it_sends(
    server: PanelServer, trust: ssl.SSLContext, begun: bytes
) -> None:
    with raw(server, trust) as client:
        began = time.monotonic()
        client.sendall(begun)
        with contextlib.suppress(OSError):
            while client.recv(4096):
                client.sendall(b"x")  # never quite silent
        assert time.monotonic() - began < QUICK + 3


def test_clients_that_say_nothing_keep_nobody_out(server: PanelServer, trust: ssl.SSLContext) -> None:
    """More of them than there are threads: none has a handshake in the thread that accepts."""
    silent = [socket.create_connection(("127.0.0.1", port_of(server)), 5) for _ in range(STREAMS + 40)]
    try:
        client = talk(server, trust)
        began = time.monotonic()
        client.request("GET", "/")
        assert client.getresponse().status == 200
        assert time.monotonic() - began < QUICK + 2
    finally:
        for one in silent:
            one.close()


def test_as_many_streams_as_are_promised_and_pages_beside_them(
    server: PanelServer, app: App, trust: ssl.SSLContext
) -> None:
    streams = []
    for _ in range(STREAMS):
        client = talk(server, trust)
        client.request("GET", "/stream")
        streams.append(client)
    for _ in range(STREAMS):
        assert app.streams.acquire(timeout=60)
    page = talk(server, trust)
    page.request("GET", "/")
    assert page.getresponse().status == 200
    for client in streams:
        client.close()
    for _ in range(STREAMS):
        assert app.closed.acquire(timeout=60), "a thread stays with a client that is gone"


def test_the_end_does_not_wait_for_streams(server: PanelServer, app: App, trust: ssl.SSLContext) -> None:
    client = talk(server, trust)
    client.request("GET", "/stream")
    assert app.streams.acquire(timeout=60)
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 4
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port_of(server)), 5)


def test_a_port_that_is_taken_is_named() -> None:
    with contextlib.closing(listen("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(HostError, match=rf"127\.0\.0\.1:{port}: Address already in use.*PANELPORT"):
            listen("127.0.0.1", port)


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    cert, key = pair
    with pytest.raises(HostError, match="asha panel certificate"):
        tls_context(tmp_path / "none.crt", key)
    with pytest.raises(HostError, match="not a certificate and its key"):
        tls_context(cert, cert)
    other = tmp_path / "other.key"
    subprocess.run(["openssl", "genrsa", "-out", other, "2048"], check=True, capture_output=True)
    with pytest.raises(HostError, match="key values mismatch"):
        tls_context(cert, other)
    locked = tmp_path / "locked.key"
    argv = ["openssl", "rsa", "-aes256", "-passout", "pass:asha", "-in", key, "-out", locked]
    subprocess.run(argv, check=True, capture_output=True)
    with pytest.raises(HostError, match="passphrase"):
        tls_context(cert, locked)


SERVE = """
import socket, sys
from pathlib import Path
from appliance.host.service_manager import ServiceManager
from appliance.panel.server.serve import listen, serve, tls_context

def app(env, start):
    start("200 OK", [])
    while True:
        yield b"on and on"

listener = listen("127.0.0.1", 0)
print(listener.getsockname()[1], flush=True)
serve(app, listener, tls_context(Path(sys.argv[1]), Path(sys.argv[2])), ServiceManager.of_this_process())
print("ended", flush=True)
"""


def test_sigterm_ends_the_process_whatever_its_clients_do(
    pair: tuple[Path, Path], trust: ssl.SSLContext, tmp_path: Path
) -> None:
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    manager.settimeout(10)
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, *map(str, pair)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")},
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        assert manager.recv(100) == b"READY=1"
        with socket.create_connection(("127.0.0.1", port), 5) as plain:
            client = trust.wrap_socket(plain, server_hostname="localhost")
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert client.recv(10)  # and takes no more
            process.send_signal(signal.SIGTERM)
            assert manager.recv(100) == b"STOPPING=1"
            assert process.wait(8) == 0
        assert process.stdout.read() == "ended\n"
    finally:
        process.kill()
        process.wait()
        manager.close()
