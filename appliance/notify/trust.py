"""CA certificates by which a mail or web server is believed: those of this machine's distribution, or the site's own.

The private runtime cannot know where they are: it was not built for one distribution.
"""

from __future__ import annotations

import os
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path

from appliance.config import Conf
from appliance.core.errors import HostError

# Where distributions keep the certificates of every CA in one file (docs/facts/resolver.md).
PLACES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),  # Debian, Ubuntu, Gentoo
    Path("/etc/pki/tls/certs/ca-bundle.crt"),  # EL5 and later, SME Server; from EL7 on a link to the next
    Path("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"),  # EL7 and later, where that link is gone
    Path("/etc/ssl/ca-bundle.pem"),  # SUSE
    Path("/etc/ssl/cert.pem"),  # Alpine
)
# Bytes. OpenSSL reads the whole file; all CAs of a distribution take a quarter of a megabyte.
_LIMIT = 16 * 1024 * 1024
_TODO = "Name a file of CA certificates (PEM) in NOTIFYCA."


class NoTrust(HostError):
    """No certificate by which a server could be believed; nothing is sent."""


@dataclass(frozen=True, slots=True)
class Trust:
    """The CA certificates in the file `named`, or those of the distribution when it is "".

    SSL_CERT_FILE in the environment stands before the distribution's `places`, as with every program that
    uses OpenSSL.
    """

    named: str = ""
    places: tuple[Path, ...] = PLACES

    def file(self) -> Path:
        """Return the file with the certificates. Raises NoTrust."""
        if self.named:
            return _usable(Path(self.named), "NOTIFYCA")
        if given := os.environ.get("SSL_CERT_FILE"):
            return _usable(Path(given), "SSL_CERT_FILE")
        for place in self.places:
            if place.exists():
                return _usable(place, "this system's CA certificates")
        looked = ", ".join(map(str, self.places))
        raise NoTrust(
            f"There are no CA certificates on this system (looked for {looked}).",
            todo=f"Install the package ca-certificates. {_TODO}",
        )

    def context(self) -> ssl.SSLContext:
        """Return what a connection by TLS needs; it checks the certificate and the name. Raises NoTrust."""
        place = self.file()
        try:
            return ssl.create_default_context(cafile=str(place))
        except (OSError, ValueError) as problem:  # ssl.SSLError is an OSError
            why = getattr(problem, "reason", "") or getattr(problem, "strerror", "") or problem
            raise NoTrust(
                f"{place} holds no CA certificate that can be read ({why}).", todo=_TODO
            ) from problem

    def explain(self, problem: ssl.SSLCertVerificationError) -> str:
        """Return why a server is not believed, and by which certificates."""
        try:
            place = self.file()
        except NoTrust as gone:  # since the connection was begun
            return f"{problem}; {gone}"
        return f"{problem}; believed are the CA certificates in {place} (NOTIFYCA names another file)"


def wants_trust(conf: Conf) -> bool:
    """Return whether any way of `conf` goes by TLS, or the site has named CA certificates all the same."""
    mail = bool(conf.mail_to and conf.notify_smtp and (conf.notify_tls or conf.notify_user))
    return mail or conf.notify_webhook.casefold().startswith("https:") or bool(conf.notify_ca)


def _usable(place: Path, what: str) -> Path:
    """Return `place` if it is a plain file of a bounded size. Raises NoTrust; `what` says who has named it."""
    try:
        found = place.stat()
    except OSError as problem:
        raise NoTrust(f"{place} ({what}) cannot be read: {problem.strerror}.", todo=_TODO) from problem
    if not stat.S_ISREG(found.st_mode):  # OpenSSL would wait for what comes out of a pipe
        raise NoTrust(f"{place} ({what}) is not a plain file.", todo=_TODO)
    if found.st_size > _LIMIT:
        raise NoTrust(
            f"{place} ({what}) is longer than the {_LIMIT} bytes that are the most here.", todo=_TODO
        )
    return place
