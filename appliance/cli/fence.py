"""Command `asha fence`: ask the program of HAFENCE what it can tell without cutting power."""

from __future__ import annotations

import click

from appliance.cli.output import say, tells
from appliance.config.quotes import command_words
from appliance.core.errors import HostError, UserError
from appliance.core.host_check.fence import Power, action_of
from appliance.host.trusted import why_not_trusted
from appliance.local_node import conf_and_node

_NOT_PROVED = (
    "Not proved: that this is the power of the other node, and that it goes off. Only a cut proves that: at a quiet "
    "hour, with service here, run the command of HAFENCE by hand and see the other node go dark."
)


@click.group()
def fence() -> None:
    """Try what cuts the other node's power (HAFENCE), without cutting it."""


@fence.command()
@tells()
def test() -> None:
    """Ask the program of HAFENCE for the power, and say what that proves and what not. Cuts nothing.

    A fence agent (fence_ipmilan and its kin) is run with the action 'status' instead of 'off': same device, same
    outlet, same password. Other programs have no question that is known to be harmless, and are not run.
    """
    from appliance.cli.checks.fence import ask_for_power  # noqa: PLC0415 - the checks need the engine's files

    conf, node = conf_and_node()
    if not conf.fence:
        raise UserError("HAFENCE is blank: no power is cut.", todo="See HAFENCE in asha.conf(5).")
    program = command_words(conf.fence)[0]
    if why := why_not_trusted(program):
        raise HostError(f"HAFENCE cuts no power: {why}.")
    say(f"Proved: root may run {program}, and nobody else can change it.")
    answer = ask_for_power(conf.fence, conf.fence_wait)
    if answer is None:
        say(f"Not asked: {_why_not_asked(conf.fence)}. Its device may not even be there.")
    elif answer.power is Power.NOT_TOLD:
        raise HostError(f"{program} was asked for the power and does not tell: {answer.why}.")
    else:
        peer = conf.secondary_name if node.value == "primary" else conf.primary_name
        say(f"Proved: its device answers, and says that the power is {answer.power.value}.")
        say(
            f"Is the {node.other.value} ({peer}) {answer.power.value} now? Else it is another machine's power."
        )
    say(_NOT_PROVED)


def _why_not_asked(command: str) -> str:
    words = command_words(command)
    if words[0].rpartition("/")[2].startswith("fence_"):
        named = action_of(words)
        return (
            f"the command names the action '{named}'" if named else "the command names no action, or several"
        )
    return f"{words[0]} is no fence agent (fence_...), so no question is known that cuts nothing"
