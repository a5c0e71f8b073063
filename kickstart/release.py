"""The releases of Enterprise Linux for which asha has kickstart files."""

from __future__ import annotations

from dataclasses import dataclass

HEARTBEAT, PACEMAKER = "heartbeat", "pacemaker"
ENGINES = (HEARTBEAT, PACEMAKER)
# The first release whose Corosync asha can run (docs/facts/packaging.md).
_FIRST_WITH_PACEMAKER = 8
# The first release whose rpm takes SHA-256 digests, the only ones that a host in FIPS mode takes.
_FIRST_WITH_SHA256 = 6


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

    @property
    def engine(self) -> str:
        """The cluster engine that the release's own repositories have, or had."""
        return PACEMAKER if self.major >= _FIRST_WITH_PACEMAKER else HEARTBEAT

    def runs(self, engine: str) -> bool:
        """Tell whether a pair with the cluster engine `engine` can run on it."""
        return engine in (HEARTBEAT, self.engine)

    @property
    def packages(self) -> str:
        """The folder of a medium with our packages: their digests are those that the release's rpm takes."""
        return "rpm" if self.major < _FIRST_WITH_SHA256 else "rpm-el6"


RELEASES = tuple(Release(major) for major in (5, 7, 8, 9, 10))
RELEASE_BY_NAME = {release.name: release for release in RELEASES}
