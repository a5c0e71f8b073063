"""What two nodes may tell each other of the secret of their cluster engine."""

from __future__ import annotations

import hashlib

from appliance.cluster.engine import ClusterEngine

_FINGERPRINT = 16  # characters: enough to tell two secrets apart, and too few to tell anything of them


def secret_fingerprint(engine: ClusterEngine) -> str:
    """Return a fingerprint of the secret with which the nodes sign their messages, "" when there is none.

    Raises HostError, ClusterError.
    """
    if not engine.has_secret():
        return ""
    return hashlib.sha256("\0".join(("asha check", *engine.secret())).encode()).hexdigest()[:_FINGERPRINT]
