"""The panel's application with a stand-in for the agent behind it, and people who log in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache

from appliance.config import Conf
from appliance.core import login_limit
from appliance.panel.agent_client import AgentClient
from appliance.panel.app import create_app
from appliance.panel.auth.users import Users
from appliance.panel.context import PanelContext
from tests.plugins.agent_stand_in import AgentStandIn
from tests.plugins.login_form import hidden_in
from tests.plugins.quick_hashes import make_hashes_quick

PASSWORD = "correct horse battery"
BASE = "https://panel.example.com"


class Browser:
    """A client that keeps cookies, and fills in what our own forms carry."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **more: object) -> object:
        return self.client.get(path, base_url=BASE, **more)

    def post(self, path: str, form: dict[str, str] | None = None, **more: object) -> object:
        return self.client.post(path, base_url=BASE, data={"csrf": self.csrf(), **(form or {})}, **more)

    def csrf(self) -> str:
        """What a form brings along: of the session, or of the login page."""
        answer = self.client.get("/api/me", base_url=BASE)
        if answer.status_code == 200:
            return str(answer.json["csrf"])
        return hidden_in(
            self.client.get("/login", base_url=BASE, follow_redirects=True).get_data(as_text=True)
        )

    def log_in(self, name: str, password: str = PASSWORD, **more: object) -> object:
        return self.post("/login", {"name": name, "password": password}, **more)


@pytest.fixture(autouse=True)
def quick_hashes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a hash costs is for its own test to look at; the others would wait for it a hundred times."""
    if "costs" not in request.node.name:
        make_hashes_quick(monkeypatch)


@pytest.fixture(autouse=True)
def quick_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long many strangers wait for each other is for the tests of the limiter to look at."""
    monkeypatch.setattr(login_limit, "PACE", 0.01)


@pytest.fixture(scope="session")
def users_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A users file with olga the operator and vera the viewer: a hash takes a while, so once for all tests."""
    directory = tmp_path_factory.mktemp("users")
    with pytest.MonkeyPatch.context() as patch:
        make_hashes_quick(patch)
        Users(directory).add("olga", PASSWORD, "operator")
        Users(directory).add("vera", PASSWORD, "viewer")
    return directory


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentStandIn]:
    stand_in = AgentStandIn(tmp_path / "control")
    stand_in.start()
    yield stand_in
    stand_in.close()


@pytest.fixture
def panel_dir(tmp_path: Path, users_made: Path) -> Path:
    directory = tmp_path / "panel"
    directory.mkdir()
    (directory / "users").write_bytes((users_made / "users").read_bytes())
    (directory / "users").chmod(0o600)
    return directory


class Compiled(BytecodeCache):
    """Templates as they were compiled for an earlier test: each test has an application of its own."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


@pytest.fixture(scope="session")
def compiled() -> Compiled:
    return Compiled()


@pytest.fixture
def app(agent: AgentStandIn, panel_dir: Path, compiled: Compiled) -> Flask:
    made = create_app(Conf(), agent=AgentClient(str(agent.path)), directory=panel_dir)
    made.jinja_env.bytecode_cache = compiled
    return made


@pytest.fixture
def visit(app: Flask) -> Callable[..., Browser]:
    """`visit()` is a stranger; `visit("olga")` has logged in."""

    def come(name: str = "") -> Browser:
        """The session is begun behind the form, since a hash takes a while; `log_in` goes by the form."""
        browser = Browser(app.test_client())
        if name:
            parts: PanelContext = app.extensions["asha"]
            token = parts.sessions.begin(name, parts.users.get(name).stamp)
            browser.client.set_cookie("__Host-asha", token, domain="panel.example.com")
        return browser

    return come
