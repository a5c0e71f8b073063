"""Learning the card's protocol from the vendor's tool: each command is recorded into a wire profile."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import FrameType

from appliance.config import Conf
from appliance.core.errors import HardwareError, UserError
from appliance.core.reading import Known
from appliance.host.clock import Clock
from appliance.host.paths import CARD, CARD_LOCK
from appliance.hw.card_lock import CardLock
from appliance.hw.discovery import find_card
from appliance.hw.relay import CardAbsent, CardRefused
from appliance.hw.rhino.card import RESET_SETTLE, CardCommand
from appliance.hw.rhino.profile import Profile, write_profile
from appliance.hw.rhino.vendor_tool import run_tool
from appliance.hw.rhino.wire_recorder import Passed, WireRecorder, exchanges, line_settings, slowest_answer
from appliance.hw.serial_port import LineSettings

_LINGER = 0.3  # seconds to record an answer that the tool itself does not wait for
_LEAST_ANSWER_DEADLINE = 0.5
_ORDER = (CardCommand.RESET, CardCommand.RELAYON, CardCommand.RELAYOFF)


def learn_profile(
    conf: Conf,
    path: Path,
    clock: Clock,
    *,
    confirm: bool,
    sys_root: Path = Path("/"),
    store: Path = CARD,
    lock: Path = CARD_LOCK,
) -> Profile:
    """Run the tool's three commands through a recorder and write the recorded bytes to `path`.

    This moves the relay: `confirm` says that the operator asked for it and accepts that calls on the line may
    be cut; without it UserError is raised. However the recording ends, also by a signal, the last command is
    RELAYOFF straight to the card. Raises HardwareError when the tool or the card fails, or nothing was
    recorded that could be learned.
    """
    if not confirm:
        raise UserError("Learning moves the relay to the primary and back.", todo="Say that this is meant.")
    tty = _tty(conf, clock, sys_root, store)
    with _one_interrupt(), CardLock(lock, clock).taken(clock.now() + conf.card_deadline, force=False):
        profile = _record_all(conf, tty, clock, path.stem)
    write_profile(path, profile)
    return profile


def _tty(conf: Conf, clock: Clock, sys_root: Path, store: Path) -> Path:
    found = find_card(conf, clock.now(), sys_root=sys_root, store=store)
    if isinstance(found, Known) and found.value is not None:
        return found.value.tty
    raise CardAbsent(f"There is no relay card at {conf.card_tty} to learn from.", todo="Plug it in.")


def _record_all(conf: Conf, tty: Path, clock: Clock, name: str) -> Profile:
    try:
        real = os.open(tty, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as problem:
        raise CardAbsent(f"{tty} could not be opened: {problem.strerror}.") from problem
    try:
        _run(conf, tty, CardCommand.RELAYOFF)
        direct = line_settings(real)  # the tty keeps the tool's settings for as long as it is held open here
        with WireRecorder(real, clock) as recorder:
            passed = {command: _record(conf, recorder, command, clock) for command in _ORDER}
            line = _both(direct, recorder.line())
    finally:
        os.close(real)
        _release(conf, tty)
    return _profile(name, conf.card_relay, line, passed)


def _record(conf: Conf, recorder: WireRecorder, command: CardCommand, clock: Clock) -> tuple[Passed, ...]:
    _run(conf, Path(recorder.path), command)
    clock.sleep(RESET_SETTLE if command is CardCommand.RESET else _LINGER)
    passed = recorder.take()
    if not any(piece.to_card for piece in passed):
        raise HardwareError(
            f"The tool sent no bytes for {command.value}: it may move the card by modem lines.",
            todo="Leave RHINODRIVER=tool.",
        )
    return passed


def _run(conf: Conf, tty: Path, command: CardCommand) -> None:
    finished = run_tool(conf.card_tool, tty, command, conf.card_relay, conf.card_deadline)
    if not finished.ok:
        raise CardRefused(f"Nothing was learned: {finished.explain()}.", todo="Make the tool work first.")


def _release(conf: Conf, tty: Path) -> None:
    finished = run_tool(conf.card_tool, tty, CardCommand.RELAYOFF, conf.card_relay, conf.card_deadline)
    if not finished.ok:
        raise CardRefused(
            f"After the lesson the relay could not be released: {finished.explain()}.",
            todo="Unplug the card: without power the line goes to the secondary.",
        )


def _both(direct: LineSettings, seen: LineSettings) -> LineSettings:
    """Return the tty settings that the tool chose.

    Bits and parity come from the real tty, if the tool left its settings there; the rest comes from the pty.
    """
    if direct.baud != seen.baud:
        return seen
    return replace(seen, bits=direct.bits, parity=direct.parity)


def _profile(
    name: str, relay: int, line: LineSettings, passed: Mapping[CardCommand, tuple[Passed, ...]]
) -> Profile:
    slowest = max(slowest_answer(pieces) for pieces in passed.values())
    return Profile(
        name=name,
        about="recorded between the vendor's tool and a card",
        mark="learned",
        maturity="experimental",
        line=line,
        answer_deadline=round(max(_LEAST_ANSWER_DEADLINE, 4 * slowest), 3),
        commands={command: exchanges(pieces) for command, pieces in passed.items()},
        relay=relay,
    )


@contextlib.contextmanager
def _one_interrupt() -> Iterator[None]:
    """Turn the first termination signal into KeyboardInterrupt, and swallow later ones in the body.

    Otherwise a second signal could cut the release of the relay short. A lost ssh session (SIGHUP) must not
    leave the line wherever the recording happened to be.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    seen: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        if len(seen) == 1:
            raise KeyboardInterrupt

    before = {
        number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
