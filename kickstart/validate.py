"""What the installer of a release would say against a kickstart file."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from appliance.core.errors import AshaError
from appliance.host.process import run
from kickstart.release import Release


class InvalidKickstart(AshaError):
    """ksvalidator refuses a rendered file: a fault of this package, or a value that no other check caught."""


def validate(release: Release, *paths: Path) -> None:
    """Raise InvalidKickstart unless ksvalidator accepts all of `paths` for `release` without any output."""
    program = Path(sys.executable).with_name("ksvalidator")
    # It leaves a copy of each file, with the passwords that are in it, where temporary files are.
    with TemporaryDirectory(prefix="asha-kickstart-") as place:
        done = run([program, "-v", release.syntax, *paths], deadline=60, env={"TMPDIR": place})
    # ksvalidator reports a deprecated command on stderr and still calls the file valid.
    if done.code != 0 or done.error:
        said = done.error.strip() or done.explain()
        names = ", ".join(map(str, paths))
        raise InvalidKickstart(f"ksvalidator does not accept this for {release.syntax} ({names}):\n{said}")
