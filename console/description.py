"""The OpenAPI document: what FastAPI finds out by itself, and what it cannot know."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from console import problems, tags


def install(app: FastAPI) -> None:
    """Complete what `app` says of itself."""
    describe = app.openapi

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = describe()
            problems.describe(document)
            tags.describe(document)
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = complete  # type: ignore[method-assign]
