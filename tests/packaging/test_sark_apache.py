"""The page behind a real Apache 2.4: the snippet is right, brings every word at once, and says who asks and how."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from conftest import TREE
from hosts import until

SNIPPET = TREE / "rpm/sark/asha-panel.conf"
MODULES = Path("/usr/lib/apache2/modules")
_ALWAYS = ("mpm_event", "authz_core")
_WANTED = ("proxy", "proxy_http", "ssl", "headers", "alias", "env", "socache_shmcb")


class Page(BaseHTTPRequestHandler):
    """What stands behind: says what it was asked with; its events come one by one."""

    go_on = threading.Event()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        asked = {name.lower(): value for name, value in self.headers.items()}
        self.wfile.write(f"data: {json.dumps({'path': self.path, **asked})}\n\n".encode())
        self.wfile.flush()
        if self.path == "/asha/events":
            assert self.go_on.wait(20)
            self.wfile.write(b"data: second\n\n")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def page(tmp_path: Path) -> Iterator[int]:
    """The port of a server with a certificate of its own making."""
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=haprimary",
        "-days",
        "1",
    ]
    made = [*words, "-keyout", tmp_path / "key", "-out", tmp_path / "crt"]
    subprocess.run(made, check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Page.go_on.clear()
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield server.server_address[1]
    Page.go_on.set()
    server.shutdown()
    serving.join()
    server.server_close()


def configuration(folder: Path, port: int, behind: int, modules: tuple[str, ...]) -> Path:
    """A server with nothing but the snippet, as conf.d is included."""
    (folder / "asha-panel.conf").write_text(SNIPPET.read_text().replace("8443", str(behind)))
    lines = [f"ServerRoot {folder}", "ServerName pbx1", f"Listen 127.0.0.1:{port}", "PidFile apache.pid"]
    lines += [f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in (*_ALWAYS, *modules)]
    lines += ["ErrorLog error.log", f"DocumentRoot {folder}", "User www-data", "Group www-data"]
    lines += ["Include asha-panel.conf", f"<VirtualHost 127.0.0.1:{port}>", "</VirtualHost>"]
    path = folder / "httpd.conf"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def apache(tmp_path: Path, page: int) -> Iterator[int]:
    """The port of an Apache in front of the page."""
    folder = tmp_path / "apache"
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    conf = configuration(folder, port, page, _WANTED)
    server = subprocess.Popen(["apache2", "-D", "FOREGROUND", "-f", conf], stderr=subprocess.DEVNULL)
    try:
        until(lambda: _listens(port), "Apache listens")
        yield port
    finally:
        server.terminate()
        server.wait(timeout=20)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _asked(
    port: int, path: str, **headers: str
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    connection.request(
        "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    return connection, connection.getresponse()


def test_the_first_event_comes_before_the_second_is_there(apache: int) -> None:
    connection, response = _asked(apache, "/asha/events", Accept_Encoding="gzip")
    assert response.status == 200
    assert b'"path": "/asha/events"' in response.readline()
    Page.go_on.set()
    assert b"data: second" in response.read()
    connection.close()


def test_the_page_is_told_who_asks_and_nobody_can_say_it_for_himself(apache: int) -> None:
    forged = {"X_Forwarded_For": "10.9.9.9", "X_Forwarded_Proto": "https", "X_Forwarded_Prefix": "/evil"}
    connection, response = _asked(apache, "/asha/", Host="pbx.example.com", **forged)
    asked = json.loads(response.read().decode().removeprefix("data: "))
    connection.close()
    assert {
        name: asked[name] for name in ("host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-prefix")
    } == {
        "host": "pbx.example.com",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "http",
        "x-forwarded-prefix": "/asha",
    }


def test_without_the_last_stroke_it_is_found_too(apache: int) -> None:
    host = f"pbx.example.com:{apache}"
    connection, response = _asked(apache, "/asha", Host=host)
    assert (response.status, response.headers["Location"]) == (302, f"http://{host}/asha/")
    connection.close()


@pytest.mark.parametrize("missing", [None, *_WANTED[:6]])
def test_it_does_no_harm_where_a_module_is_missing(tmp_path: Path, missing: str | None) -> None:
    gone = () if missing is None else ("proxy", "proxy_http") if missing == "proxy" else (missing,)
    conf = configuration(tmp_path, 1, 8443, tuple(name for name in _WANTED if name not in gone))
    tried = subprocess.run(
        ["apache2", "-t", "-f", conf], capture_output=True, text=True, timeout=30, check=False
    )
    assert tried.returncode == 0 and "Syntax OK" in tried.stderr, tried
    without_version = SNIPPET.read_text().replace("mod_version.c", "mod_never.c")
    (tmp_path / "asha-panel.conf").write_text(without_version)
    tried = subprocess.run(
        ["apache2", "-t", "-f", conf], capture_output=True, text=True, timeout=30, check=False
    )
    assert tried.returncode == 0, tried


def test_its_lines_are_right_in_a_template_of_sme_server() -> None:
    assert not set("{}") & set(SNIPPET.read_text()), "what is in braces would be run"
