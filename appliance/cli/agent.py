"""Command `asha agent`: run the daemon."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--conf", type=click.Path(path_type=Path), default=Path("/etc/asha.conf"), show_default=True)
def agent(conf: Path) -> None:
    """Run the agent in the foreground (init starts it so).

    SIGTERM ends it; service goes on without it. SIGHUP reads the conf file again.
    """
    from appliance.agent.daemon import run_agent  # noqa: PLC0415 - other commands must not pay for it

    run_agent(conf)
