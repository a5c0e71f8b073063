"""Whether somebody would be told: a way for alerts, and what is a hint of the status."""

from __future__ import annotations

from appliance.core.host_check.finding import Level, fine, not_known, warning, wrong
from appliance.core.host_check.own import hints, judge_ways


def test_a_pair_without_any_way_for_alerts_is_warned_of() -> None:
    found = judge_ways(())
    assert found.level == Level.WARNING and "nobody is notified" in found.says
    assert "asha conf set MAILTO" in found.remedy and "asha notify test" in found.remedy


def test_a_way_that_fails_is_wrong_and_one_that_works_is_fine() -> None:
    failing = judge_ways(("mail", "syslog"), ["mail: refused"])
    assert failing.level == Level.ERROR and "mail: refused" in failing.says
    assert judge_ways(("mail", "syslog")) == fine("by mail, syslog")


def test_only_warnings_are_hints_each_with_what_to_do() -> None:
    """What is wrong is a problem of the status already, and what is not known is nobody's task."""
    found = [fine("well"), warning("It is old.", "Upgrade."), wrong("It fails.", "Mend it."), not_known("?")]
    assert hints(found) == ("It is old. Upgrade.",)
