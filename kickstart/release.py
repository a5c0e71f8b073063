"""The releases of Enterprise Linux for which asha has kickstart files."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Release:
    """One major release; the templates decide by `major` what differs between releases."""

    major: int

    @property
    def name(self) -> str:
        """The name as it is used in file names, such as el9."""
        return f"el{self.major}"

    @property
    def syntax(self) -> str:
        """The name that ksvalidator has for the syntax of the release's installer, such as RHEL9."""
        return f"RHEL{self.major}"


RELEASES = tuple(Release(major) for major in (5, 7, 8, 9, 10))
RELEASE_BY_NAME = {release.name: release for release in RELEASES}
