"""A flood of wrong passwords from many addresses: how much of it is looked at, and when the right password gets in."""

from __future__ import annotations

import contextlib
import http.client
import math
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pytest

from appliance.config import Conf
from appliance.core.login_limit import BURST, PACE, PATIENCE, WINDOW
from appliance.panel.agent_client import AgentClient
from appliance.panel.app import create_app
from appliance.panel.auth.unlock import Unlock
from appliance.panel.auth.users import Users
from appliance.panel.server.certificate import make_certificate
from appliance.panel.server.serve import listen, tls_context
from appliance.panel.server.webserver import PanelServer
from tests.plugins.agent_stand_in import AgentStandIn
from tests.plugins.login_flood import Server, bots, flood, seconds_until_in
from tests.plugins.login_form import hidden_in
from tests.plugins.security_figures import Count

PASSWORD = "correct horse battery"
ADDRESSES = 24
# What a machine adds that has all these visitors on it too; seconds.
_SLOW = 20.0


@dataclass
class Visitor:
    """A browser at an address of its own."""

    port: int
    address: str
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> http.client.HTTPResponse:
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        server = http.client.HTTPSConnection(
            "127.0.0.1", self.port, context=trust, timeout=40, source_address=(self.address, 0)
        )
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        server.request(method, path, urlencode(form) if form is not None else None, headers)
        answer = server.getresponse()
        answer.page = answer.read().decode()  # type: ignore[attr-defined]
        server.close()
        for given in answer.headers.get_all("Set-Cookie", []):
            name, _, value = given.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def log_in(self, password: str, **more: str) -> http.client.HTTPResponse:
        token = hidden_in(self.ask("GET", "/login").page)  # type: ignore[attr-defined]
        return self.ask("POST", "/login", {"name": "olga", "password": password, "csrf": token, **more})

    def seconds_until_in(self, **more: str) -> float:
        """By the right password, coming again when it is said."""
        began = time.monotonic()
        while (answer := self.log_in(PASSWORD, **more)).status != http.client.FOUND:
            assert answer.status == http.client.TOO_MANY_REQUESTS
            time.sleep(int(answer.headers["Retry-After"]))
        return time.monotonic() - began


@dataclass
class Flood:
    """Wrong passwords from many addresses at once, as fast as they are answered, until it is ended."""

    port: int
    end: threading.Event = field(default_factory=threading.Event)
    tried: int = 0
    let_in: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def bot(self, number: int) -> None:
        visitor = Visitor(self.port, f"127.9.0.{number + 1}")
        while not self.end.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):
                status = visitor.log_in("wrong wrong wrong").status
                with self.lock:
                    self.tried += 1
                    self.let_in += status == http.client.FOUND
            self.end.wait(1.0)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentStandIn]:
    stand_in = AgentStandIn(tmp_path / "control")
    stand_in.start()
    yield stand_in
    stand_in.close()


@pytest.fixture
def panel_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "panel"
    directory.mkdir(mode=0o700)
    Users(directory).add("olga", PASSWORD, "operator")
    return directory


@pytest.fixture
def port(tmp_path: Path, agent: AgentStandIn, panel_dir: Path) -> Iterator[int]:
    """Where the page is: its real server, with TLS and the real hash of the password."""
    cert, key = tmp_path / "panel.crt", tmp_path / "panel.key"
    make_certificate(cert, key, ["localhost"], [])
    app = create_app(Conf(), agent=AgentClient(str(agent.path)), directory=panel_dir)
    listener = listen("127.0.0.1", 0)
    server = PanelServer(app, listener, tls_context(cert, key))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield int(listener.getsockname()[1])
    server.stop()
    thread.join(10)
    assert not thread.is_alive()


def refused(agent: AgentStandIn) -> int:
    return sum("was refused" in str(one.get("says")) for one in agent.asked)


def test_a_flood_on_the_real_page(port: int, agent: AgentStandIn, panel_dir: Path, count: Count) -> None:
    at_home = Visitor(port, "127.0.0.5")
    assert at_home.log_in(PASSWORD).status == http.client.FOUND
    at_home.cookies.pop("__Host-asha")  # the session is over, the browser is known
    attack = Flood(port)
    threads = [threading.Thread(target=attack.bot, args=(number,)) for number in range(ADDRESSES)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    try:
        while attack.tried < ADDRESSES // 2:  # most have asked, and were sent away, before the stranger does
            time.sleep(0.2)
        stranger = Visitor(port, "127.0.0.6").seconds_until_in()
        before_stranger = refused(agent)
        known = at_home.seconds_until_in()
        unlocked = Visitor(port, "127.0.0.7").seconds_until_in(code=Unlock(panel_dir).new_code("olga"))
    finally:
        attack.end.set()
        for thread in threads:
            thread.join(60)
    looked_at, lasted = refused(agent), time.monotonic() - began
    count("logins tried in a flood, on the real page", attack.tried)
    count("logins in a flood that were let in with a wrong password", attack.let_in)
    count("passwords of a flood that were looked at", looked_at)
    count("seconds until the right password was let in, from a known browser", math.ceil(known))
    count("seconds until the right password was let in, with root's code", math.ceil(unlocked))
    count("seconds until the right password was let in, from an unknown browser", math.ceil(stranger))
    assert attack.tried >= 2 * ADDRESSES and attack.let_in == 0
    assert BURST <= looked_at <= lasted / PACE + BURST
    assert known <= _SLOW and unlocked <= _SLOW
    # Each address once, and what others got while the stranger kept away as it was told.
    assert before_stranger <= 2 * ADDRESSES


@pytest.mark.parametrize(("addresses", "rate"), [(100, 50), (700, 10)])
def test_a_flood_in_virtual_time(addresses: int, rate: int, count: Count) -> None:
    """An hour of it would be kept out for ever by a limit that is first come, first served."""
    for known, bound in (("", addresses * PACE + PATIENCE + 2.0), ("device a", 3.0)):
        server = Server()
        for address in bots(addresses):
            server.ask(address)
        seconds = seconds_until_in(server, bots(addresses), rate, known=known, patience=3600.0)
        count("logins tried in a flood, in virtual time", round(rate * seconds) + addresses)
        if not known:
            count(
                f"seconds until the right password was let in, behind {addresses} new addresses",
                math.ceil(seconds),
            )
        assert seconds <= bound
    flood(server, bots(addresses), rate, addresses * PACE + WINDOW)
    again = seconds_until_in(server, bots(addresses), rate, patience=3600.0)
    count(
        "seconds until the right password was let in, when each address has failed before", math.ceil(again)
    )
    assert again <= 5.0
