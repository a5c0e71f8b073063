"""The columns of SARK's `globals` that are keys of the conf file too, and how a value is written on each side.

Published: the columns, all of them TEXT, and what a fresh database holds (HAAUTOFAILBACK 'on', HASYNCH 'LOOSE',
HAMODE 'OFF'); SARK's provisioning compares HAUSECLUSTER with 'YES'. *Assumed*: that HAMODE only says whether SARK
shows its high availability at all. It is shown and never written.
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
# Versions of SARK and people with sqlite3 have written a switch in all of these ways.
_YES = frozenset({"yes", "y", "on", "true", "1"})
_NO = frozenset({"no", "n", "off", "false", "0"})


def to_conf(column: str, raw: str) -> str | None:
    """What the value `raw` of `column` is in the conf file; None when it is blank, which says nothing.

    Raises ValueError whose message is what would be right.
    """
    text = raw.strip()
    if not text:
        return None
    key = KEY_BY_NAME[column]
    if column in _SWITCHES and text.casefold() in _YES | _NO:
        return _SWITCHES[column][text.casefold() in _NO]
    return key.kind.render(key.parse(text))


def to_sark(column: str, value: str) -> str:
    """What the conf file's `value` is in `column`, written as SARK itself writes it. Raises ValueError as `to_conf`."""
    return to_conf(column, value) or ""
