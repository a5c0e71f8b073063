"""Servers that take alerts, or do what such servers do when they do not; each in threads of its own."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_USUAL = {
    "EHLO": "250-mail\r\n250-AUTH PLAIN\r\n250 STARTTLS",
    "AUTH": "235 welcome",
    "DATA": "354 go on",
    "QUIT": "221 bye",
}
# Seconds within which a loaded machine has done what waits for nobody; what waits for a server that hangs never ends,
# or takes the 30 s that a delivery is given as a rule.
NEVER_ENDS = 20.0
Serve = Callable[[socket.socket], None]


@contextlib.contextmanager
def listening(serve: Serve) -> Iterator[str]:
    """A TCP server on 127.0.0.1 with `serve` for each connection; its `host:port`."""
    open_ones: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection = server.accept()[0]
                    open_ones.append(connection)
                    threading.Thread(target=_one, args=(serve, connection), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            for connection in open_ones:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                connection.close()


def _one(serve: Serve, connection: socket.socket) -> None:
    with contextlib.suppress(OSError, ValueError):
        serve(connection)


class MailServer:
    """An SMTP server (RFC 5321). `answers`: what it says instead, by command word. `mails`: what it took.

    A word in `hangs` is never answered; "greeting" is the word before the first. `heard` has every line.
    """

    def __init__(
        self,
        answers: dict[str, str] | None = None,
        hangs: frozenset[str] = frozenset(),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.tls = tls
        self.answers = {"greeting": "220 mail.example.com", **(answers or {})}
        self.hangs = hangs
        self.mails: list[bytes] = []
        self.recipients: list[str] = []
        self.heard: list[str] = []

    def serve(self, connection: socket.socket) -> None:
        with connection.makefile("rwb") as stream:
            if not self._answer(stream, "greeting", ""):
                return
            while line := stream.readline():
                if self.tls is not None and line.strip().upper() == b"STARTTLS":
                    self._answer(stream, "STARTTLS", "220 go on")
                    break
                self._take(stream, line.decode().strip())
            else:
                return
        with self.tls.wrap_socket(connection, server_side=True) as secured, secured.makefile("rwb") as stream:
            while line := stream.readline():
                self._take(stream, line.decode().strip(), secure=True)

    def _take(self, stream: object, line: str, *, secure: bool = False) -> None:
        self.heard.append(f"secured: {line}" if secure else line)
        word = line.split(maxsplit=1)[0].upper() if line else ""
        ok = self._answer(stream, word, _USUAL.get(word, "250 ok"))
        if ok and word == "RCPT":
            self.recipients.append(line.partition("<")[2].partition(">")[0])
        if ok and word == "DATA":
            mail = b""
            while (part := stream.readline()) not in (b".\r\n", b""):  # type: ignore[attr-defined]
                mail += part
            self.mails.append(mail)
            self._answer(stream, "taken", "250 taken")

    def _answer(self, stream: object, word: str, usual: str) -> bool:
        """Whether it went on."""
        if word in self.hangs:
            threading.Event().wait(60)
            raise OSError
        said = self.answers.get(word, usual)
        stream.write(said.encode() + b"\r\n")  # type: ignore[attr-defined]
        stream.flush()  # type: ignore[attr-defined]
        return said[0] in "23"


class Hooked:
    """A web server. `status`: what it answers with; `bodies`: what it was sent, with its path and headers."""

    def __init__(self, status: int = 204, location: str = "") -> None:
        self.status, self.location = status, location
        self.bodies: list[tuple[str, dict[str, str], bytes]] = []

    @contextlib.contextmanager
    def up(self) -> Iterator[str]:
        """Its `http://host:port`."""
        hooked = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                hooked.bodies.append((self.path, dict(self.headers), self.rfile.read(length)))
                self._answer()

            def do_GET(self) -> None:
                hooked.bodies.append((self.path, {}, b"GET"))
                self._answer()

            def _answer(self) -> None:
                self.send_response(hooked.status)
                if hooked.location:
                    self.send_header("Location", hooked.location)
                self.end_headers()

            def log_message(self, *words: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}"
            finally:
                server.shutdown()


def dribble(connection: socket.socket) -> None:
    """A byte now and then: no socket's timeout ever runs out."""
    while True:
        connection.sendall(b"2")
        threading.Event().wait(0.05)


def silent(connection: socket.socket) -> None:
    """Takes the connection and says nothing."""
    while connection.recv(1024):
        pass


def certified(place: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS for 127.0.0.1, and the certificate for those who are to believe in it."""
    key, cert = place / "key", place / "cert"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=rack", "-days", "2"]
    named = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([*words, *named], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, cert


def signed(place: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS for `name`, by a CA of its own in `place`, and the CA's certificate."""
    kind = "IP" if name.replace(".", "").isdigit() else "DNS"
    ca, ca_key, cert, key = (place / one for one in ("ca.pem", "ca.key", "server.pem", "server.key"))
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    own = ["-subj", "/CN=our CA", "-keyout", ca_key, "-out", ca]
    server = ["-subj", "/CN=server", "-keyout", key, "-out", cert, "-CA", ca, "-CAkey", ca_key]
    leaf = ["-addext", f"subjectAltName={kind}:{name}", "-addext", "basicConstraints=critical,CA:FALSE"]
    for more in (own, [*server, *leaf]):
        subprocess.run([*words, *map(str, more)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, ca
