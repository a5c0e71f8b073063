"""Webhook, trap and syslog over real sockets."""

from __future__ import annotations

import json
import re
import socket
import time
from pathlib import Path

import pytest
from alert_servers import NEVER_ENDS, Hooked, certified, dribble, listening, silent

from appliance.core.alerts import Alert, AlertKind, Severity
from appliance.notify.notice import Notice
from appliance.notify.snmp import Trap
from appliance.notify.syslog import Syslog
from appliance.notify.transport import Undelivered, send
from appliance.notify.webhook import Webhook

ALERT = Alert(
    "link eth1", AlertKind.LINK_LOST, Severity.WARNING, "link eth1 is lost", "Heartbeat link eth1 is lost."
)
NOTICE = Notice("00000000000000ab", ALERT, "primary", "pbx1", 1_700_000_000.0)


def failure(way: Webhook | Trap | Syslog) -> Undelivered:
    with pytest.raises(Undelivered) as problem:
        send(way, NOTICE)
    return problem.value


def test_the_webhook_gets_the_alert_as_json() -> None:
    hook = Hooked()
    with hook.up() as url:
        send(Webhook(f"{url}/asha?key=1"), NOTICE)
    ((path, headers, body),) = hook.bodies
    assert path == "/asha?key=1"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {
        "id": "00000000000000ab",
        "node": "primary",
        "host": "pbx1",
        "at": 1_700_000_000.0,
        "key": "link eth1",
        "kind": "link lost",
        "severity": "warning",
        "subject": "link eth1 is lost",
        "text": "Heartbeat link eth1 is lost.",
        "over": False,
        "page": "/alarm/link-lost",
    }


@pytest.mark.parametrize(
    ("status", "refused"), [(500, False), (503, False), (429, False), (400, True), (404, True), (410, True)]
)
def test_the_webhooks_later_and_never(status: int, refused: bool) -> None:
    with Hooked(status).up() as url:
        problem = failure(Webhook(url))
    assert problem.refused is refused and str(status) in str(problem)


@pytest.mark.parametrize("status", [301, 302, 303, 307])
def test_a_redirect_is_not_taken_for_delivered(status: int) -> None:
    hook = Hooked(status, "/elsewhere")
    with hook.up() as url:
        assert str(status) in str(failure(Webhook(url)))
    assert [path for path, _, _ in hook.bodies] == ["/"]


@pytest.mark.parametrize("serve", [silent, dribble])
def test_a_webhook_that_hangs_costs_the_deadline_and_no_more(serve: object) -> None:
    began = time.monotonic()
    with listening(serve) as place:  # type: ignore[arg-type]
        failure(Webhook(f"http://{place}/", deadline=0.4))
    assert time.monotonic() - began < NEVER_ENDS


def test_a_certificate_that_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    context, _ = certified(tmp_path)
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        heard.append(context.wrap_socket(connection, server_side=True).recv(1024))

    with listening(serve) as place:
        assert "CERTIFICATE_VERIFY_FAILED" in str(failure(Webhook(f"https://{place}/")))
    assert heard == []


def test_a_secret_in_the_url_is_in_no_message() -> None:
    way = Webhook("http://127.0.0.1:1/?key=hunter2")
    assert "hunter2" not in str(failure(way)) + repr(way)


def test_the_trap_arrives_as_one_datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as manager:
        manager.bind(("127.0.0.1", 0))
        manager.settimeout(60)
        send(Trap(f"127.0.0.1:{manager.getsockname()[1]}", lambda: 12.5, "ours"), NOTICE)
        data = manager.recv(2048)
    assert data[0] == 0x30 and b"\x04\x04ours\xa7" in data
    assert b"\x43\x02\x04\xe2" in data, "1250 hundredths of a second"
    assert b"link eth1 is lost" in data


def test_a_manager_that_has_no_address_is_said() -> None:
    assert "nowhere.invalid" in str(failure(Trap("nowhere.invalid", lambda: 0.0)))


def test_the_syslog_daemon_gets_its_line(tmp_path: Path) -> None:
    place = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(place))
        daemon.settimeout(60)
        send(Syslog(place), NOTICE)
        said = daemon.recv(2048).decode()
    assert re.match(r"<28>\w{3} .\d \d\d:\d\d:\d\d asha\[\d+\]: warning: link eth1 is lost: ", said)


def test_a_syslog_daemon_that_is_not_there_or_takes_nothing_is_said(tmp_path: Path) -> None:
    assert "No such file" in str(failure(Syslog(tmp_path / "log")))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(tmp_path / "log"))
        began = time.monotonic()
        way = Syslog(tmp_path / "log", deadline=0.2)
        with pytest.raises(Undelivered):
            for _ in range(5000):  # until its buffer is full
                send(way, NOTICE)
        assert time.monotonic() - began < 10.0
