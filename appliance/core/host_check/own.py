"""Judge whether anybody is notified: the ways by which alerts go out. And what of a finding is a hint of the status."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from appliance.core.host_check.finding import Finding, Level, fine, warning, wrong


def judge_ways(ways: Sequence[str], failing: Sequence[str] = ()) -> Finding:
    """Judge the ways by which alerts go out.

    Args:
        ways: The name of each way that the conf file sets up.
        failing: Those that do not work, each with why.
    """
    if not ways:
        return warning(
            "No alert of any kind is configured: nobody is notified when service moves, a node dies or the line "
            "is lost.",
            "Set one of MAILTO, NOTIFYWEBHOOK, NOTIFYTRAP and NOTIFYSYSLOG on both nodes, such as 'asha conf set "
            "MAILTO you@example.com', and try it: 'asha notify test'.",
        )
    if failing:
        return wrong(f"Alerts do not go out by {'; '.join(failing)}.", "Try it: asha notify test.")
    return fine(f"by {', '.join(ways)}")


def hints(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Return what the warnings among `findings` say, each with what to do: a hint of the status (core/status.py)."""
    return tuple(f"{one.says} {one.remedy}" for one in findings if one.level == Level.WARNING)
