"""`asha relay test --poweroff`: the drill in which a person switches the primary off with its relay energised.

The relay is energised in the foreground and never for longer than `_LIMIT`. It is released when that time is over, when
a node comes into service, and when this command ends in any way: where it is killed, by a second process that waits for
its end. What outlives the poweroff is one note on disk, written before the relay moves.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from appliance.cli.local_time import format_day
from appliance.cli.output import agree, keep, say, wants_json
from appliance.cli.relay import ENDING, refuse_in_service, serves_here, step
from appliance.config import Conf
from appliance.core.as_json import to_json
from appliance.core.errors import ClusterError, HardwareError, HostError, UserError
from appliance.core.host_check.relay import TRY_IT
from appliance.core.model import Relay
from appliance.core.poweroff_drill import (
    PoweroffDrills,
    Sight,
    UnderWay,
    Way,
    instructions,
    is_over,
    relay_name,
)
from appliance.host.boot import boot_identity
from appliance.host.disk import locked
from appliance.host.paths import OWN_COMMAND, POWEROFF_DRILLS
from appliance.host.stream import Stream
from appliance.hw import drivers
from appliance.hw.poweroff_drills import drill_lock, drills_file
from appliance.hw.relay import RelayCard
from appliance.local_node import CLOCK

_LIMIT = 300.0
"""Seconds for which the relay stays energised at the longest."""
_LOOK = 1.0
_GUARD_STARTS = 20.0  # seconds that the second process may take to start
_GUARD_ENDS = 20.0
_FED = 4  # times within its own watchdog's time that a relay is fed
_TRIES = 5  # of a release by the second process
_GUARD = (*OWN_COMMAND, "relay", "guard")
_READY, _DONE = b"ready", b"done"
_SYSTEMD = Path("/run/systemd/system")


def run_drill(conf: Conf, way: Way, sight: Sight | None, *, yes: bool) -> None:
    """Begin a drill, or take the answer to the one that was under way when the machine was switched off.

    Args:
        conf: The conf of the primary, which has a relay.
        way: How the machine is to be switched off.
        sight: What was seen, for those whom nobody can ask.
        yes: Ask nothing before the relay moves.
    """
    boot = boot_identity()
    if not boot:
        raise HostError("The kernel does not say which boot this is, and so not whether the machine was off.")
    with _lock() as held:
        notes = drills_file(POWEROFF_DRILLS).load().of(relay_name(conf.relay_driver))
        if notes.under_way is not None and is_over(notes.under_way, boot):
            _take_answer(notes, notes.under_way, sight)
        elif sight is not None:
            raise UserError("No drill waits for an answer.", todo=f"Begin one: {TRY_IT}.")
        else:
            _begin(conf, notes, way, boot, held, yes=yes)


@contextlib.contextmanager
def _lock() -> Iterator[int]:
    """Hold the drills' lock, whose descriptor the guard is given too."""
    with contextlib.ExitStack() as stack:
        try:
            held = stack.enter_context(locked(drill_lock(POWEROFF_DRILLS)))
        except OSError as problem:
            raise HostError(
                f"{POWEROFF_DRILLS.parent} cannot be written to: {problem.strerror}."
            ) from problem
        if held is None:
            raise UserError("A drill is under way in another terminal.", todo="Ctrl-C there ends it.")
        yield held


def _begin(conf: Conf, notes: PoweroffDrills, way: Way, boot: str, lock: int, *, yes: bool) -> None:
    refuse_in_service()
    if notes.under_way is not None:  # one that was killed; that it was released is not known
        notes = notes.ended()
        _write(notes)
        _release(drivers.open_card(conf, CLOCK))
    _explain(way)
    if not yes:
        agree("This gives the line to the primary until the machine is off; calls on it are cut. Go on?")
    refuse_in_service()
    _hold(conf, notes.begun(way, CLOCK.wall(), boot), lock)


def _take_answer(notes: PoweroffDrills, under_way: UnderWay, sight: Sight | None) -> None:
    if sight is None:
        said = click.prompt(
            f"In the drill of {format_day(under_way.began)} ({under_way.way}): when the machine was off, was the relay "
            "released (its LED out, a click heard)? 'fell', 'stayed' or 'unsure'",
            type=click.Choice([one.value for one in Sight]),
            err=wants_json(),
        )
        sight = Sight(said)
    noted = notes.answered(sight, CLOCK.wall())
    _write(noted)
    keep(drills=noted)
    if sight is Sight.UNSURE:
        say("Nothing is noted. Give the same command to try it again.")
        return
    say(f"Noted: at {under_way.way} the relay {sight.value}. 'asha check' says what that means.")


def _explain(way: Way) -> None:
    force = "systemctl poweroff --force --force" if _SYSTEMD.is_dir() else "poweroff -f"
    tell_now(f"The relay is energised for at most {_LIMIT / 60:.0f} minutes. Ctrl-C releases it at once.")
    for line in instructions(way, force):
        tell_now(f"  {line}")


def tell_now(line: str) -> None:
    """Print what a person has to do meanwhile; the document of --json comes when all is over."""
    click.echo(line, err=wants_json())


def _hold(conf: Conf, notes: PoweroffDrills, lock: int) -> None:
    """Keep the relay energised until the machine is off, or the drill ends without that."""
    with signals_end_it(), Stream(_GUARD, bound=False, keep=(lock,)) as guard:
        if guard.line(_GUARD_STARTS) != _READY:
            raise HostError("The process that releases the relay if this one is killed did not start.")
        _write(notes)
        keep(drills=notes)
        card = drivers.open_card(conf, CLOCK)
        try:
            _energise(card, conf)
            _watch(card, conf)
        except SystemExit:  # a signal: the machine may be going down, and the note is for afterwards
            raise
        except BaseException:
            with contextlib.suppress(HostError):
                _write(notes.ended())
            keep(drills=notes.ended())
            raise
        finally:
            _end(card, guard)


def _end(card: RelayCard, guard: Stream) -> None:
    """Release the relay; where that fails the guard tries it too. No signal ends this any more."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    try:
        _release(card)
        guard.offer(_DONE)
    finally:
        guard.end(_GUARD_ENDS)


def _energise(card: RelayCard, conf: Conf) -> None:
    if card.facts.watchdog:
        card.guard(conf.relay_watchdog)
    if not step(card, Relay.ENERGISED):
        raise HardwareError(
            "The relay's register does not follow the command.", todo="Try 'asha relay test'."
        )
    tell_now("Switch the machine off now.")


def _watch(card: RelayCard, conf: Conf) -> NoReturn:
    """Wait for the poweroff, which ends this process too. Raises what else has ended the drill."""
    fed, until = CLOCK.now(), CLOCK.now() + _LIMIT
    while CLOCK.now() < until:
        CLOCK.sleep(_LOOK if not card.facts.watchdog else min(_LOOK, conf.relay_watchdog / _FED))
        refuse_in_service()
        if card.facts.watchdog and CLOCK.now() - fed >= conf.relay_watchdog / _FED:
            card.feed()
            fed = CLOCK.now()
    raise ClusterError(
        f"The machine was not switched off within {_LIMIT / 60:.0f} minutes: the relay is released.",
        todo=f"Try again: {TRY_IT}.",
    )


def _release(card: RelayCard) -> None:
    """Release the relay, unless this node serves by now: then the line is the agent's."""
    try:
        if not serves_here():
            card.move(Relay.RELEASED)
    finally:
        card.close()


def _write(notes: PoweroffDrills) -> None:
    try:
        drills_file(POWEROFF_DRILLS).write(json.dumps(to_json(notes)))
    except OSError as problem:
        raise HostError(f"{POWEROFF_DRILLS} could not be written: {problem.strerror}.") from problem


@contextlib.contextmanager
def signals_end_it() -> Iterator[None]:
    """Have the signals that end a session end this command as an exit, so that the relay is released."""

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    before = {number: signal.getsignal(number) for number in ENDING}
    try:
        for number in ENDING[1:]:
            signal.signal(number, leave)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def guard_relay(conf: Conf, source: int = 0) -> None:
    """Release the relay when the drill's own process has gone: when `source`, a descriptor, is at its end.

    It does so too when that process stands still. It heeds no signal that ends a session.
    """
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    os.write(1, _READY + b"\n")
    ready, _, _ = select.select([source], [], [], _LIMIT + _GUARD_ENDS)
    if ready and os.read(source, 64).strip() == _DONE:
        return
    for attempt in range(_TRIES):
        with contextlib.suppress(HardwareError):
            _release(drivers.open_card(conf, CLOCK))
            return
        CLOCK.sleep(float(attempt))
