"""OpenAPI 3.0 description of the API, which the tests use as well."""

from __future__ import annotations

from typing import Any

from appliance import __version__
from appliance.panel.render.action_list import BY_SLUG

Schema = dict[str, Any]
_ERROR: Schema = {
    "type": "object",
    "required": ["error", "todo"],
    "properties": {"error": {"type": "string"}, "todo": {"type": "string"}},
}
_OBJECT: Schema = {"type": "object"}
_LIST: Schema = {"type": "array", "items": _OBJECT}
_VALUES: Schema = {
    "type": "object",
    "maxProperties": 100,
    "additionalProperties": {"type": "string", "maxLength": 1000},
}


def document(root: str) -> Schema:
    """Return the description of the API, served under the path prefix `root` ("" for none)."""
    return {
        "openapi": "3.0.3",
        "info": {"title": "asha", "version": __version__},
        "servers": [{"url": root or "/"}],
        "security": [{"session": []}],
        "components": {
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "__Host-asha"}}
        },
        "paths": _PATHS,
    }


def _answers(schema: Schema, *more: int) -> Schema:
    said = {"200": {"description": "done", "content": {"application/json": {"schema": schema}}}}
    for code in (401, 500, 503, 504, *more):
        said[str(code)] = {"description": "refused", "content": {"application/json": {"schema": _ERROR}}}
    return said


def _look(summary: str, schema: Schema) -> Schema:
    return {"get": {"summary": summary, "responses": _answers(schema, 409)}}


def _list(summary: str, most: int) -> Schema:
    newest = {
        "name": "newest",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": most},
        "description": "at most so many",
    }
    return {"get": {"summary": summary, "parameters": [newest], "responses": _answers(_LIST, 400, 409)}}


def _change(summary: str, schema: Schema, required: list[str]) -> Schema:
    body = {"type": "object", "properties": schema, "required": required}
    token = {"name": "X-CSRF", "in": "header", "required": True, "schema": {"type": "string"}}
    return {
        "summary": summary,
        "description": "Operators only. X-CSRF is what /api/me says.",
        "parameters": [token],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": _answers(_OBJECT, 400, 403, 409, 413),
    }


_SLUG: Schema = {
    "name": "slug",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "enum": sorted(BY_SLUG)},
}
_MORE: Schema = {"seconds": {"type": "integer", "minimum": 60, "maximum": 86400}, "why": {"type": "string"}}
_PATHS: Schema = {
    "/api/me": _look("who is logged in, and the token for changes", _OBJECT),
    "/api/status": _look("the state now", _OBJECT),
    "/api/journal": _list("the journal, oldest first", 500),
    "/api/history": _list("the last moves of service, newest first", 50),
    "/api/trends": _look("a day of the data's age and of the probes' latency", _OBJECT),
    "/api/conf/preview": {
        "post": _change("what a change of settings would write", {"values": _VALUES}, ["values"])
    },
    "/api/conf": {
        **_look("the settings", _OBJECT),
        "post": _change(
            "change settings, here and on request on the other node",
            {"values": _VALUES, "peer": {"type": "boolean"}},
            ["values"],
        ),
    },
    "/api/do/{slug}": {"parameters": [_SLUG], "post": _change("press a button", _MORE, [])},
}
