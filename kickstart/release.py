"""The releases of Enterprise Linux that asha installs itself on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Release:
    """One major release; what differs between them is decided in the templates by `major`."""

    major: int

    @property
    def name(self) -> str:
        """As the files are called: el9."""
        return f"el{self.major}"

    @property
    def syntax(self) -> str:
        """As ksvalidator calls what its installer understands: RHEL9."""
        return f"RHEL{self.major}"


RELEASES = tuple(Release(major) for major in (5, 7, 8, 9, 10))
RELEASE_BY_NAME = {release.name: release for release in RELEASES}
