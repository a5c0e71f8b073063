"""The packages can be signed as rpm/README.md and deb/README.md say: tried with a key that is thrown away."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Rpms

KEY = "asha test <asha-test@example.invalid>"


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Of a builder who has a key, which is `tmp_path`/asha.asc to others."""
    home = tmp_path / "g"
    home.mkdir(mode=0o700)
    settings = os.environ | {"GNUPGHOME": str(home)}
    gpg = ["gpg", "--batch", "--quiet", "--pinentry-mode=loopback", "--passphrase="]
    run([*gpg, "--quick-generate-key", KEY, "rsa2048", "sign", "never"], settings)
    run([*gpg, "--armor", "--output", tmp_path / "asha.asc", "--export", KEY], settings)
    yield settings
    run(["gpgconf", "--kill", "all"], settings)


def run(argv: list[str | Path], environment: dict[str, str], *, good: bool = True) -> str:
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode == 0) is good, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_signed_rpm_is_good_to_who_has_the_key(
    all_rpms: Rpms, environment: dict[str, str], tmp_path: Path
) -> None:
    (built,) = (all_rpms["asha"].parent / "el6").glob("asha-[0-9]*.rpm")
    rpm = shutil.copy(built, tmp_path)
    check: list[str | Path] = ["rpm", "--dbpath", tmp_path / "db", "--define", "_pkgverify_level all"]
    run([*check, "--import", tmp_path / "asha.asc"], environment)
    assert "NOT OK" in run([*check, "-K", rpm], environment, good=False), "it is not signed yet"
    run(
        ["rpmsign", "--define", f"_gpg_name {KEY}", "--define", "__gpg /usr/bin/gpg", "--addsign", rpm],
        environment,
    )
    assert "digests signatures OK" in run([*check, "-K", rpm], environment)


def test_a_signed_repository_is_good_to_apt_and_a_changed_one_is_not(
    debs: Rpms, environment: dict[str, str], tmp_path: Path
) -> None:
    repository = shutil.copytree(debs["asha"].parent, tmp_path / "deb")
    run(["gpg", "--clearsign", "--output", repository / "InRelease", repository / "Release"], environment)
    source = f"deb [signed-by={tmp_path}/asha.asc] file:{repository} ./\n"
    assert "Version: 2" in update(tmp_path, source, environment)
    (repository / "Packages").write_text((repository / "Packages").read_text().replace("asha", "evil"))
    update(tmp_path, source, environment, good=False)


def update(folder: Path, source: str, environment: dict[str, str], *, good: bool = True) -> str:
    """Have apt read the repository with folders of its own; return what it then has of asha."""
    (folder / "sources.list").write_text(source)
    shutil.rmtree(folder / "apt", ignore_errors=True)
    (folder / "apt/lists/partial").mkdir(parents=True)
    options = [
        f"Dir::State={folder}/apt",
        f"Dir::Cache={folder}/apt",
        f"Dir::Etc::sourcelist={folder}/sources.list",
    ]
    options += [
        "Dir::Etc::sourceparts=/nonexistent",
        "APT::Sandbox::User=root",
        "Dir::State::status=/dev/null",
    ]
    given = [word for option in options for word in ("-o", option)]
    run(["apt-get", "-q", *given, "-o", "APT::Update::Error-Mode=any", "update"], environment, good=good)
    return run(["apt-cache", *given, "show", "asha"], environment) if good else ""
