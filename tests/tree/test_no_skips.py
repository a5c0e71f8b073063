"""The plugin that makes a skipped test a failed one, seen from outside: a run of pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PLUGINS = Path(__file__).parents[1] / "plugins"

INNER = """
import pytest

def test_runs(): pass

def test_skips_itself(): pytest.skip("no card")

@pytest.mark.skipif(True, reason="no span")
def test_has_a_mark(): pass

@pytest.mark.xfail(reason="no line")
def test_is_expected_to_fail(): assert False
"""
WHOLE_FILE = "import pytest\npytest.skip('no rack', allow_module_level=True)\n"


def run_pytest(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    argv = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no_skips",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        *more,
    ]
    env = {
        **os.environ,
        "PYTHONPATH": str(PLUGINS),
        "PYTEST_ADDOPTS": "",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    return subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_every_way_to_skip_fails_the_run_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "test_inner.py").write_text(INNER)
    (tmp_path / "test_whole_file.py").write_text(WHOLE_FILE)
    done = run_pytest(tmp_path, "--continue-on-collection-errors", "test_inner.py", "test_whole_file.py")
    assert done.returncode == 1
    assert "2 failed, 1 passed, 2 errors" in done.stdout
    for reason in ("no card", "no span", "no line", "no rack"):
        assert reason in done.stdout


def test_a_run_without_skips_is_untouched(tmp_path: Path) -> None:
    (tmp_path / "test_inner.py").write_text("def test_runs(): pass\n")
    done = run_pytest(tmp_path, "test_inner.py")
    assert done.returncode == 0
    assert "1 passed" in done.stdout
