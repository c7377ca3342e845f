"""What receivers get, in the OpenAPI document (`webhooks`): requests that this centre makes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI

import alerting

_SCHEMAS = Path(alerting.__file__).parent

_WEBHOOKS = {
    "alert": "An incident was raised, has changed in a way that matters, or was dismissed.",
    "notice": "Something that is no alert: a camera does not see, an alert was refused (`notices: true`).",
    "heartbeat": "The centre lives; every 60 s (`heartbeat: true`). Three missed are an alarm.",
}

_HEADERS = {
    "Idempotency-Key": "Names the message; once the message may have been taken, with the same bytes.",
    "X-Firewatch-Kind": "alert, notice or heartbeat.",
    "X-Firewatch-Timestamp": "Seconds since 1970 (UTC) of this attempt.",
    "X-Firewatch-Signature": "sha256= and the HMAC-SHA256 of timestamp, '.', raw body.",
    "X-Firewatch-Late-S": "How long the message has waited, when that is more than a minute.",
}

_RESPONSES: dict[int | str, dict[str, Any]] = {
    "2XX": {"description": "Kept safely: it is not sent again."},
    "4XX": {"description": "Refused for good: a person must look (but 408, 421, 425, 429 as 5XX)."},
    "5XX": {"description": "Tried again later, as are 3XX and no answer. Retry-After counts."},
}


def install(app: FastAPI) -> None:
    """Describe the requests that receivers get."""
    router = APIRouter()
    for name, summary in _WEBHOOKS.items():
        router.add_api_route(
            name,
            _described,
            methods=["POST"],
            name=name,
            summary=summary,
            operation_id=f"webhook_{name}",
            responses=_RESPONSES,
            openapi_extra={
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": _schema(name)}},
                },
                "parameters": [
                    {"name": header, "in": "header", "description": text, "schema": {"type": "string"}}
                    for header, text in _HEADERS.items()
                ],
            },
        )
    app.webhooks.routes.extend(router.routes)


def _described() -> None:
    """Never called: a webhook is a request that we make."""


def _schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a message, with its definitions where OpenAPI finds them: inside."""
    text = (_SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    definitions = schema.pop("$defs", {})
    inlined: dict[str, Any] = _inline(schema, definitions)
    return inlined


def _inline(value: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        if set(value) >= {"$ref"}:
            named = definitions[value["$ref"].rpartition("/")[2]]
            return {**named, **{key: one for key, one in value.items() if key != "$ref"}}
        return {key: _inline(one, definitions) for key, one in value.items()}
    if isinstance(value, list):
        return [_inline(one, definitions) for one in value]
    return value
