"""Write the bill of materials (CycloneDX) of the private runtime to standard output.

Usage: `write_sbom.py COMPONENTS SITE_PACKAGES`. COMPONENTS lists what was compiled, a line each: name, version, archive
and its SHA-256 with tabs between; the last two are missing for what came compiled, or inside another's archive.
SITE_PACKAGES is where the Python packages are. SOURCE_DATE_EPOCH gives the time; equal contents make equal documents.
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

# Debian's name: the name upstream, vendor and product as vulnerability databases know them (CPE), and the licence.
_COMPILED = {
    "python3.11": ("cpython", "python:python", "PSF-2.0"),
    "zlib": ("zlib", "zlib:zlib", "Zlib"),
    "libffi": ("libffi", "libffi_project:libffi", "MIT"),
    "sqlite3": ("sqlite", "sqlite:sqlite", "blessing"),
    "openssl": ("openssl", "openssl:openssl", "Apache-2.0"),
    "expat": ("expat", "libexpat_project:libexpat", "MIT"),
    "libmpdec": ("libmpdec", "bytereef:libmpdec", "BSD-2-Clause"),
    "musl": ("musl", "musl-libc:musl", "MIT"),
}
_LICENCES = LicenseFactory()
# What a package says that names no licence by its SPDX name.
_SPDX = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",
    "License :: OSI Approved :: MIT License": "MIT",
}


def compiled(listed: str) -> Iterator[Component]:
    """Yield what was compiled into the runtime. Raises KeyError for what `_COMPILED` does not know."""
    for line in listed.splitlines():
        debian_name, version, *archive = line.split("\t")
        name, known_as, licence = _COMPILED[debian_name]
        version = version.removesuffix(".dfsg")  # Debian has left something out that is not free
        yield Component(
            name=name,
            version=version,
            bom_ref=f"pkg:generic/{name}@{version}",
            purl=PackageURL(type="generic", name=name, version=version),
            cpe=f"cpe:2.3:a:{known_as}:{version}:*:*:*:*:*:*:*",
            licenses=[_LICENCES.make_from_string(licence)],
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=archive[1])] if archive else [],
        )


def installed(site_packages: Path) -> Iterator[Component]:
    """Yield the Python packages in `site_packages`."""
    for package in distributions(path=[str(site_packages)]):
        name = package.name.lower().replace("_", "-")
        url = PackageURL(type="pypi", name=name, version=package.version)
        yield Component(
            name=name,
            version=package.version,
            bom_ref=str(url),
            purl=url,
            licenses=[_LICENCES.make_from_string(_licence(package))],
        )


def _licence(package: Distribution) -> str:
    """Return the licence that a package names, as SPDX writes it.

    Raises KeyError when it names none that is known here.
    """
    words = package.metadata.get_all("License-Expression", [])
    for classifier in package.metadata.get_all("Classifier", []):
        if classifier.startswith("License ::"):
            words.append(_SPDX[classifier])
    words += package.metadata.get_all("License", [])
    if not words:
        raise KeyError(f"{package.name} names no licence")
    return str(words[0])


def document(parts: list[Component], made_at: datetime) -> str:
    """Return the document as JSON. Its serial number is that of its contents."""
    parts = sorted(parts, key=lambda part: str(part.purl))
    bom = Bom(components=parts)
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(str(part.purl) for part in parts))
    bom.metadata.timestamp = made_at
    runtime = Component(name="asha-runtime", type=ComponentType.PLATFORM, bom_ref="asha-runtime")
    bom.metadata.component = runtime
    bom.register_dependency(runtime, parts)
    outputter = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6)
    return outputter.output_as_string(indent=1) + "\n"


if __name__ == "__main__":
    components, site = sys.argv[1:]
    epoch = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
    sys.stdout.write(document([*compiled(Path(components).read_text()), *installed(Path(site))], epoch))
