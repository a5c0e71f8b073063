"""What the design says of the tree as a whole, held by reading the tree."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = {".ci", "appliance", "deb", "deploy", "docs", "hwsim", "kickstart", "rpm", "tests"}
LONGEST_FILE = 450  # lines
CLOCK = Path("appliance/host/clock.py")
PROCESS_ROOM = Path("appliance/host")
VIRTUAL_TIME = Path("hwsim/virtual")

SLEEPS_OR_READS_WALL = re.compile(r"^time\.(sleep|time)$")
STARTS_PROCESSES = re.compile(
    r"^(subprocess|pty|asyncio\.subprocess|asyncio\.create_subprocess_\w+|multiprocessing"
    r"|os\.(system|popen|fork\w*|exec\w+|spawn\w+|posix_spawn\w*)|\w+\.subprocess_(exec|shell))($|\.)"
)
SKIPS = re.compile(r"^pytest\.(skip|xfail|importorskip|mark\.(skip|skipif|xfail))$|^unittest\.skip")
PIN = re.compile(r"[\w.-]+==[\w.]+(\s+--hash=sha256:[0-9a-f]{64})+")
# Written so that this file does not contain them.
MACHINE_PATH = re.compile(
    r"(?<![\w.])/"
    + r"(?:work/(?:main|shared|\.)|tmp/[vp]/|root/\.pyenv|opt/(?:wheels|pypi))"
    + r"|\.lib"
    + r"rary/"
)


def repository_files() -> list[Path]:
    """Every file that is in the repository, or would be after `git add .`."""
    argv = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=20, check=True).stdout
    return sorted(
        {path for name in listing.split("\0") if name and (path := Path(name)) and (ROOT / path).is_file()}
    )


def python_files(*folders: str) -> list[Path]:
    found = [path for path in repository_files() if path.suffix == ".py" and path.parts[0] in folders]
    assert found, f"no Python in {folders}: the test would pass whatever the code is"
    return found


def text_of(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


@functools.cache
def names_used(path: Path) -> tuple[tuple[int, str], ...]:
    """Line and dotted name of every import and every attribute chain: `time.sleep`, `os.fork`."""
    return tuple(_names_used(path))


def _names_used(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(text_of(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield node.lineno, _dotted(node)


def _dotted(node: ast.expr) -> str:
    """`a.b.c`; what is no name, such as a call, is written as "…". `ast.unparse` would take seconds for the tree."""
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "…"


def offences(paths: list[Path], wrong: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{line} {name}" for path in paths for line, name in names_used(path) if wrong.search(name)
    ]


def mentions(folder: str, word: str) -> list[str]:
    files = [path for path in repository_files() if path.parts[0] == folder]
    return [str(path) for path in files if re.search(rf"\b{word}\b", text_of(path))]


def test_top_level_folders_are_those_of_the_design() -> None:
    assert {path.parts[0] for path in repository_files() if len(path.parts) > 1} == FOLDERS


def test_no_file_grows_beyond_reading() -> None:
    sizes = {path: len(text_of(path).splitlines()) for path in python_files("appliance", "hwsim")}
    assert {str(path): lines for path, lines in sizes.items() if lines > LONGEST_FILE} == {}


def test_only_the_clock_sleeps_or_reads_the_wall_clock() -> None:
    paths = [path for path in python_files("appliance") if path != CLOCK]
    assert offences(paths, SLEEPS_OR_READS_WALL) == []


def test_only_one_room_starts_processes() -> None:
    paths = [path for path in python_files("appliance") if PROCESS_ROOM not in path.parents]
    assert offences(paths, STARTS_PROCESSES) == []


def test_the_two_finders_find() -> None:
    """The rules above see what the two exempt places do."""
    assert offences([CLOCK], SLEEPS_OR_READS_WALL)
    assert offences([PROCESS_ROOM / "process.py"], STARTS_PROCESSES)


def test_product_and_simulator_do_not_know_each_other() -> None:
    assert mentions("appliance", "hwsim") == []
    outside = [path for path in mentions("hwsim", "appliance") if VIRTUAL_TIME not in Path(path).parents]
    assert outside == []


def test_virtual_time_knows_of_the_product_its_core_only() -> None:
    known = {
        name
        for path in repository_files()
        if VIRTUAL_TIME in path.parents
        for name in re.findall(r"\bappliance\.(\w+)", text_of(path))
    }
    assert known == {"core"}


def test_a_class_name_stands_for_one_thing() -> None:
    """A search for a name of the product finds what it is, and nothing else."""
    defined: dict[str, list[str]] = {}
    for path in python_files("appliance"):
        for node in ast.walk(ast.parse(text_of(path))):
            if isinstance(node, ast.ClassDef):
                defined.setdefault(node.name, []).append(f"{path}:{node.lineno}")
    assert {name: places for name, places in defined.items() if len(places) > 1} == {}


def test_no_test_skips() -> None:
    assert offences(python_files("tests"), SKIPS) == []


def test_test_files_have_names_of_their_own() -> None:
    names = [path.name for path in python_files("tests") if path.name != "conftest.py"]
    assert sorted(names) == sorted(set(names))


def test_the_licence_is_the_one_declared() -> None:
    project = tomllib.loads(text_of(Path("pyproject.toml")))["project"]
    heading = " ".join(text_of(Path("LICENSE")).split()[:7])
    assert project["license"] == {"text": "GPL-2.0-or-later"}
    assert heading == "GNU GENERAL PUBLIC LICENSE Version 2, June"


def test_pinned_packages_are_those_the_project_declares() -> None:
    declared = tomllib.loads(text_of(Path("pyproject.toml")))["project"]["dependencies"]
    asked = [line for line in text_of(Path("requirements.in")).splitlines() if line and line[0] not in "#-"]
    assert sorted(asked) == sorted(declared)


def test_every_pinned_package_has_a_hash_and_comes_from_no_place_in_particular() -> None:
    for name in (
        "requirements.txt",
        "requirements-dev.txt",
        "requirements-source.txt",
        "requirements-docs.txt",
        "requirements-deploy.txt",
    ):
        code = re.sub(r"^\s*#.*\n", "", text_of(Path(name)), flags=re.MULTILINE)
        pins = [line.strip() for line in re.sub(r"\\\n", "", code).splitlines() if line.strip()]
        assert pins
        assert [pin for pin in pins if not PIN.fullmatch(pin)] == []


def test_nothing_names_the_machine_it_was_written_on() -> None:
    found = [
        f"{path}: {match.group()}"
        for path in repository_files()
        if (match := MACHINE_PATH.search(text_of(path)))
    ]
    assert found == []


PLACES = (Path("appliance/host/paths.py"), Path("appliance/host/agent_socket.py"))
OWN_PLACE = re.compile(r"/(?:etc|run|var/lib)/asha(?:\.conf|/[\w./-]*)?")


def test_one_module_names_the_places_of_ashas_own_files() -> None:
    named = [
        f"{path}:{node.lineno}: {node.value}"
        for path in python_files("appliance")
        # A default of the conf file is a value of a key, written where the key is declared.
        if path not in PLACES and path.parts[1] != "config"
        for node in ast.walk(ast.parse(text_of(path)))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and OWN_PLACE.fullmatch(node.value)
    ]
    assert named == []
