"""setup.sh on machines that are not as it would like them, and what it leaves of itself.

Each runs in a mount namespace of its own, where /usr/sbin is an empty folder and the package tools are
stand-ins: nothing of this host is touched.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SETUP = Path(__file__).parents[3] / "setup.sh"
POLICY = "/usr/sbin/policy-rc.d"

# Says what it is asked, and whether services were held; an install takes until `go` is there.
APT_GET = f"""#!/bin/sh
case "$*" in
    *download-only*|*update*) exit 0 ;;
esac
sh {POLICY}; echo "policy $?" >>"$LAB/seen"
echo "$*" >>"$LAB/seen"
touch "$LAB/installing"
while [ ! -e "$LAB/go" ]; do sleep 0.02; done
echo finished >>"$LAB/seen"
exec sh -c "$(cat "$LAB/result")"
"""
DPKG_QUERY = """#!/bin/sh
case "$*" in *dahdi|*rsync) exit 1 ;; esac
printf installed
"""
# Arguments: the lab, then the command. Without a policy file in the lab there is none.
INSIDE = """
set -e
mount --bind "$1/sbin" /usr/sbin
cd "$1"
shift
exec "$@"
"""


class Lab:
    """A folder to run setup.sh in, with the stand-ins first on the PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.policy = folder / "sbin" / "policy-rc.d"
        for name in ("sbin", "bin"):
            (folder / name).mkdir()
        (folder / "setup.sh").write_text(SETUP.read_text())
        (folder / "result").write_text("exit 0")
        self.stand_in("apt-get", APT_GET)
        self.stand_in("dpkg-query", DPKG_QUERY)

    def stand_in(self, name: str, text: str) -> None:
        program = self.folder / "bin" / name
        program.write_text(text)
        program.chmod(0o755)

    def let_it_finish(self, result: str = "exit 0") -> None:
        (self.folder / "result").write_text(result)
        (self.folder / "go").touch()

    def start(self) -> subprocess.Popen[str]:
        argv = [
            "unshare",
            "--mount",
            "bash",
            "-c",
            INSIDE,
            "inside",
            self.folder,
            "bash",
            "setup.sh",
            "system",
        ]
        env = {"PATH": f"{self.folder}/bin:/usr/bin:/bin", "LAB": str(self.folder)}
        return subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self) -> tuple[int, str]:
        process = self.start()
        _, error = process.communicate(timeout=20)
        return process.returncode, error

    def seen(self) -> str:
        return (self.folder / "seen").read_text()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.let_it_finish()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_services_are_held_while_packages_are_installed_and_free_afterwards(lab: Lab) -> None:
    lab.let_it_finish()
    code, error = lab.run()
    assert (code, error) == (0, "")
    assert "policy 101" in lab.seen()
    assert "--no-install-recommends" in lab.seen()
    assert lab.seen().split("install ")[1].split("\n")[0].split()[-3:] == ["rsync", "dahdi", "dahdi-source"]
    assert not lab.policy.exists()


def test_a_policy_that_was_there_is_kept(lab: Lab) -> None:
    lab.policy.write_text("exit 104\n")
    lab.let_it_finish()
    assert lab.run()[0] == 0
    assert "policy 104" in lab.seen()
    assert lab.policy.read_text() == "exit 104\n"


def test_a_policy_left_by_a_killed_run_is_taken_away(lab: Lab) -> None:
    killed = lab.start()
    until((lab.folder / "installing").exists)
    killed.kill()
    killed.communicate(timeout=20)
    assert lab.policy.exists()
    lab.let_it_finish()
    assert lab.run()[0] == 0
    assert not lab.policy.exists()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_leaves_no_package_half_installed_and_no_policy(lab: Lab, sign: signal.Signals) -> None:
    process = lab.start()
    until((lab.folder / "installing").exists)
    process.send_signal(sign)
    assert lab.policy.exists()
    lab.let_it_finish()
    process.communicate(timeout=20)
    assert process.returncode in (130, 143)
    assert "finished" in lab.seen()
    assert not lab.policy.exists()


def test_when_apt_fails_its_last_words_are_shown(lab: Lab) -> None:
    lab.let_it_finish("seq 100000; echo E: no space left; exit 100")
    code, error = lab.run()
    assert code == 1
    assert error.startswith("asha: apt-get could not install: rsync dahdi.")
    assert error.endswith("    100000\n    E: no space left\n")
    assert error.count("\n") == 26
    assert not lab.policy.exists()


def test_where_there_is_no_apt_one_sentence_names_what_is_missing(lab: Lab) -> None:
    for name in ("apt-get", "dpkg-query"):
        (lab.folder / "bin" / name).unlink()
    tools = ["bash", "dirname", "id", "paste", "unshare", "true"]
    for tool in tools:
        (lab.folder / "bin" / tool).symlink_to(f"/usr/bin/{tool}")
    script = 'PATH="$LAB/bin" exec bash setup.sh system'
    env = {"PATH": "/usr/bin:/bin", "LAB": str(lab.folder)}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=lab.folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "asha: Not installed: " in done.stderr
    assert "There is no apt-get here" in done.stderr


def test_without_root_one_sentence_says_so_and_what_is_missing(lab: Lab) -> None:
    lab.folder.chmod(0o755)
    argv = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "bash",
        "-c",
        SETUP.read_text(),
        "setup.sh",
    ]
    env = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [*argv, "system"], cwd="/", env=env, capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("asha: This needs root, ")
