"""The command `python -m kickstart`: kickstart files and a data ISO from a site file.

With --iso, a distribution's own installation medium is made into one for asha too.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from appliance.core.errors import AshaError
from kickstart.build import CONTENT, DATA_ISO, build
from kickstart.left_out import left_out
from kickstart.media import remaster
from kickstart.site import load


@click.command()
@click.option("--site", "site_file", type=click.Path(path_type=Path), required=True, help="The site file.")
@click.option("--rpms", type=click.Path(path_type=Path), required=True, help="The folder of our packages.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder that is filled.")
@click.option("--iso", type=click.Path(path_type=Path), help="The distribution's ISO to make ours of.")
def main(site_file: Path, rpms: Path, out: Path, iso: Path | None) -> None:
    """Make the unattended installation of a pair of servers."""
    try:
        site = load(site_file)
        for sentence in left_out(site):
            click.echo(f"asha: {sentence}", err=True)
        build(site, rpms, out)
        click.echo(f"  {out / CONTENT}/*.ks, and {out / DATA_ISO} for {site.release.name}")
        if iso is not None:
            made = out / f"asha-{iso.name}"
            release = remaster(iso, out / CONTENT, made)
            click.echo(f"  {made}, which installs {release.name}")
    except AshaError as error:
        click.echo(f"asha: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
