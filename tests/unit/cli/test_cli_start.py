"""What a command of `asha` loads before it says its first word: at night, on a slow server, each is to answer at once.

A time would depend on the machine, and what is loaded does not. What each module costs, this shows:
`python -X importtime -m appliance.cli COMMAND --help`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
from click.testing import CliRunner

import appliance
from appliance.cli import main

CHECKOUT = Path(appliance.__file__).parents[1]

# Each takes longer to load than `asha status` takes as a whole, or brings something that does.
HEAVY = (
    "asyncio",
    "cryptography",
    "dns",
    "email",
    "flask",
    "http.client",
    "jinja2",
    "logging",
    "multiprocessing",
    "psutil",
    "rich",
    "smtplib",
    "urllib.request",
    "werkzeug",
    "appliance.agent.context",
    "appliance.agent.this_node",
    "appliance.cluster",
    "appliance.core.controller",
    "appliance.core.service_state",
    "appliance.panel",
    "appliance.sync.merge",
    "appliance.sync.session",
    "appliance.sync_setup",
)
# They only look, and need neither an agent nor a conf file to get as far as they load anything.
LOOKS = (
    ["status"],
    ["nagios"],
    ["history"],
    ["events"],
    ["sync", "status"],
    ["bound"],
    ["conf", "get", "HADEV"],
)

# Every command in a process of its own, forked when what all of them share is loaded.
_PROBE = """
import contextlib, io, json, os, sys
from appliance.cli.main import asha
heavy, commands = json.load(sys.stdin)
for words in commands:
    if os.fork() == 0:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            with contextlib.suppress(BaseException):
                asha.main(words)
        loaded = {name for name in sys.modules if any(f"{name}.".startswith(f"{one}.") for one in heavy)}
        print(json.dumps([words, sorted(loaded)]), flush=True)
        os._exit(0)
    os.wait()
"""


def loaded_by(commands: list[list[str]], heavy: tuple[str, ...] = HEAVY) -> dict[str, list[str]]:
    """Return which of `heavy` each command has loaded when it ends, without `site`, which loads some of it itself."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", _with_packages(_PROBE)],
        input=json.dumps([heavy, commands]),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {" ".join(words): loaded for words, loaded in map(json.loads, done.stdout.splitlines())}


def _with_packages(code: str) -> str:
    return f"import sys; sys.path += {[path for path in sys.path if 'site-packages' in path]!r}\n{code}"


def test_the_help_of_no_command_loads_what_its_work_needs() -> None:
    commands = [[name, "--help"] for name in main._COMMANDS]
    found = loaded_by(commands)
    assert len(found) == len(commands)
    assert {command: loaded for command, loaded in found.items() if loaded} == {}


def test_the_list_of_commands_loads_none_of_them() -> None:
    modules = sorted(
        {f"appliance.cli.{module}" for module in main._COMMANDS.values()} - {"appliance.cli.main"}
    )
    assert loaded_by([["--help"]], (*HEAVY, *modules)) == {"--help": []}


def test_the_list_of_commands_has_each_that_is_not_hidden() -> None:
    context = click.Context(main.asha)
    commands = {name: main.asha.get_command(context, name) for name in main._COMMANDS}
    assert {name for name, command in commands.items() if command and not command.hidden} == {
        *main._SUMMARIES
    }
    shown = CliRunner().invoke(main.asha, ["--help"], terminal_width=80).output
    assert all(f"  {name} " in shown and summary in shown for name, summary in main._SUMMARIES.items())


def test_what_only_looks_loads_nothing_heavy() -> None:
    found = loaded_by([*LOOKS])
    assert len(found) == len(LOOKS)
    assert {command: loaded for command, loaded in found.items() if loaded} == {}


def test_the_probe_sees_what_is_loaded() -> None:
    """Else the two tests above would pass whatever happens."""
    assert "appliance.agent.context" in loaded_by([["provision-address"]])["provision-address"]
