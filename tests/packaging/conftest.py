"""The RPMs that are tried, and fresh hosts to try them on."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from debian_host import DebianHost, debian_root
from hosts import Host, ok
from systemd_host import SystemdHost

from kickstart.build import build
from kickstart.site import load

TREE = Path(__file__).parents[2]
HERE = Path(__file__).parent
CORE = ("asha", "asha-hwsim", "asha-runtime")
PACKAGES = (*CORE, "el5sarkha", "smesarkha")

Rpms = dict[str, Path]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--debian", default="bookworm", help="the release of Debian whose packages are tried")
    parser.addoption(
        "--archive",
        nargs=2,
        default=(),
        metavar=("URL", "KEYRING"),
        help="where that release is when it is not Debian's, such as noble of Ubuntu, and the keys that have signed it",
    )


def _rpms_in(folder: Path) -> Rpms:
    found = {name: list(folder.glob(f"{name}-[0-9]*.rpm")) for name in PACKAGES}
    assert all(len(files) == 1 for files in found.values()), f"in {folder} there is not one of each: {found}"
    return {name: files[0] for name, files in found.items()}


def _debs_in(folder: Path) -> Rpms:
    found = {name: list(folder.glob(f"{name}_*.deb")) for name in CORE}
    assert all(len(files) == 1 for files in found.values()), f"in {folder} there is not one of each: {found}"
    return {name: files[0] for name, files in found.items()}


def _core(rpms: Rpms) -> Rpms:
    return {name: rpms[name] for name in CORE}


def rpmbuild(spec: Path, out: Path, **defines: str | Path) -> Path:
    """Build `spec`, which makes one package, the way `make rpm` builds."""
    given = [word for name, value in defines.items() for word in ("--define", f"{name} {value}")]
    argv = [
        *("rpmbuild", "--quiet", "-bb", "--nodeps", f"--load={TREE / 'rpm/macros'}"),
        *("--define", f"_topdir {out / 'work'}", "--define", f"_rpmdir {out}", *given, spec),
    ]
    subprocess.run(argv, check=True, timeout=120)
    (made,) = out.rglob("*.rpm")
    return made


@pytest.fixture(scope="session")
def all_rpms() -> Rpms:
    """What `make rpm` has built."""
    return _rpms_in(TREE / "out/rpm")


@pytest.fixture(scope="session")
def rpms(all_rpms: Rpms) -> Rpms:
    """Of these, those that every host can have."""
    return _core(all_rpms)


@pytest.fixture(scope="session")
def next_rpms() -> Rpms:
    """The same, one release on: `make test-packaging` has built it."""
    return _core(_rpms_in(TREE / "out/rpm-next"))


@pytest.fixture(scope="session")
def debs() -> Rpms:
    """What `make deb` has built."""
    return _debs_in(TREE / "out/deb")


@pytest.fixture(scope="session")
def next_debs() -> Rpms:
    """The same, one release on: `make test-packaging` has built it."""
    return _debs_in(TREE / "out/deb-next")


def _root(config: pytest.Config) -> Path:
    return debian_root(config.getoption("--debian"), config.getoption("--archive"))


@pytest.fixture
def debian(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DebianHost]:
    """A Debian booted with systemd, with little more than that on it."""
    host = DebianHost(tmp_path / "debian", _root(request.config))
    try:
        host.up()
        yield host
    finally:
        host.down()


@pytest.fixture(scope="session")
def el5_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The RPM that is an EL5-like system."""
    out = tmp_path_factory.mktemp("el5")
    return rpmbuild(HERE / "el5/base.spec", out, stand_ins=HERE / "el5", busybox="/bin/busybox")


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stand-in for asha-1.0.0-2: its version and its conf file, which is the original's."""
    out = tmp_path_factory.mktemp("original")
    return rpmbuild(HERE / "original/asha.spec", out, conf=TREE / "tests/unit/config/asha-1.0.0-2.conf")


@pytest.fixture
def make_el5(el5_base: Path, tmp_path: Path) -> Iterator[Callable[[], Host]]:
    """Makes EL5-like hosts, switched off."""
    made: list[Host] = []

    def make() -> Host:
        host = Host(tmp_path / f"host{len(made)}")
        made.append(host)
        ok(host.rpm("-Uvh", el5_base))
        return host

    yield make
    for host in made:
        host.down()


@pytest.fixture
def el5(make_el5: Callable[[], Host]) -> Host:
    """An EL5-like host that runs, with nothing of ours on it."""
    host = make_el5()
    host.up()
    return host


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[SystemdHost]:
    """This system booted with systemd, with nothing of ours."""
    host = SystemdHost(tmp_path / "systemd")
    try:
        host.up()
        ok(host.rpm("-Uvh", *host.bring({"shell": rpmbuild(HERE / "shell.spec", tmp_path / "shell")})))
        yield host
    finally:
        host.down()


@pytest.fixture
def installed(el5: Host, rpms: Rpms) -> Host:
    """The same with all our packages."""
    ok(el5.rpm("-Uvh", *rpms.values()))
    return el5


@pytest.fixture
def empty(tmp_path: Path, rpms: Rpms) -> Host:
    """A root with nothing but the files of asha and its runtime, unpacked."""
    host = Host(tmp_path / "empty")
    for folder in ("proc", "sys", "tmp"):
        host.path(folder).mkdir()
    for name in ("asha-runtime", "asha"):
        unpack = f"rpm2cpio {rpms[name]} | cpio --quiet -idm -D {host.root}"
        subprocess.run(["sh", "-c", unpack], check=True, timeout=60)
    return host


@pytest.fixture(scope="session")
def kickstarts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make kickstart` makes of the example with Heartbeat, which every release runs, in a folder of its own."""
    folder = tmp_path_factory.mktemp("kickstart")
    text = (TREE / "kickstart/site.example.toml").read_text()
    (folder / "site.toml").write_text(text.replace('\nengine = ""', '\nengine = "heartbeat"'))
    build(load(folder / "site.toml"), TREE / "out/rpm", folder / "out")
    return folder / "out"
