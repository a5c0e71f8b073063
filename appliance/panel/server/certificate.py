"""TLS certificate of the page: self-signed, unless the site brings its own (PANELCERT, PANELKEY).

The `openssl` command makes the certificate, with options that version 0.9.8 knows. Its key is made once and
stays: a renewal puts only one file in place, so an interruption always leaves a certificate and key that fit.
"""

from __future__ import annotations

import base64
import grp
import hashlib
import re
import ssl
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from appliance.core.errors import HostError
from appliance.host.disk import replace_file
from appliance.host.leftovers import temporary_mark
from appliance.host.paths import PANEL_USER
from appliance.host.process import find_program, run

# Apple's telephones and tablets refuse a certificate that is valid for longer, even one trusted by hand.
VALID_DAYS = 825
# With fewer days left, `asha check` says that the certificate must be renewed.
WARN_DAYS = 30
_DEADLINE = 120.0  # seconds: a slow machine without much randomness
_DNS_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,62})", re.ASCII)
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Facts of a certificate: expiry in epoch seconds, and the SHA-256 fingerprint as browsers show it."""

    expires: float
    fingerprint: str


def read_certificate(cert: Path) -> Certificate:
    """Return the facts of the certificate at `cert`. Raises HostError."""
    try:
        found = _PEM.search(cert.read_text(encoding="ascii", errors="replace"))
        der = base64.b64decode(found.group(1)) if found else b""
    except (OSError, ValueError) as problem:
        raise HostError(
            f"{cert} could not be read: {problem}.", todo="'asha panel certificate' makes it."
        ) from problem
    said = run([find_program("openssl"), "x509", "-noout", "-enddate", "-in", cert], deadline=10.0)
    _, is_date, date = said.output.strip().partition("notAfter=")
    if not said.ok or not is_date or not der:
        raise HostError(f"{cert} is no certificate: {said.explain()}.")
    digest = hashlib.sha256(der).hexdigest().upper()
    return Certificate(
        float(ssl.cert_time_to_seconds(date)), ":".join(digest[at : at + 2] for at in range(0, 64, 2))
    )


def days_left(certificate: Certificate, wall: float) -> int:
    """Return the whole days until the certificate expires; negative once it has expired."""
    return int((certificate.expires - wall) // 86400)


def make_certificate(
    cert: Path, key: Path, names: Iterable[str], addresses: Iterable[str], *, renew: bool = False
) -> bool:
    """Make a certificate for `names` and `addresses` at `cert`; the first name is the node's own.

    An existing certificate stays, unless `renew`; an existing key always stays. Return True when a
    certificate was made. Raises HostError.
    """
    if cert.exists() and not renew:
        if not key.exists():
            raise HostError(
                f"{cert} is there and its key {key} is not.", todo="Put it there, or use --renew."
            )
        return False
    try:
        _make(cert, key, _config(tuple(names), tuple(addresses)))
    except OSError as problem:
        where = problem.filename or cert
        raise HostError(f"The certificate could not be made: {where}: {problem.strerror}.") from problem
    return True


def _make(cert: Path, key: Path, config: str) -> None:
    openssl = find_program("openssl")
    cert.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", suffix=temporary_mark(), dir=cert.parent) as folder:
        work = Path(folder)
        if not key.exists():
            _make_key(openssl, key, work)
        (work / "config").write_text(config, encoding="ascii")
        words: list[str | Path] = ["req", "-new", "-x509", "-batch", "-days", str(VALID_DAYS)]
        words += ["-config", work / "config", "-key", key, "-out", work / "crt"]
        _openssl([openssl, *words], work)
        replace_file(cert, (work / "crt").read_bytes(), 0o644)


def _make_key(openssl: Path, key: Path, work: Path) -> None:
    _openssl([openssl, "genrsa", "-out", work / "key", "2048"], work)
    try:
        group = grp.getgrnam(PANEL_USER).gr_gid
    except KeyError:
        group = 0  # no package was installed here: the key is for root alone
    key.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    status = key.parent.stat()
    owner = (status.st_uid, group) if status.st_uid == 0 else None
    replace_file(key, (work / "key").read_bytes(), 0o640 if owner and group else 0o600, owner)


def _openssl(argv: list[str | Path], work: Path) -> None:
    # OpenSSL 0.9.8 keeps its random state in HOME.
    done = run(argv, deadline=_DEADLINE, env={"HOME": str(work), "LC_ALL": "C"})
    if not done.ok:
        raise HostError(f"The certificate could not be made: {done.explain()}.")


def _config(names: tuple[str, ...], addresses: tuple[str, ...]) -> str:
    known = list(dict.fromkeys(name for name in (*names, "localhost") if _DNS_NAME.fullmatch(name)))
    numbers = list(dict.fromkeys((*addresses, "127.0.0.1")))
    entries = [f"DNS.{at} = {name}" for at, name in enumerate(known, 1)]
    entries += [f"IP.{at} = {address}" for at, address in enumerate(numbers, 1)]
    return "\n".join(
        (
            "[req]",
            "distinguished_name = who",
            "x509_extensions = what",
            "prompt = no",
            "default_md = sha256",
            "[who]",
            f"CN = {known[0]}",
            "[what]",
            "basicConstraints = critical, CA:FALSE",
            "keyUsage = critical, digitalSignature, keyEncipherment",
            "extendedKeyUsage = serverAuth",
            "subjectAltName = @names",
            "[names]",
            *entries,
            "",
        )
    )
