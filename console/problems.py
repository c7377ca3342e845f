"""Errors as the API tells them: RFC 9457 problem details, one shape for every failure.

`type` is a stable name that programs may switch on, `detail` a sentence for people. Nothing internal leaks:
an unexpected error is logged with its traceback and answered with a plain 500.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from alerting.lifecycle import LifecycleError
from alerting.store import ConflictError, NotFoundError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


KINDS: dict[str, str] = {
    "not-signed-in": "Nobody is signed in; session or token is unknown, or the session is over.",
    "token-withdrawn": "An administrator has withdrawn the token.",
    "token-expired": "The token's time is over; an administrator makes a new one.",
    "wrong-credentials": "User name or password is wrong (which is not told), or nobody has such a token.",
    "account-locked": "Too many wrong passwords; `Retry-After` says for how long.",
    "too-many-attempts": "Too many log-ins from this address; `Retry-After` says for how long.",
    "password-change": "The password was given by somebody else: change it first.",
    "weak-password": "The new password is too short or too well known.",
    "role": "This needs a higher role.",
    "not-your-camera": "The token does not speak for this camera.",
    "csrf": "The header X-CSRF-Token is missing or not this session's.",
    "other-origin": "A browser sent this on behalf of another site.",
    "link": "The signed link is over, or was not made here.",
    "own-account": "Nobody switches off their own account.",
    "not-found": "There is no such thing, or not for you.",
    "no-picture": "There is no picture (yet).",
    "evidence-missing": "The row is there, the file is not: restore the evidence.",
    "conflict": "It has changed since you saw it: look again, decide again.",
    "decision-not-possible": "The incident's state does not allow it.",
    "invalid-request": "A field is missing or makes no sense; `errors` says which.",
    "no-key": "The key that seals addresses and secrets is missing; a backup holds it.",
    "too-many-probes": "Too many addresses were tested; `Retry-After` says when to go on.",
    "no-terrain": "This needs an elevation model there.",
    "not-calibrated": "The landmarks do not fit any pose.",
    "too-large": "The request is larger than any that makes sense.",
    "wrong-hash": "What arrived is not what its hash says: send it again.",
    "cannot-keep": "The disk is full or the store away; `Retry-After` says when to send it again.",
    "live-away": "The live view has no room or does not run; `Retry-After` says when to ask again.",
    "sender-silent": "The process that sends alerts has not been heard.",
    "starting": "The centre starts.",
    "store-unreadable": "The store does not answer.",
    "http": "No such method, or another refusal by the server itself.",
    "internal": "A fault of ours; the centre's log says what.",
}
"""What `type` may say: stable names that programs may switch on."""


class Problem(Exception):
    """A failure with its status, a stable `kind`, and a sentence for people."""

    def __init__(self, status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})


def response(
    status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    body = {
        "type": f"urn:firewatch:problem:{kind}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **more,
    }
    return JSONResponse(body, status, dict(headers or {}), media_type=MEDIA_TYPE)


CONTENT: dict[str, Any] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
"""Of a response, in the OpenAPI document."""

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem details.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "Stable name: `urn:firewatch:problem:KIND`."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "For people."},
        "errors": {
            "type": "array",
            "description": "What is wrong with which field of the request.",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
    "example": {
        "type": "urn:firewatch:problem:not-signed-in",
        "title": "Unauthorized",
        "status": 401,
        "detail": "sign in first; the session may have expired",
    },
}


def describe(document: dict[str, Any]) -> None:
    """Our errors in place of FastAPI's own, at every operation of the OpenAPI document."""
    document["components"]["schemas"]["Problem"] = _SCHEMA
    refusal = {
        "description": "Refused: `type` says why (401 not signed in, 403 not allowed, 404 unknown, "
        "409 changed meanwhile, 413 too large, 422 makes no sense, 429 too often).",
        "content": CONTENT,
    }
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
            operation["responses"]["4XX"] = refusal
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)


def install(app: FastAPI) -> None:
    """Every error of `app` becomes a problem detail."""

    @app.exception_handler(Problem)
    async def _problem(_request: Request, error: Problem) -> JSONResponse:
        return response(error.status, error.kind, error.detail, error.headers)

    @app.exception_handler(NotFoundError)
    async def _not_found(_request: Request, error: NotFoundError) -> JSONResponse:
        return response(404, "not-found", str(error))

    @app.exception_handler(ConflictError)
    async def _conflict(_request: Request, error: ConflictError) -> JSONResponse:
        return response(409, "conflict", str(error))

    @app.exception_handler(LifecycleError)
    async def _lifecycle(_request: Request, error: LifecycleError) -> JSONResponse:
        return response(422, "decision-not-possible", str(error))

    @app.exception_handler(RequestValidationError)
    async def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        fields = [
            {"field": ".".join(str(part) for part in one["loc"]), "message": one["msg"]}
            for one in error.errors()
        ]
        detail = "; ".join(f"{one['field']}: {one['message']}" for one in fields)
        return response(422, "invalid-request", detail, errors=fields)

    @app.exception_handler(HTTPException)
    async def _http(_request: Request, error: HTTPException) -> JSONResponse:
        kind = "not-found" if error.status_code == 404 else "http"
        return response(error.status_code, kind, str(error.detail), error.headers)

    @app.exception_handler(Exception)
    async def _unexpected(request: Request, _error: Exception) -> JSONResponse:
        log.exception("request failed method=%s path=%s", request.method, request.url.path)
        return response(500, "internal", "the centre failed to answer; its log says why")
