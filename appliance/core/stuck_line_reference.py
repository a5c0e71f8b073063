"""The table of grades, as docs/stuck-lines.md shows it.

`python -m appliance.core.stuck_line_reference >docs/stuck-lines.md` writes the document.
"""

from __future__ import annotations

from appliance.core.stuck_line import GRADES, QUIET, RELAPSE
from appliance.core.timing import GHOST_HEALS

_HEAD = f"""\
# A D-channel that stays down

<!-- Written by `python -m appliance.core.stuck_line_reference >docs/stuck-lines.md` from core/stuck_line.py; do not
edit. -->

The line has no alarm, Asterisk runs, and the D-channel is down all the same. Some such links heal on their own, others
need something that nobody can tell from here (docs/facts/pri-timing.md). The node that serves tries one grade after the
other, what costs least first, until the D-channel is up. `asha status` and the journal say which is under way.

- Each grade is given DCHANNELDEADLINE, counted while the alarm is clear and Asterisk runs; the first one at least
  {GHOST_HEALS:g} s, in which a ghost link heals on its own.
- A line with an alarm, on this node or on both, starts no grade: that is the provider's or the relay's. Maintenance
  holds all of them up.
- While the D-channel of another span is up, only the grades that spare its calls are taken.
- When none has helped, it starts over after {QUIET / 60:.0f} min, then after twice as long, and so on.
- A link that falls again within {RELAPSE / 60:.0f} min is waited for twice as long as before. Asterisk is restarted
  only once, until a link has stayed up that long.
"""

_FOOT = """
## A B-channel that stays taken

A B-channel can stay taken without a call after the loss of a link, while the D-channel is up
(docs/facts/pri-timing.md). asha does not look for that, and ends nothing because of it:

- Half of it cannot be seen from here. A channel that the *exchange* still believes taken looks idle to Asterisk, until
  a call on it is refused.
- The other half shows in `pri show channels` as a channel that is not idle and has no Asterisk channel. So may, for a
  while, a call that is being set up or torn down; how long at most, nobody has measured on a real card.
- Nothing frees one channel. What does, `pri destroy span` or `dahdi restart`, ends every call of the span: for one of
  23 or 30 channels, on a line on which calls are made, that is worse than the fault.

Asterisk itself sends RESTART for idle channels, by `resetinterval` in chan_dahdi.conf, which clears the exchange's half
where the provider allows it. By hand, when no call is up: `asterisk -rx 'pri show channels'`, then `asterisk -rx 'dahdi
restart'`.
"""


def document() -> str:
    """Return the text of docs/stuck-lines.md."""
    rows = [
        f"| {number} | {rule.grade.value} | {rule.does} | {rule.ends_calls} | {'yes' if rule.spares else 'no'} |"
        for number, rule in enumerate(GRADES, 1)
    ]
    head = "| | grade | how | calls that it ends | spares other spans |\n|---|---|---|---|---|"
    return "\n".join([_HEAD, head, *rows, _FOOT])


if __name__ == "__main__":
    print(document(), end="")
