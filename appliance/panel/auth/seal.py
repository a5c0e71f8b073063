"""Sealed values that a browser keeps and brings back; the panel need not remember them.

The seal is an HMAC, so nobody without the key of the node can make such a value.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import secrets
from pathlib import Path

from appliance.core.errors import HostError
from appliance.host.clock import Clock, SystemClock
from appliance.host.paths import PANEL_DIR
from appliance.panel.auth.files import read_own, write_own
from appliance.panel.auth.users import User

# Seconds. A form that was left open for longer must be fetched again; a browser in which the user has not
# logged in for so long is treated as a stranger.
FORM_VALID_FOR = 12 * 3600.0
DEVICE_VALID_FOR = 180 * 24 * 3600


class Seal:
    """Seals made with a key of this node, which is kept in `directory`.

    Times are in epoch seconds, because seals outlive a reboot.
    """

    def __init__(self, directory: Path = PANEL_DIR, clock: Clock | None = None) -> None:
        self.path = directory / "seal"
        self._clock = clock or SystemClock()

    def form(self, cookie: str) -> str:
        """Return the token that a form must bring back with `cookie` before anybody is logged in."""
        return self._sealed("form", cookie)

    def is_form(self, cookie: str, brought: str) -> bool:
        """Return whether `brought` is an unexpired form token, made for the browser that has `cookie`."""
        return bool(cookie) and self._holds("form", cookie, brought, FORM_VALID_FOR)

    def single_sign_on(self, user: User) -> str:
        """Return the token that the forms of a user bring back whom the site's proxy has logged in."""
        return self._mac("single sign-on", user.name, user.role)

    def device(self, user: User) -> str:
        """Return the cookie value that makes this browser known at the next login of `user`."""
        name = secrets.token_hex(8)
        return f"{name}.{self._sealed('device', _owner(name, user))}"

    def known_device(self, cookie: str, user: User | None) -> str:
        """Return the name of the browser that `cookie` makes known for `user`, or "" if it makes none known.

        A change of the user's password makes the cookie void.
        """
        name, _, seal = cookie.partition(".")
        if user is None or not self._holds("device", _owner(name, user), seal, DEVICE_VALID_FOR):
            return ""
        return name

    def _sealed(self, purpose: str, what: str) -> str:
        at = f"{self._clock.wall():.0f}"
        return f"{at}.{self._mac(purpose, at, what)}"

    def _holds(self, purpose: str, what: str, seal: str, valid_for: float) -> bool:
        at, _, mac = seal.partition(".")
        if not hmac.compare_digest(mac.encode(errors="replace"), self._mac(purpose, at, what).encode()):
            return False
        return self._clock.wall() - float(at) < valid_for

    def _mac(self, *words: str) -> str:
        # Each word is preceded by its length, so that no two lists of words give the same bytes.
        said = "".join(f"{len(word)}:{word}" for word in words).encode(errors="surrogateescape")
        return hmac.new(self._key, said, hashlib.sha256).hexdigest()

    @functools.cached_property
    def _key(self) -> bytes:
        """The key of this node, made and written when there is none.

        If the key cannot be read or written, a random key serves until the panel ends. Every browser is a
        stranger after a restart then, but can still log in.
        """
        fresh = secrets.token_hex(32)
        try:
            kept = (read_own(self.path) or "").strip()
            if len(kept) == len(fresh):
                return kept.encode()
            write_own(self.path, f"{fresh}\n")
        except HostError:
            pass
        return fresh.encode()


def _owner(name: str, user: User) -> str:
    return f"{name} {user.name} {user.stamp}"
