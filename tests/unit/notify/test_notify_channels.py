"""What the conf file asks for is what is used, and the agent carries none of it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from alerts_by_hand import clock_by_hand

from appliance.config import Conf
from appliance.notify.channels import transports
from appliance.notify.mail import Sendmail, Smtp
from appliance.notify.notice import way_names

ALL = {
    "mail_to": "root, noc@example.com",
    "notify_syslog": True,
    "notify_webhook": "https://example.com/",
    "notify_trap": "nms",
}


@pytest.mark.parametrize("left_out", [None, *ALL])
def test_names_and_ways_are_of_one_mind(left_out: str | None) -> None:
    conf = Conf(**{key: value for key, value in ALL.items() if key != left_out})  # type: ignore[arg-type]
    names = [way.name for way in transports(conf, "pbx1", clock_by_hand())]
    assert tuple(names) == way_names(conf)
    assert len(names) == (4 if left_out is None else 3)


def test_nothing_is_set_up_in_a_new_conf_file() -> None:
    assert way_names(Conf()) == ()
    assert transports(Conf(), "pbx1", clock_by_hand()) == []


def test_mail_goes_to_sendmail_unless_a_server_is_named() -> None:
    (way,) = transports(Conf(mail_to="root, noc@example.com"), "pbx1", clock_by_hand())
    assert isinstance(way, Sendmail)
    assert (way.sender, way.recipients) == ("asha@pbx1", ("root", "noc@example.com"))
    conf = Conf(
        mail_to="root", notify_smtp="mail:587", notify_user="u", notify_password="p", notify_from="a@b"
    )
    (way,) = transports(conf, "pbx1", clock_by_hand())
    assert way == Smtp("mail:587", "a@b", ("root",), user="u", password="p")
    assert "password" not in repr(way)


def test_the_agent_loads_no_mail_and_no_web() -> None:
    script = "import sys, appliance.agent.daemon; print(*{'smtplib', 'email', 'urllib.request'} & sys.modules.keys())"
    words = [sys.executable, "-c", script]
    assert subprocess.run(words, check=True, capture_output=True, text=True).stdout.split() == []
