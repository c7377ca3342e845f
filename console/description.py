"""The OpenAPI document: what FastAPI finds out by itself, and what it cannot know: who may ask, and an
example of every question and answer (`examples.json`: from a centre whose cameras and fires were drawn)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from console import problems, tags
from console.auth import COOKIE, CSRF_HEADER, needs

EXAMPLES = Path(__file__).with_name("examples.json")
ROLE = "x-firewatch-role"
"""The member of an operation that says who may ask: the least role, `responder`, `machine`, or `anyone`."""

PATH_VALUES: dict[str, Any] = {
    "incident_id": "inc-b8db0e5460e6ca7b",
    "camera_id": "dns-01",
    "session_id": "0f3c9a5e",
    "mask_id": 1,
    "preset_id": "gate",
    "number": 1,
    "delivery_id": 17,
    "evidence_id": 41,
    "sighting_id": "sight-dns-01-1773297748",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "burn_id": 1,
    "token_id": 1,
    "code": "445299",
    "target_id": "county",
    "username": "王芳",
    "map_id": "county",
    "zoom": 12,
    "x": 3372,
    "y": 1777,
}
_SESSION, _TOKEN = "session", "token"
_SCHEMES = {
    _SESSION: {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": f"Set by POST /api/v1/session. What changes something also needs `{CSRF_HEADER}`.",
    },
    _TOKEN: {
        "type": "http",
        "scheme": "bearer",
        "description": "Of a responder or a machine; made by an administrator under /api/v1/tokens.",
    },
}


def install(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Complete what `app` says of itself; `routes` are those it describes."""
    describe = app.openapi

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = describe()
            problems.describe(document)
            tags.describe(document)
            _say_who_may_ask(document, routes)
            _simplify_pairs(document["components"]["schemas"])
            _add_examples(document, json.loads(EXAMPLES.read_text(encoding="utf-8")))
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = complete  # type: ignore[method-assign]


def _say_who_may_ask(document: dict[str, Any], routes: Sequence[BaseRoute]) -> None:
    document["components"]["securitySchemes"] = _SCHEMES
    for route in routes:
        if not isinstance(route, APIRoute) or not route.include_in_schema:
            continue
        for method in route.methods or ():
            operation = document["paths"][route.path_format][method.lower()]
            role = operation.setdefault(ROLE, _strictest(route.dependant))
            if role != "anyone":
                operation["security"] = [{_TOKEN if role in ("responder", "machine") else _SESSION: []}]


def _strictest(dependant: Dependant) -> str:
    """The guard nearest to the route is the strictest: those below it are what it builds on."""
    waiting = [dependant]
    while waiting:
        waiting = [one for each in waiting for one in each.dependencies]
        found = [role for one in waiting if one.call is not None and (role := needs(one.call)) is not None]
        if found:
            return next((role for role in found if role != "viewer"), "viewer")
    return "anyone"


def _simplify_pairs(schema: Any) -> None:
    """A pair of two equal things as a list of two: many readers of OpenAPI know no `prefixItems`."""
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        _simplify_pairs(inner)
    kinds = schema.get("prefixItems") if isinstance(schema, dict) else None
    if kinds and all(one == kinds[0] for one in kinds):
        schema["items"] = schema.pop("prefixItems")[0]


def _add_examples(document: dict[str, Any], examples: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            given = examples.get(f"{method.upper()} {path}", {})
            values = {**PATH_VALUES, **given.get("query", {})}
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in values and "example" not in parameter:
                    parameter["example"] = values[parameter["name"]]
            if "body" in given:
                _first(operation["requestBody"]["content"])["example"] = given["body"]
            answer = given.get("answer", examples.get(given.get("answer_as", ""), {}).get("answer"))
            if answer is not None:
                _first(_success(operation)["content"])["example"] = answer


def _success(operation: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = next(one for code, one in operation["responses"].items() if code.startswith("2"))
    return made


def _first(content: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = next(iter(content.values()))
    return made
