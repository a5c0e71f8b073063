"""The table of states of the pair, as docs/pair-states.md shows it.

`python -m appliance.core.pair_reference >docs/pair-states.md` writes the document.
"""

from __future__ import annotations

from appliance.core.pair_watch import RULES, FaultRule

_HEAD = """\
# States of the pair that do not last

<!-- Written by `python -m appliance.core.pair_reference >docs/pair-states.md` from core/pair_watch.py; do not edit. -->

The cluster engine decides which node serves. After some ordinary events it never does: two nodes that were started
behind cut cables both serve for ever, an order is lost and nobody serves, a request is lost and every later one is
dropped for an hour (docs/facts/heartbeat.md). The agents of both nodes hear each other over the engine's links, compute
the same from the same words, and end such a state where that is possible. When it is not, or does not help in time,
both nodes show it in `asha status` and on the page, and send an alert of the kind *pair troubled*.

What is not known counts as no fault: a node that hears nothing of its peer concludes nothing here.
"""


def document() -> str:
    """Return the text of docs/pair-states.md."""
    return "\n".join([_HEAD, *map(_section, RULES)])


def _section(rule: FaultRule) -> str:
    remedies = ", then ".join(remedy.value for remedy in rule.remedies)
    acts = (
        ("acted on after", _seconds(rule.dwell)),
        ("who acts", rule.who.rstrip(",")),
        ("what is done", remedies),
        ("tried again after", _seconds(rule.patience)),
    )
    rows = [
        ("what is wrong", rule.says),
        *(
            acts
            if remedies
            else [("what is done", "nothing: no remedy without an outage was found; people are told")]
        ),
        ("alert when it still stands after", _seconds(rule.bound)),
        ("what to do then", rule.todo),
    ]
    table = "\n".join(f"| {name} | {text} |" for name, text in rows)
    return f"## {rule.fault.value[0].upper()}{rule.fault.value[1:]}\n\n| | |\n|---|---|\n{table}\n"


def _seconds(seconds: float) -> str:
    return f"{seconds:g} s" if seconds else "at once"


if __name__ == "__main__":
    print(document(), end="")
