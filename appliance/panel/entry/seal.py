"""What the panel gives a browser to bring back, sealed so that nobody else can make it: no memory is needed for it."""

from __future__ import annotations

import functools
import hashlib
import hmac
import secrets
from pathlib import Path

from appliance.core.errors import HostError
from appliance.host.clock import Clock, SystemClock
from appliance.panel.entry.places import PANEL_DIR, read_own, write_own
from appliance.panel.entry.users import User

# Seconds. A form that was left open for longer is fetched anew; a browser that was not used for so long is a stranger.
FORM_VALID_FOR = 12 * 3600.0
DEVICE_VALID_FOR = 180 * 24 * 3600


class Seal:
    """Seals by a key of this node, kept in `directory`. Times are wall seconds: they outlive a boot."""

    def __init__(self, directory: Path = PANEL_DIR, clock: Clock | None = None) -> None:
        self.path = directory / "seal"
        self._clock = clock or SystemClock()

    def form(self, cookie: str) -> str:
        """What a form must bring back together with `cookie`, by a browser that is not logged in."""
        return self._sealed("form", cookie)

    def is_form(self, cookie: str, brought: str) -> bool:
        """A form of ours, given to the browser that has `cookie`, not too long ago."""
        return bool(cookie) and self._holds("form", cookie, brought, FORM_VALID_FOR)

    def device(self, user: User) -> str:
        """What a browser keeps in which `user` has logged in, to be known when he does so again."""
        name = secrets.token_hex(8)
        return f"{name}.{self._sealed('device', _owner(name, user))}"

    def known_device(self, cookie: str, user: User | None) -> str:
        """The name of the device that `cookie` makes known for `user`; "" for none. Another password makes it void."""
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
        # Each with its length, so that no two lists of words are the same bytes.
        said = "".join(f"{len(word)}:{word}" for word in words).encode(errors="surrogateescape")
        return hmac.new(self._key, said, hashlib.sha256).hexdigest()

    @functools.cached_property
    def _key(self) -> bytes:
        """Without a key that can be kept, one until the panel ends: browsers are strangers then, and can log in."""
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
