"""Mail and webhooks by TLS to a server that is known by its name: its certificate, and whose it must be."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from alert_servers import MailServer, listening, signed

from appliance.core.alerts import Alert, AlertKind, Severity
from appliance.notify.addresses import Names
from appliance.notify.mail import Smtp
from appliance.notify.notice import Notice
from appliance.notify.transport import Transport, Undelivered, send
from appliance.notify.trust import Trust
from appliance.notify.webhook import Webhook

ALERT = Alert("card", AlertKind.CARD_LOST, Severity.CRITICAL, "the card is gone", "The card is gone.")
NOTICE = Notice("00000000000000ab", ALERT, "primary", "pbx1", 1_700_000_000.0)
NAME = "server.example.lan"


class Server:
    """A mail server and a web server, both with a certificate of `name`. `wanted`: the names they were asked for."""

    def __init__(self, place: Path, name: str = NAME) -> None:
        context, self.ca = signed(place, name)
        self.wanted: list[str | None] = []
        context.sni_callback = lambda connection, wanted, context: self.wanted.append(wanted)
        self.mail = MailServer(tls=context)
        self.requests: list[bytes] = []
        self._context = context

    def serve_web(self, connection: socket.socket) -> None:
        with self._context.wrap_socket(connection, server_side=True) as secured:
            take_request(secured, self.requests)

    @property
    def got(self) -> int:
        return len(self.requests) + len(self.mail.mails)


def take_request(connection: socket.socket, taken: list[bytes]) -> None:
    """Have its head in `taken` before the answer. All is read, because the answer would be lost with what is left."""
    with connection.makefile("rwb") as stream:
        head = b"".join(iter(stream.readline, b"\r\n"))
        (length,) = re.findall(rb"Content-Length: (\d+)", head)
        stream.read(int(length))
        taken.append(head)
        stream.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")


def mail(port: str, names: Names, trust: Trust) -> Smtp:
    return Smtp(f"{NAME}:{port}", "asha@pbx1", ("root",), tls=True, names=names, trust=trust)


def webhook(port: str, names: Names, trust: Trust) -> Webhook:
    return Webhook(f"https://{NAME}:{port}/", names=names, trust=trust)


ways = pytest.mark.parametrize("way", [mail, webhook])
Way = Callable[[str, Names, Trust], Transport]


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Names:
    """A machine whose hosts file knows the server."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    (tmp_path / "hosts").write_text(f"127.0.0.1 {NAME}\n")
    return Names(hosts=tmp_path / "hosts")


def go(way: Way, server: Server, names: Names, trust: Trust) -> None:
    serve = server.mail.serve if way is mail else server.serve_web
    with listening(serve) as place:
        send(way(place.partition(":")[2], names, trust), NOTICE)


@ways
def test_a_sites_own_ca_is_believed_when_the_conf_names_it(tmp_path: Path, names: Names, way: Way) -> None:
    server = Server(tmp_path)
    go(way, server, names, Trust(str(server.ca)))
    assert server.got == 1
    assert server.wanted == [NAME], "the name goes to the server, not the address"


@ways
def test_the_distributions_place_is_found(tmp_path: Path, names: Names, way: Way) -> None:
    server = Server(tmp_path)
    go(way, server, names, Trust(places=(tmp_path / "nothing", server.ca)))
    assert server.got == 1


@ways
def test_a_certificate_of_another_name_gets_nothing(tmp_path: Path, names: Names, way: Way) -> None:
    server = Server(tmp_path, "other.example.lan")
    with pytest.raises(Undelivered, match="Hostname mismatch"):
        go(way, server, names, Trust(str(server.ca)))
    assert server.got == 0


@ways
def test_one_of_the_address_only_gets_nothing(tmp_path: Path, names: Names, way: Way) -> None:
    server = Server(tmp_path, "127.0.0.1")
    with pytest.raises(Undelivered, match="Hostname mismatch"):
        go(way, server, names, Trust(str(server.ca)))
    assert server.got == 0


@ways
def test_an_unknown_ca_is_said_with_the_file_in_which_it_is_not(
    tmp_path: Path, names: Names, way: Way
) -> None:
    server = Server(tmp_path)
    (tmp_path / "old").mkdir()
    _, old = signed(tmp_path / "old", NAME)
    with pytest.raises(Undelivered) as problem:
        go(way, server, names, Trust(places=(old,)))
    assert f"believed are the CA certificates in {old} (NOTIFYCA names another file)" in str(problem.value)
    assert server.got == 0


@ways
def test_without_any_ca_nothing_is_sent_and_that_is_said(tmp_path: Path, names: Names, way: Way) -> None:
    server = Server(tmp_path)
    with pytest.raises(Undelivered, match="There are no CA certificates on this system"):
        go(way, server, names, Trust(places=()))
    with pytest.raises(Undelivered, match=r"gone \(NOTIFYCA\) cannot be read"):
        go(way, server, names, Trust(str(tmp_path / "gone")))
    assert server.got == 0


def test_a_webhook_without_tls_needs_no_certificates(tmp_path: Path, names: Names) -> None:
    requests: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        take_request(connection, requests)

    with listening(serve) as place:
        send(
            Webhook(f"http://{NAME}:{place.partition(':')[2]}/", names=names, trust=Trust(places=())), NOTICE
        )
    assert f"Host: {NAME}".encode() in requests[0]


def test_what_comes_by_tls_is_checked_whatever_the_context(tmp_path: Path) -> None:
    context = Trust(str(signed(tmp_path, NAME)[1])).context()
    assert context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname
