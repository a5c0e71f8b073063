"""Wire profiles as TOML files: the built-in ones beside this module, and learned ones anywhere."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from appliance.host.disk import read_small, replace_file
from appliance.hw.relay import ProfileWrong
from appliance.hw.rhino.command import CardCommand
from appliance.hw.rhino.profile import Profile, profile_from

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
            lines += [f"\n[[{command.key}]]", f"send = {_bytes(step.send)}", f"reply = {_bytes(step.reply)}"]
    return "\n".join(lines) + "\n"


def _bytes(data: bytes) -> str:
    return _escaped(json.dumps(data.decode("latin-1")))


def _quoted(text: str) -> str:
    return _escaped(json.dumps(text, ensure_ascii=False))  # \\u pairs of surrogates are not TOML


def _escaped(string: str) -> str:
    """Return a JSON string as a TOML one: the escapes are the same, but JSON leaves DEL unescaped."""
    return string.replace("\x7f", "\\u007f")
