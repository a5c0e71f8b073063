"""The columns of SARK's `globals` that are conf keys too, and how a value is written on each side.

Published are the columns, all of them TEXT, and what a fresh database holds (HAAUTOFAILBACK 'on', HASYNCH
'LOOSE', HAMODE 'OFF'). SARK's provisioning compares HAUSECLUSTER with 'YES'. *Assumed*: HAMODE only says
whether SARK shows its high availability at all. HAMODE is shown and never written.
"""

from __future__ import annotations

from appliance.config.schema import KEY_BY_NAME

SHARED = (
    "HACLUSTERIP",
    "HAPRINODE",
    "HASECNODE",
    "HASYNCH",
    "HAUSECLUSTER",
    "HAAUTOFAILBACK",
    "RESTART",
    "RHINOSPF",
)
"""Columns that have the name of the conf key they belong to, in the order of SARK's page."""
SHOWN_ONLY = ("HAMODE",)
ADDRESS = "HACLUSTERIP"
NAMES = ("HAPRINODE", "HASECNODE")

_SWITCHES: dict[str, tuple[str, str]] = {
    "HAUSECLUSTER": ("YES", "NO"),
    "HAAUTOFAILBACK": ("on", "off"),
    "RESTART": ("YES", "NO"),
    "RHINOSPF": ("YES", "NO"),
}
# SARK's versions, and people using sqlite3, have written a switch in all of these ways.
_YES = frozenset({"yes", "y", "on", "true", "1"})
_NO = frozenset({"no", "n", "off", "false", "0"})


def to_conf(column: str, raw: str) -> str | None:
    """Return the value `raw` of `column` as the conf file writes it, or None for a blank.

    A blank column says nothing. Raises ValueError whose message is what would be right.
    """
    text = raw.strip()
    if not text:
        return None
    key = KEY_BY_NAME[column]
    if column in _SWITCHES and text.casefold() in _YES | _NO:
        return _SWITCHES[column][text.casefold() in _NO]
    return key.kind.render(key.parse(text))


def to_sark(column: str, value: str) -> str:
    """Return the conf file's `value` as SARK itself writes it in `column`.

    Raises ValueError as `to_conf` does.
    """
    return to_conf(column, value) or ""
