"""`asha notify`: what it says, and the exit code of a test that did not go out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from appliance.cli import main, notify
from appliance.config import Conf
from appliance.core.alerts import Alert, AlertKind, Severity
from appliance.core.errors import HostError, UserError
from appliance.core.model import Node
from appliance.notify import channels
from appliance.notify.notice import Notice
from appliance.notify.spool import Spool, Ways, WayState
from appliance.notify.transport import Undelivered

ALERT = Alert("card", AlertKind.CARD_LOST, Severity.CRITICAL, "the card is gone", "The card is gone.")


class Way1:
    """Takes or fails."""

    deadline = 5.0

    def __init__(self, name: str, problem: str = "") -> None:
        self.name, self.problem = name, problem
        self.got: list[Notice] = []

    def send(self, given: Notice) -> None:
        if self.problem:
            raise Undelivered(self.problem)
        self.got.append(given)


def asha(*words: str) -> Result:
    return CliRunner().invoke(main.asha, ["notify", *words])


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Spool:
    spool = Spool(tmp_path)
    monkeypatch.setattr(notify, "SPOOL", spool)
    conf = Conf(mail_to="root", notify_syslog=True)
    monkeypatch.setattr(notify, "conf_and_node", lambda: (conf, Node.PRIMARY))
    return spool


def test_it_says_each_way_and_what_waits(spool: Spool) -> None:
    assert asha().output == "syslog   not used yet\nmail     not used yet\nNothing waits.\n"
    spool.keep_ways(Ways({"mail": WayState("no route to host", 2), "syslog": WayState(delivered=3)}))
    spool.put(Notice("ab", ALERT, "primary", "pbx1", 1_700_000_000.0, ("mail",)))
    lines = asha("status").output.splitlines()
    assert lines[:3] == ["syslog   ok", "mail     ! no route to host", "Waiting: 1."]
    assert lines[3].endswith("the card is gone  (for mail)")
    document = json.loads(asha("status", "--json").output)
    assert document["ways"]["mail"]["problem"] == "no route to host"
    assert [waiting["owed"] for waiting in document["waiting"]] == [["mail"]]


def test_nobody_to_tell_is_said(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "conf_and_node", lambda: (Conf(), Node.PRIMARY))
    assert asha().output.startswith("No alerts are configured")
    assert isinstance(asha("test").exception, UserError)


def test_the_test_tries_every_way_and_fails_when_one_does(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = [Way1("syslog"), Way1("webhook", "answered 500"), Way1("mail")]
    monkeypatch.setattr(channels, "transports", lambda *given: ways)
    result = asha("test")
    assert result.output == "syslog: ok\nwebhook: answered 500\nmail: ok\n"
    assert isinstance(result.exception, HostError) and "by webhook" in str(result.exception)
    assert [len(way.got) for way in ways] == [1, 0, 1]
    assert ways[0].got[0].alert.kind is AlertKind.TEST
    ways[1].problem = ""
    assert asha("test").exit_code == 0
    assert spool.is_empty()
