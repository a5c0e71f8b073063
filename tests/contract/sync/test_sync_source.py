"""What the giving side gives, and what it does not."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from appliance.config import Conf
from appliance.host.clock import SystemClock
from appliance.host.paths import SyncPaths
from appliance.sync.newer_data_mark import read_mark, set_mark
from appliance.sync.server import SourceHealth, SyncServer


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name in ("asterisk", "sounds", "vm/default/100/INBOX", "secret"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "secret/shadow").write_text("root:x")
    (tmp_path / "vm/out").symlink_to(tmp_path / "secret")
    (tmp_path / "vm/default/100/INBOX/msg0000.txt").write_text("[message]")
    return tmp_path


def places_in(site: Path) -> SyncPaths:
    return SyncPaths(site / "lasting", site / "passing", site / "apart")


def ask(site: Path, *requests: dict[str, Any] | str, serving: bool = False) -> list[dict[str, Any]]:
    conf = Conf(
        asterisk_dir=site / "asterisk",
        greetings=site / "sounds",
        voicemail=site / "vm",
        db=site / "sark.db",
        astdb=site / "astdb.sqlite3",
    )
    places = places_in(site)
    source = SyncServer(conf, places, SystemClock(), lambda: SourceHealth("", serving), dict)
    lines = [one if isinstance(one, str) else json.dumps(one) for one in requests]
    answered = io.BytesIO()
    kept: list[dict[str, Any]] = []

    class Answered(io.BytesIO):
        def write(self, line: Any) -> int:
            answer = json.loads(line)
            if answer.get("list"):  # removed when the session ends
                answer["listed"] = Path(answer["list"]).read_bytes().decode("utf-8", "surrogateescape")
            kept.append(answer)
            return answered.write(line)

    source.serve(io.BytesIO("\n".join(lines).encode()), Answered())
    assert not list((site / "passing").glob("list-*"))
    return kept


def listed(site: Path, *scope: str) -> list[str]:
    (answer,) = ask(site, {"verb": "prepare", "scope": [str(site / path) for path in scope]})
    assert answer["ok"], answer
    return [path.removeprefix(f"{site}/") for path in answer["listed"].split("\0") if path]


def test_a_scope_is_what_is_left_of_it(site: Path) -> None:
    assert listed(site, "vm/default/100/INBOX") == ["vm/default/100/INBOX/"]
    assert listed(site, "vm/default/100/INBOX", "vm/default") == ["vm/default/"]
    assert listed(site, "vm/default/100/Old/gone") == ["vm/default/100/"]
    assert listed(site, "vm", "asterisk") == ["asterisk/", "vm/"]


@pytest.mark.parametrize(
    "path", ["vm/out", "vm/out/deeper", "secret", "vm/../secret", "vm/default/../../secret", ""]
)
@pytest.mark.parametrize("verb", ["prepare", "list", "manifest"])
def test_nothing_outside_is_given(site: Path, path: str, verb: str) -> None:
    name = "scope" if verb == "prepare" else "paths"
    asked = str(site / path) if verb == "prepare" else f"{site / path}/shadow"
    if path == "vm/default/../../secret":
        asked = f"{site}/{path}" + ("" if verb == "prepare" else "/shadow")
    (answer,) = ask(site, {"verb": verb, name: [asked]})
    assert answer["ok"] is False
    assert "root:x" not in json.dumps(answer)


def test_a_link_is_given_as_a_link(site: Path) -> None:
    (answer,) = ask(site, {"verb": "manifest", "paths": [str(site / "vm/out")]})
    assert answer["entries"][0][1] == "l"


@pytest.mark.parametrize(
    "request_line", ["", "{}", "[]", "nonsense", '{"verb": "rm"}', '{"verb": "list"}', '{"verb": ["list"]}']
)
def test_what_is_no_request_is_answered_and_the_next_one_is_served(site: Path, request_line: str) -> None:
    wrong, right = ask(site, request_line, {"verb": "health"})
    assert wrong["ok"] is False
    assert right == {"ok": True, "health": ""}


def test_only_lists_of_this_session_are_added_to(site: Path) -> None:
    (answer,) = ask(site, {"verb": "list", "paths": [], "list": "/etc/passwd"})
    assert answer["ok"] is False


def test_the_mark_goes_when_its_data_is_merged_and_this_node_serves_no_more(site: Path) -> None:
    places = places_in(site)
    set_mark(places, 12.5)
    ask(site, {"verb": "merged", "mark": "11.000 11.000"})
    ask(site, {"verb": "merged", "mark": "12.500 12.500"}, serving=True)
    assert read_mark(places) == "12.500 12.500"
    ask(site, {"verb": "merged", "mark": "12.500 12.500"})
    assert read_mark(places) == ""
    assert not any(path.exists() for path in places.marks)
