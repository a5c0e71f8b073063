"""Whatever a command prints as JSON in these tests is held to the document that it has declared."""

from __future__ import annotations

from typing import Any

import click
import pytest

from appliance.cli import output
from appliance.core.as_json import read_as, to_json


@pytest.fixture(autouse=True)
def documents_are_what_was_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    def checked(value: Any) -> Any:
        document, context = to_json(value), click.get_current_context(silent=True)
        found = output.declared(context.command) if context is not None else None
        if found is not None and not isinstance(value, output.ErrorTold):
            # As a program reads it: no key is missing, none is too many, and each is of its type.
            assert to_json(read_as(found.kind, document)) == document
        return document

    monkeypatch.setattr(output, "to_json", checked)
