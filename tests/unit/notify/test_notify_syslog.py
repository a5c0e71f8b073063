"""The syslog line: RFC 3164, one line whatever the alert says."""

from __future__ import annotations

import re

from alerts_by_hand import notice

from appliance.core.alerts import Severity
from appliance.notify.syslog import line


def test_it_has_facility_daemon_severity_time_and_tag() -> None:
    said = line(notice(), 77).decode()
    assert re.fullmatch(
        r"<26>[A-Z][a-z]{2} [ 1-3]\d \d\d:\d\d:\d\d asha\[77\]: "
        r"critical: the card is gone: The card is gone\. Plug it in\. \(card lost\)",
        said,
    )
    assert line(notice(severity=Severity.NOTICE), 77).startswith(b"<29>")


def test_nothing_in_an_alert_makes_a_second_line() -> None:
    said = line(notice(subject="x", text="x\n<0>Jan  1 00:00:00 kernel: no\r\n\0" * 100), 77)
    assert not re.search(rb"[\x00-\x1f\x7f]", said)
    assert len(said) < 1024
    assert said.endswith(b" (card lost)"), "by it docs/alarms.md is searched"
