"""What the schema can do with a conf as a whole."""

from __future__ import annotations

from dataclasses import replace

from appliance.config import Conf
from appliance.config.schema import KEYS, without_secrets


def test_without_secrets_none_is_left_and_nothing_else_is_changed() -> None:
    secret = {key.field: f"the {key.field}" for key in KEYS if key.secret}
    assert len(secret) >= 4
    full = replace(Conf(), cluster_ip="192.168.1.5", **secret)
    plain = without_secrets(full)
    assert not any(value in repr([getattr(plain, field) for field in secret]) for value in secret.values())
    assert plain == replace(Conf(), cluster_ip="192.168.1.5")
