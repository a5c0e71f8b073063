"""The runtime's bill of materials is valid CycloneDX, and names what is there."""

from __future__ import annotations

import json
import re
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from conftest import TREE, Rpms

_SCHEMAS = files("cyclonedx.schema") / "_res"
# What each of them says of itself.
_SAY = """
import decimal, platform, pyexpat, sqlite3, ssl, zlib
print("cpython", platform.python_version())
print("openssl", ssl.OPENSSL_VERSION.split()[1])
print("sqlite", sqlite3.sqlite_version)
print("zlib", zlib.ZLIB_VERSION)
print("expat", pyexpat.EXPAT_VERSION.removeprefix("expat_"))
print("libmpdec", decimal.__libmpdec_version__)
"""


@pytest.fixture(scope="module")
def runtime(rpms: Rpms, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked runtime, as root folder."""
    root = tmp_path_factory.mktemp("runtime")
    unpack = f"rpm2cpio {rpms['asha-runtime']} | cpio --quiet -idm -D {root}"
    subprocess.run(["sh", "-c", unpack], check=True, timeout=60)
    return root


@pytest.fixture(scope="module")
def sbom(runtime: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((runtime / "opt/asha/runtime/sbom.cdx.json").read_text())
    return document


def test_it_is_valid(sbom: dict[str, Any]) -> None:
    names = [f"{name}.SNAPSHOT.schema.json" for name in ("bom-1.6", "spdx", "jsf-0.82")]
    schemas = {name: json.loads((_SCHEMAS / name).read_text()) for name in names}
    registry = jsonschema_rs.Registry(
        [(f"http://cyclonedx.org/schema/{name}", schema) for name, schema in schemas.items()]
    )
    jsonschema_rs.validator_for(schemas[names[0]], registry=registry).validate(sbom)


def test_it_names_what_was_compiled(runtime: Path, sbom: dict[str, Any]) -> None:
    said = subprocess.run(
        ["chroot", runtime, "/opt/asha/runtime/bin/python3.11", "-IBc", _SAY],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    ).stdout
    listed = {part["name"]: part["version"] for part in sbom["components"]}
    for name, version in (line.split() for line in said.splitlines()):
        assert listed[name] == version
    assert {"musl", "libffi"} <= set(listed)


def test_it_names_every_python_package(sbom: dict[str, Any]) -> None:
    pinned = set(re.findall(r"^([a-z0-9.-]+==[^ ]+)", (TREE / "requirements.txt").read_text(), re.M))
    listed = {part["purl"] for part in sbom["components"] if part["purl"].startswith("pkg:pypi/")}
    assert {
        url.removeprefix("pkg:pypi/").replace("@", "==").replace("jaraco.functools", "jaraco-functools")
        for url in listed
    } == pinned
    assert [part["name"] for part in sbom["components"] if not part["licenses"]] == []
