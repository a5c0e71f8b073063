"""HAFENCE: what its command can be asked without cutting power, and what an answer proves.

Fence agents (programs named `fence_...`) know the action `status`, which cuts nothing; its exit status is 0 when the
power is on, 2 when it is off, and 1 when the device could not be asked (docs/facts/pacemaker.md). Their action stands
in the command, so the question is the same command with that one word changed: same device, same outlet, same password.
No other program is known to have a harmless question, and none is guessed at.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from appliance.core.host_check.finding import Finding, fine, warning, wrong

_CUTS = ("off", "reboot")
_OPTIONS = ("-o", "--action")


class Power(enum.Enum):
    """What a fence agent says of the power that it would cut."""

    ON = "on"
    OFF = "off"
    NOT_TOLD = "not told"


@dataclass(frozen=True, slots=True)
class PowerAnswer:
    """An answer to the question. `why`: how the program ended, when it did not tell."""

    power: Power
    why: str = ""


def power_answer(code: int | None, said: str) -> PowerAnswer:
    """Return what the program has answered by its exit status; None: it was killed. `said`: its last line."""
    told = {0: Power.ON, 2: Power.OFF}.get(-1 if code is None else code)
    if told is not None:
        return PowerAnswer(told)
    ended = "it did not end within its deadline" if code is None else f"it ended with status {code}"
    return PowerAnswer(Power.NOT_TOLD, f"{ended}: {said}" if said else ended)


def action_of(command: Sequence[str]) -> str:
    """Return the action that a fence agent's command names; "" for none, and for a program that is no fence agent."""
    words, at = _action(command)
    return words[at].removeprefix("--action=") if words else ""


def status_question(command: Sequence[str]) -> tuple[str, ...]:
    """Return the command that asks the fence agent of `command` for the power; () when it has no harmless question."""
    words, at = _action(command)
    if not words or action_of(command) not in _CUTS:
        return ()
    asks = "--action=status" if words[at].startswith("--action=") else "status"
    return (*words[:at], asks, *words[at + 1 :])


def _action(command: Sequence[str]) -> tuple[tuple[str, ...], int]:
    """Return the command's words and where among them the action stands; no words when it is not there just once."""
    words = tuple(command)
    if not words[0].rpartition("/")[2].startswith("fence_"):
        return (), 0
    found = [
        at
        for at, word in enumerate(words)
        if word.startswith("--action=") or (at and words[at - 1] in _OPTIONS)
    ]
    return (words, found[0]) if len(found) == 1 else ((), 0)


def judge_fence(
    command: Sequence[str], why_not: str, answer: PowerAnswer | None, *, pings: bool, peer_lives: bool
) -> Finding:
    """Judge HAFENCE, which is set.

    Args:
        command: Its words.
        why_not: Why its program is not run as root; "" when it is.
        answer: What it has answered; None when it has no harmless question.
        pings: Whether HAPING names hosts, so that a node knows that it reaches the LAN.
        peer_lives: Whether the other node is known to be alive, and so to have power.
    """
    if why_not:
        return wrong(
            f"HAFENCE cuts no power: {why_not}.",
            "Give it and its directories to root alone: chown root, chmod go-w.",
        )
    if answer is not None and (found := _judge_answer(answer, peer_lives=peer_lives)):
        return found
    if _reboots(command):
        return warning(
            "HAFENCE reboots the other node: its exit status 0 does not mean that it is off, and a primary that "
            "boots may hold the line again.",
            "Give the fence agent the action off: --action=off.",
        )
    if not pings:
        return warning(
            "HAFENCE is set and HAPING is not: a node that does not know that it reaches the LAN cuts no power.",
            "Name the gateway or a switch: asha conf set HAPING ADDRESS.",
        )
    if answer is None:
        return fine(
            "HAFENCE names a program that root alone can change; it cannot be asked without cutting power"
        )
    return fine("HAFENCE's program reaches its device, which says that the power is on")


def judge_stonith(engine: str, *, cuts: bool, switched: bool) -> Finding:
    """Judge HASTONITH, which is YES, on a node whose cluster engine is `engine`.

    `cuts`: HAFENCE is set. `switched`: a relay card switches the line between the nodes.
    """
    if engine != "Pacemaker":
        return wrong(
            f"HASTONITH=YES does nothing here: the cluster engine is {engine}, which asks nobody before it gives "
            "service.",
            "Say which is meant on both nodes: HASTONITH=NO, or HAENGINE=pacemaker.",
        )
    if not cuts and not switched:
        return wrong(
            "HASTONITH=YES without a relay card and without HAFENCE: nothing could ever say that a node is gone.",
            "Set HAFENCE on both nodes, or HASTONITH=NO.",
        )
    if not cuts:
        return warning(
            "HASTONITH=YES without HAFENCE: when the secondary dies while it serves, nothing can tell the primary, and "
            "nobody serves until somebody says that it is off.",
            "Set HAFENCE on both nodes, or keep 'stonith_admin --confirm NODE' at hand.",
        )
    return fine("Pacemaker asks the line and HAFENCE before it gives service")


def _judge_answer(answer: PowerAnswer, *, peer_lives: bool) -> Finding | None:
    if answer.power is Power.NOT_TOLD:
        return wrong(
            f"HAFENCE's program was asked for the power and does not tell: {answer.why}.",
            "Run 'asha fence test', and see its address, user, password and outlet, and the device's own network.",
        )
    if answer.power is Power.OFF and peer_lives:
        return wrong(
            "HAFENCE's device says that the power is off, and the other node is alive: it is another machine's outlet.",
            "Name the outlet or BMC of the other node in HAFENCE.",
        )
    return None


def _reboots(command: Sequence[str]) -> bool:
    agent = command[0].rpartition("/")[2].startswith("fence_")
    return agent and action_of(command) in ("", "reboot")
