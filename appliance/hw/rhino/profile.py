"""A wire profile: the bytes between host and card, as data that can be read, learned and replaced."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, cast, get_args

from appliance.host.disk import read_small, replace_file
from appliance.hw.relay import ProfileWrong
from appliance.hw.rhino.card import CardCommand
from appliance.hw.serial_port import Flow, LineSettings, Parity

Mark: TypeAlias = Literal["assumed", "learned"]
Maturity: TypeAlias = Literal["experimental", "proven"]

_NUMBER = b"{n}"


class WrongEntry(ValueError):
    """An entry of a profile document is missing or makes no sense."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Bytes to the card, and what its answer must contain; `reply` is b"" when no answer is expected."""

    send: bytes
    reply: bytes = b""


@dataclass(frozen=True, slots=True)
class Profile:
    """The protocol of one card; `mark` says how it is known, `maturity` how far it was tried.

    `relay` is the relay for which the profile was learned: its bytes are then sent unchanged. With None,
    `{n}` in the bytes stands for the relay's number. `answer_deadline` is in seconds from the last byte sent.
    """

    name: str
    about: str
    mark: Mark
    maturity: Maturity
    line: LineSettings
    answer_deadline: float
    commands: Mapping[CardCommand, tuple[Exchange, ...]]
    relay: int | None = None

    def exchanges(self, command: CardCommand, relay: int) -> tuple[Exchange, ...]:
        """Return what to send for `command`, in order. Raises ProfileWrong when learned for another relay."""
        exchanges = self.commands[command]
        if self.relay is None:
            number = str(relay).encode()
            return tuple(Exchange(step.send.replace(_NUMBER, number), step.reply) for step in exchanges)
        if relay != self.relay and command is not CardCommand.RESET:
            raise ProfileWrong(
                f"The wire profile '{self.name}' was learned for relay {self.relay}, not for {relay}.",
                todo="Learn it again with RHINORELAY set: asha card learn FILE.",
            )
        return exchanges


def profile_from(document: Mapping[str, object]) -> Profile:
    """Return the profile in a parsed TOML document. Raises WrongEntry naming the first wrong entry."""
    line = _table(document, "line")
    relay = _whole(document, "relay", range(256)) if "relay" in document else None
    return Profile(
        name=_text(document, "name"),
        about=_text(document, "about"),
        mark=cast(Mark, _choice(document, "mark", get_args(Mark))),
        maturity=cast(Maturity, _choice(document, "maturity", get_args(Maturity))),
        line=LineSettings(
            baud=_whole(line, "baud", range(50, 4_000_001)),
            bits=_whole(line, "bits", range(5, 9)),
            parity=cast(Parity, _choice(line, "parity", get_args(Parity))),
            stop=_whole(line, "stop", range(1, 3)),
            flow=cast(Flow, _choice(line, "flow", get_args(Flow))),
        ),
        answer_deadline=_seconds(_table(document, "answer"), "deadline"),
        commands={command: _exchanges(document, command.key) for command in CardCommand},
        relay=relay,
    )


def _table(document: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = document.get(key)
    if not isinstance(value, dict):
        raise WrongEntry(f"[{key}] is missing")
    return value


def _text(document: Mapping[str, object], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str):
        raise WrongEntry(f"{key} must be a text")
    return value


def _choice(document: Mapping[str, object], key: str, choices: tuple[str, ...]) -> str:
    value = _text(document, key)
    if value not in choices:
        raise WrongEntry(f"{key} must be one of {', '.join(choices)}, not '{value}'")
    return value


def _whole(document: Mapping[str, object], key: str, allowed: range) -> int:
    value = document.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value not in allowed:
        raise WrongEntry(f"{key} must be a whole number from {allowed.start} to {allowed.stop - 1}")
    return value


def _seconds(document: Mapping[str, object], key: str) -> float:
    value = document.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 60:
        raise WrongEntry(f"{key} must be seconds, above 0 and at most 60")
    return float(value)


def _exchanges(document: Mapping[str, object], key: str) -> tuple[Exchange, ...]:
    steps = document.get(key)
    if not isinstance(steps, list) or not steps or not all(isinstance(step, dict) for step in steps):
        raise WrongEntry(f"[[{key}]] is missing")
    return tuple(
        Exchange(_bytes(step, "send", key), _bytes({"reply": "", **step}, "reply", key)) for step in steps
    )


def _bytes(step: Mapping[str, object], key: str, command: str) -> bytes:
    text = _text(step, key)
    if key == "send" and not text:
        raise WrongEntry(f"{key} in [[{command}]] is empty")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise WrongEntry(f"{key} in [[{command}]] has a character beyond \\u00ff: one is one byte") from None


# Wire profiles as TOML files: the built-in ones beside this module, and learned ones anywhere.


_BUILT_IN = Path(__file__).parent


def built_in_profiles() -> tuple[str, ...]:
    """Return the names that RHINOPROFILE may have besides a path."""
    return tuple(sorted(path.stem for path in _BUILT_IN.glob("*.toml")))


def load_profile(name: str) -> Profile:
    """Return the built-in profile `name`, or the one in the file `name` if it has a slash.

    Raises ProfileWrong.
    """
    path = Path(name) if "/" in name else _BUILT_IN / f"{name}.toml"
    try:
        content = read_small(path) if "/" in name else path.read_bytes()
    except FileNotFoundError:
        content = None
    except OSError as problem:
        raise _of_no_use(path, problem) from problem
    if content is None:
        known = ", ".join(built_in_profiles())
        raise ProfileWrong(
            f"There is no wire profile '{name}'.",
            todo=f"Set RHINOPROFILE to a file's full path or one of: {known}.",
        )
    try:
        return profile_from(tomllib.loads(content.decode("utf-8")))
    except ValueError as problem:  # TOML and text decoding errors are ValueErrors
        raise _of_no_use(path, problem) from problem


def _of_no_use(path: Path, problem: Exception) -> ProfileWrong:
    return ProfileWrong(
        f"The wire profile {path} cannot be used: {problem}.", todo="Correct it, or learn it again."
    )


def write_profile(path: Path, profile: Profile) -> None:
    """Write `profile` so that `load_profile` reads it back unchanged. Raises ProfileWrong on failure."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, to_toml(profile))
    except OSError as problem:
        raise ProfileWrong(f"The wire profile {path} could not be written: {problem.strerror}.") from problem


def to_toml(profile: Profile) -> str:
    """Return the text of a profile file; each character of `send` and `reply` is one byte (ISO 8859-1)."""
    line = profile.line
    lines = [
        "# A wire profile of the relay card: see docs/card-protocol.md.",
        f"name = {_quoted(profile.name)}",
        f"about = {_quoted(profile.about)}",
        f"mark = {_quoted(profile.mark)}",
        f"maturity = {_quoted(profile.maturity)}",
        *(
            [f"relay = {profile.relay}  # the bytes below are for this relay only"]
            if profile.relay is not None
            else []
        ),
        "\n[line]",
        f"baud = {line.baud}",
        f"bits = {line.bits}",
        f"parity = {_quoted(line.parity)}",
        f"stop = {line.stop}",
        f"flow = {_quoted(line.flow)}",
        "\n[answer]",
        f"deadline = {profile.answer_deadline}  # seconds from the last byte sent to the whole reply",
    ]
    for command in CardCommand:
        for step in profile.commands[command]:
            lines += [
                f"\n[[{command.key}]]",
                f"send = {_bytes_as_text(step.send)}",
                f"reply = {_bytes_as_text(step.reply)}",
            ]
    return "\n".join(lines) + "\n"


def _bytes_as_text(data: bytes) -> str:
    return _escaped(json.dumps(data.decode("latin-1")))


def _quoted(text: str) -> str:
    return _escaped(json.dumps(text, ensure_ascii=False))  # \\u pairs of surrogates are not TOML


def _escaped(string: str) -> str:
    """Return a JSON string as a TOML one: the escapes are the same, but JSON leaves DEL unescaped."""
    return string.replace("\x7f", "\\u007f")
