"""How long hypothesis may look: short in every run, long by ASHA_HYPOTHESIS=long.

The short one takes the same examples every time: what decides whether a change is good must give the same answer
twice. The search for what nobody thought of is the long one's.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)
settings.register_profile(
    "pair-short",
    max_examples=12,
    derandomize=True,
    stateful_step_count=20,
    deadline=None,
    print_blob=True,
    suppress_health_check=_SLOW,
)
settings.register_profile(
    "pair-long",
    max_examples=2000,
    stateful_step_count=60,
    deadline=None,
    print_blob=True,
    suppress_health_check=_SLOW,
)
PROFILE = settings.get_profile("pair-long" if os.environ.get("ASHA_HYPOTHESIS") == "long" else "pair-short")
