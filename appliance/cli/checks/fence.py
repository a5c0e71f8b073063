"""The look at HAFENCE: whether root may run its program, and what that says of the power without cutting it."""

from __future__ import annotations

import os
from pathlib import Path

from appliance.cli.checks.look import Scene
from appliance.cluster.installed import engine_of
from appliance.config.quotes import command_words
from appliance.core.errors import AshaError
from appliance.core.host_check.fence import (
    PowerAnswer,
    judge_fence,
    judge_stonith,
    power_answer,
    status_question,
)
from appliance.core.host_check.finding import Finding, not_known
from appliance.core.text import printable
from appliance.host.process import run
from appliance.host.trusted import why_not_trusted

# Seconds that the device may take to answer within `asha check`, whose looks have 10.
_PATIENCE = 8.0


def fence(scene: Scene) -> Finding:
    """Look at the program of HAFENCE, and ask it for the power of the other node."""
    if os.geteuid() != 0:
        return not_known("Only root may run HAFENCE's program.", "Are you root?")
    command = command_words(scene.conf.fence)
    why_not = why_not_trusted(command[0], scene.root)
    answer = None if why_not else ask_for_power(scene.conf.fence, _PATIENCE, scene.root)
    return judge_fence(command, why_not, answer, pings=bool(scene.conf.ping), peer_lives=_peer_lives(scene))


def stonith(scene: Scene) -> Finding:
    """Look at HASTONITH: whether the engine asks at all, and whether each node can get a yes."""
    return judge_stonith(
        engine_of(scene.conf).traits.title,
        cuts=bool(scene.conf.fence),
        switched=scene.conf.relay_installed,
    )


def ask_for_power(fence_command: str, deadline: float, root: Path = Path("/")) -> PowerAnswer | None:
    """Ask the program of HAFENCE for the power, for at most `deadline` seconds; None when it has no such question.

    Its words are told to nobody: there may be a password among them. Raises HostError when it cannot be started.
    """
    question = status_question(command_words(fence_command))
    if not question:
        return None
    finished = run([root / question[0].lstrip("/"), *question[1:]], deadline=deadline)
    said = (finished.error.strip() or finished.kept.strip()).splitlines()
    return power_answer(finished.code, printable(said[-1]) if said else "")


def _peer_lives(scene: Scene) -> bool:
    try:
        return scene.status().peer.alive.value is True
    except AshaError:
        return False  # without an agent nobody knows
