"""A stray Asterisk: one that runs on a node that does not serve, because something else than asha has started it.

safe_asterisk, a systemd unit with Restart=always and an init script know nothing of the pair. What they start takes no
calls of the LAN, since the cluster address is elsewhere, but it holds the channels, writes voicemail that is newer
than nobody's, and is taken for a running service at the next failover. So the node ends it after a dwell, as often as
it comes back, and says what has started it: only an operator can end that.
"""

from __future__ import annotations

from typing import NamedTuple

# For so long a stray Asterisk must run before it is ended, in seconds: a start that is on its way has got its grant
# by then, and so has a node whose grant was lost (LOST_GRANT_DWELL).
STRAY_DWELL = 10.0
# For so long, in seconds, one must run while the other node serves: no start can be on its way then, and each second
# has two Asterisks. An agent that was just started finds so what an earlier one had started ahead of a grant.
BESIDE_DWELL = 2.0
# Strays that were ended in the last so many seconds are counted; the alarm that they come back ends with the last.
REMEMBERED = 600.0
# From so many on, something starts Asterisk again and again.
_AGAIN = 2


class Strays(NamedTuple):
    """The strays of this node.

    `running`: one runs now. `started_by`: what started the present or the last one, as far as can be seen; "" when
    there was none. `ended`: how many were ended in the last `REMEMBERED` seconds.
    """

    running: bool = False
    started_by: str = ""
    ended: int = 0

    @property
    def come_back(self) -> bool:
        """True when something starts Asterisk here again and again."""
        return self.ended >= _AGAIN


def recent(ends: tuple[float, ...], now: float) -> int:
    """Return how many of the times `ends` are not longer than `REMEMBERED` seconds ago."""
    return sum(now - at <= REMEMBERED for at in ends)


def presence(strays: Strays) -> str:
    """Return that a stray runs, and what started it; "" when none runs."""
    if not strays.running:
        return ""
    return f"Asterisk runs here without a grant{_started_by(strays)}"


def persistence(strays: Strays) -> str:
    """Return that strays come back, and what to do; "" when they do not."""
    if not strays.come_back:
        return ""
    return (
        f"something started Asterisk again and again while this node was on standby: asha has ended it "
        f"{strays.ended} times in {REMEMBERED / 60:.0f} min{_started_by(strays)}. Switch off whatever starts Asterisk "
        "here, because asha alone is to start it: safe_asterisk, its unit ('systemctl disable --now asterisk') or its "
        "init script ('chkconfig asterisk off')"
    )


def _started_by(strays: Strays) -> str:
    return f" ({strays.started_by})" if strays.started_by else ""
