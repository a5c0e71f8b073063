"""What each contender takes on a disk: the installed sizes that dpkg and rpm give for its packages.

A package counts with every other that would have to be installed for it on a Debian that has nothing but the packages
of priority "standard" and more important ones, and what these need.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hwsim.installed import PACKAGES

_THERE_ALREADY = ("required", "important", "standard")
_FIELDS = "${db:Status-Abbrev}\t${Package}\t${Priority}\t${Installed-Size}\t${Pre-Depends}, ${Depends}\t${Provides}\n"
DEB, RPM = FORMS = (".deb", "RPM")
_OUT = Path(__file__).parents[3] / "out"
# Where the files are, how their names end, what tells the installed size, and its unit in bytes.
_BUILT = {
    DEB: ("deb", ".deb", ("dpkg-deb", "--show", "--showformat=${Installed-Size}"), 1024),
    RPM: ("rpm", ".rpm", ("rpm", "-qp", "--qf", "%{SIZE}"), 1),
}


@dataclass(frozen=True, slots=True)
class Package:
    """A package: `size` in kB (1024 bytes); `needs`: for each thing that it depends on, the names that would do."""

    size: int
    there: bool
    needs: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Size:
    """MB (10⁶ bytes): the packages that are named, and with everything that they depend on."""

    own: float
    whole: float


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of the `engines` by contender, and of `asha` by form."""

    engines: Mapping[str, Size]
    asha: Mapping[str, Size]


def installed_size(packages: Iterable[str]) -> Size:
    """Return the size of Debian packages that are installed here."""
    asked = subprocess.run(
        ["dpkg-query", "-W", "-f", _FIELDS],
        capture_output=True,
        text=True,
        check=True,
    )
    return size_of(tuple(packages), parsed(asked.stdout))


def asha_sizes() -> dict[str, Size]:
    """Return the size of asha with its private runtime in each of FORMS that was built in this tree."""
    sizes = {}
    for form, (directory, ending, asked, unit) in _BUILT.items():
        found = [sorted((_OUT / directory).glob(f"{name}[-_][0-9]*{ending}")) for name in PACKAGES]
        if all(found):
            own, *others = (int(_said(*asked, str(files[-1]))) * unit / 1e6 for files in found)
            sizes[form] = Size(own, own + sum(others))
    return sizes


def _said(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def parsed(listing: str) -> Mapping[str, Package]:
    """Return the packages of dpkg-query's `listing`, each under its name and under what it provides."""
    packages: dict[str, Package] = {}
    for line in listing.splitlines():
        status, name, priority, size, depends, provides = line.split("\t")
        if status.strip() != "ii":
            continue
        package = Package(int(size or 0), priority in _THERE_ALREADY, _needs(depends))
        packages[name] = package
        for (provided,) in _needs(provides):
            packages.setdefault(provided, package)
    return packages


def size_of(names: Sequence[str], packages: Mapping[str, Package]) -> Size:
    """Return the size of the packages `names` out of `packages`, and with all that they need."""
    there = _with_needs((one for one in packages.values() if one.there), packages)
    named = [packages[name] for name in names]
    needed = _with_needs(named, packages)
    return Size(_mb(named), _mb(one for key, one in needed.items() if key not in there))


def _with_needs(packages: Iterable[Package], every: Mapping[str, Package]) -> dict[int, Package]:
    """Return `packages` and all that they need out of `every`, by identity."""
    found: dict[int, Package] = {}
    waiting = list(packages)
    while waiting:
        package = waiting.pop()
        if id(package) not in found:
            found[id(package)] = package
            needs = (next((every[name] for name in one if name in every), None) for one in package.needs)
            waiting += [needed for needed in needs if needed is not None]
    return found


def _needs(field: str) -> list[list[str]]:
    """Return the names in a field of dpkg's: things with commas between them, each a choice with bars."""
    things = (thing.strip() for thing in field.split(",") if thing.strip())
    return [[choice.split("(")[0].split(":")[0].strip() for choice in thing.split("|")] for thing in things]


def _mb(packages: Iterable[Package]) -> float:
    return sum(package.size for package in packages) * 1024 / 1e6
