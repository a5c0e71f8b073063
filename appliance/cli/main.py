"""Entry point of the `asha` command: finds subcommands when called, and turns errors into exit codes."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import NoReturn

import click

from appliance import __version__
from appliance.cli.output import error_document, tell_error
from appliance.core.errors import AshaError
from appliance.core.text import printable
from appliance.host.paths import CONF

# Command → the module in appliance/cli that has it, as a click command of the same name (dashes become
# underscores).
_COMMANDS = {
    "agent": "main",
    "backup": "backup",
    "bound": "bound",
    "card": "hardware",
    "check": "check",
    "cleanup": "ha",
    "conf": "conf",
    "conflicts": "sync",
    "dahdi": "hardware",
    "drill": "drill",
    "engine": "engine",
    "events": "events",
    "failback": "failback",
    "fence": "fence",
    "ha": "ha",
    "introduction": "peer",
    "leave": "leave",
    "history": "history",
    "line": "ha",
    "maintenance": "maintenance",
    "nagios": "nagios",
    "notify": "notify",
    "panel": "panel",
    "pbx": "ha",
    "provision-address": "sark",
    "restore": "backup",
    "relay": "relay",
    "sark": "sark",
    "ssh-accept": "peer",
    "ssh-setup": "peer",
    "standby": "ha",
    "status": "status",
    "sync": "sync",
    "sync-source": "source",
    "takeover": "ha",
    "tune": "tune",
}

# What `asha --help` says of each command. It stands here, because to ask the commands themselves would load every one.
_SUMMARIES = {
    "agent": "run the agent in the foreground (init does)",
    "backup": "write this node's own state to a file",
    "bound": "how long each kind of failover may take at most",
    "card": "look at the relay card, learn its language, reset it",
    "check": "look at this host, or both, and say what to mend",
    "cleanup": "acknowledge that service has moved so often",
    "conf": "read and change the conf file, /etc/asha.conf",
    "conflicts": "what was changed on both nodes while they were apart",
    "dahdi": "look at the telephone cards, as DAHDI shows them",
    "drill": "hand service over and back, and time each phase",
    "engine": "show the cluster engine, or change to another one",
    "events": "the journal: decisions, orders, relay moves, and why",
    "failback": "bring data and service back to the primary",
    "fence": "try what cuts the other node's power, without a cut",
    "ha": "start and stop the HA engine on this node",
    "history": "when service moved and why, phase by phase",
    "introduction": "introduce this node to the other one, or take its text",
    "leave": "leave the pair: stop the HA engine, release the line",
    "line": "look at the line and the relay, or let the line go",
    "maintenance": "pause this node's watching while somebody works",
    "nagios": "the state of the pair for Nagios or Icinga",
    "notify": "how alerts go out, and a test alert",
    "panel": "the page in the browser: users, certificate, code",
    "pbx": "start and stop Asterisk on this node",
    "provision-address": "the address telephones are to be provisioned with",
    "relay": "look for a relay board, set it up, and try it",
    "restore": "put this node's state back from a backup",
    "sark": "SARK's settings beside those of the conf file",
    "ssh-accept": "let the other node ask for this node's data",
    "ssh-setup": "let this node fetch the other node's data",
    "standby": "hand service over to the other node",
    "status": "how the pair is, and what is wrong",
    "sync": "fetch what differs from the active node now",
    "takeover": "bring service to this node",
    "tune": "which HADEADTIME is safe here",
}

# The plugin of monitoring systems, and its exit code for a state that is not known.
_PLUGIN, _UNKNOWN = "nagios", 3
# What to do about an error on the command line.
_HELP = "--help shows what the command takes."


class LateGroup(click.Group):
    """Group that imports a command's module only when that is called, so that `asha status` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([*_SUMMARIES.items()])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = getattr(
            importlib.import_module(f"appliance.cli.{module}"), cmd_name.replace("-", "_")
        )
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as problem:
            if near := _nearest(args[0]):
                raise click.UsageError(f"{problem.message} Did you mean '{near}'?", ctx) from None
            raise


def _nearest(word: str) -> str:
    """Return the command that `word` is most likely a misspelling of; "" when none is near."""
    import difflib  # noqa: PLC0415 - only when something is misspelt

    return next(iter(difflib.get_close_matches(word, _COMMANDS, n=1)), "")


@click.group(cls=LateGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="asha")
@click.option("--with-starter", is_flag=True, hidden=True)
def asha(*, with_starter: bool) -> None:
    """High availability for two Asterisk servers.

    'asha status' says how things stand, 'asha check' what is not right. See asha(8).
    """
    if with_starter:  # a job that the agent started ends with the agent
        from appliance.host.stream import die_with_parent  # noqa: PLC0415

        die_with_parent()


def main() -> None:
    """Run the `asha` command and exit.

    Exit codes: 2 for a user error, 3 host, 4 hardware, 5 cluster, 6 sync, 1 anything else. With --json an error is
    JSON on standard error, also one on the command line, which Click would otherwise print and exit for.
    """
    if sys.argv[1:2] == [_PLUGIN]:
        _run_plugin()
    as_json = "--json" in sys.argv[1:]
    try:
        sys.exit(asha.main(standalone_mode=not as_json) or 0)
    except AshaError as problem:
        tell_error(problem, as_json=as_json)
        sys.exit(problem.exit_code)
    except click.ClickException as problem:
        print(error_document(problem.format_message(), problem.exit_code, _HELP), file=sys.stderr)
        sys.exit(problem.exit_code)
    except click.Abort:
        print(
            error_document("Nothing more was done: the question was not answered with yes.", 1),
            file=sys.stderr,
        )
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(0)


def _run_plugin() -> NoReturn:
    """Run `asha nagios` and exit: with 3 (UNKNOWN) and one line whatever goes wrong.

    A program that breaks ends with 1, and a wrong option with 2: monitoring would take them for WARNING and CRITICAL.
    """
    try:
        sys.exit(asha.main(standalone_mode=False) or 0)
    except Exception as problem:
        kind = "" if isinstance(problem, AshaError | click.ClickException) else f"{type(problem).__name__}: "
        says = " ".join(f"{kind}{problem}".split()).replace("|", "/")  # a bar begins the figures
        print(f"ASHA UNKNOWN - the plugin failed: {printable(says)}")
        sys.exit(_UNKNOWN)


# Command `asha agent`: run the daemon.


@click.command()
@click.option("--conf", type=click.Path(path_type=Path), default=CONF, show_default=True)
def agent(conf: Path) -> None:
    """Run the agent in the foreground (init starts it so).

    SIGTERM ends it; service goes on without it. SIGHUP reads the conf file again.
    """
    from appliance.agent.daemon import run_agent  # noqa: PLC0415 - other commands must not pay for it

    run_agent(conf)
