"""Two builds from one commit give the same bytes, wherever and under whatever settings they are made."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from conftest import TREE, Rpms

SUMS = "SHA256SUMS"


def test_what_is_built_again_is_the_same(all_rpms: Rpms, debs: Rpms, tmp_path: Path) -> None:
    tree, rpms, again = tmp_path / "elsewhere", tmp_path / "rpm", tmp_path / "deb"
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"],
        cwd=TREE,
        capture_output=True,
        check=True,
        timeout=20,
    )
    os.umask(0o077)
    try:
        for name in filter(None, listed.stdout.decode().split("\0")):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(TREE / name, tree / name)
            (tree / name).chmod((TREE / name).stat().st_mode & 0o700)
        (tree / ".venv").symlink_to(TREE / ".venv")
        built_at = subprocess.run(
            ["rpm", "-qp", "--nosignature", "--qf", "%{BUILDTIME}", all_rpms["asha"]],
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        ).stdout
        settings = {"SOURCE_DATE_EPOCH": built_at, "TZ": "Asia/Kathmandu", "LC_ALL": "C.UTF-8"}
        for words in (("rpm/build", "1", rpms), ("deb/build", rpms, again)):
            subprocess.run(
                [tree / words[0], *words[1:]],
                cwd=tmp_path,
                env=os.environ | settings,
                check=True,
                timeout=300,
                stdout=subprocess.DEVNULL,
            )
    finally:
        os.umask(0o022)
    out = all_rpms["asha"].parent
    for first, second in (
        (out / SUMS, rpms / SUMS),
        (out / "el6" / SUMS, rpms / "el6" / SUMS),
        (debs["asha"].with_name(SUMS), again / SUMS),
        (debs["asha"].with_name("Release"), again / "Release"),
    ):
        assert first.read_text() == second.read_text(), second
