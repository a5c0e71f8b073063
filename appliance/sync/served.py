"""The mark of a node that has served: it has data that its peer has not got.

Two wall times: when this tenure began, and when Asterisk was last started in it. The first names the tenure, so that
a merge that goes on over a restart of Asterisk goes on; the whole names a state of the data.
"""

from __future__ import annotations

from appliance.host.disk import replace_file
from appliance.sync.places import Places


def read_mark(places: Places) -> str:
    """The mark; "" when the peer has everything. Raises OSError."""
    try:
        return places.served.read_text()
    except FileNotFoundError:
        return ""


def set_mark(places: Places, wall: float) -> None:
    """Asterisk is about to start here at `wall`: from now on the peer has not got everything. Raises OSError."""
    places.served.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    began = tenure_of(read_mark(places)) or f"{wall:.3f}"
    replace_file(places.served, f"{began} {wall:.3f}")


def drop_mark(places: Places) -> None:
    """The peer has everything, or an operator has given it up. Raises OSError."""
    places.served.unlink(missing_ok=True)


def tenure_of(mark: str) -> str:
    """What names the tenure in which a mark was made; "" for no mark."""
    return mark.partition(" ")[0]
