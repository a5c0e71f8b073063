"""The worst cases of `core/bound.py` with the values of a conf file, and their reference `docs/bound.md`.

`python -m appliance.config.bounds docs/bound.md` writes the reference, with the default values.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from appliance.config.check import timing_policy
from appliance.config.conf import Conf
from appliance.core import bound
from appliance.core.bound import Bound, BoundInputs, PhaseBound, bounds
from appliance.core.transfer import Witness

_INTRODUCTION = """\
# The worst case of each kind of failover

<!-- Written by `python -m appliance.config.bounds docs/bound.md` from appliance/core/bound.py; do not edit. -->

`asha bound` prints these tables with the values of `/etc/asha.conf`; here are the defaults, with a HAFENCE. They are
upper limits and not what is usual: a phase that has a deadline in the conf file may use it up. What is usual on your
site, `asha history` tells, and `asha drill` measures and compares. A shorter deadline makes the bound shorter, and a
slow Asterisk or provider is then told of earlier.

"""


def bound_inputs(conf: Conf) -> BoundInputs:
    """Return what the bounds depend on, as `conf` has it."""
    return BoundInputs(
        timing=timing_policy(conf),
        witness=Witness(conf.witness),
        has_line=conf.has_line,
        sockets=bool(conf.ami_user or conf.sip_port),
        follows_line=conf.line_fail == "FAILOVER",
        fences=bool(conf.fence),
        fence_wait=conf.fence_wait,
    )


def reference() -> str:
    """Return the text of `docs/bound.md`."""
    defaults = bound_inputs(Conf(card_installed=True, fence="/usr/sbin/fence_ipmilan --action=off"))
    return "\n".join([_INTRODUCTION + _ASSUMED, *(_section(one) for one in bounds(defaults))])


# What the module that has the table says of it stands in the document too.
_ASSUMED = "\n\n".join((bound.__doc__ or "").split("\n\n")[2:])


def _section(one: Bound) -> str:
    lines = [f"## {one.title}: service comes to the {one.to}\n", *_sentences(one), ""]
    lines += ["| phase | seconds | made of | from |", "|---|---|---|---|", *map(_row, one.phases), ""]
    return "\n".join(lines)


def _sentences(one: Bound) -> Iterator[str]:
    yield f"{summary(one)}."
    if one.says:
        yield one.says


def summary(one: Bound) -> str:
    """Return after how many seconds service is there at the latest, without the full stop."""
    telephones = f"Telephones can call after {one.telephones:g} s at the latest"
    return telephones if one.line is None else f"{telephones}, the line is in service after {one.line:g} s"


def _row(phase: PhaseBound) -> str:
    return (
        f"| {phase.phase} | {phase.seconds:g} | {phase.formula or '-'} | {', '.join(phase.sources) or '-'} |"
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), encoding="utf-8")
