"""The API against its own description: no server error, and no answer that is not described, to anything."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
import schemathesis
import schemathesis.specs.openapi.checks as openapi
from conftest import PASSWORD_HASH
from console_scenery import Scenery
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error

from alerting.accounts import Accounts
from alerting.store import Store
from config import Deployment
from console.app import create_app
from console.auth import COOKIE, Authentication
from console.limits import RateLimit

CHECKS = [
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_schema_conformance,
]
ENDLESS = {"/api/v1/events", "/api/v1/response/events", "/api/v1/cameras/{camera_id}/mjpeg"}
MAY_SAY_503 = {
    "/readyz", "/heartbeat", "/api/v1/cameras/{camera_id}/whep", "/api/v1/cameras/{camera_id}/live-picture",
    "/api/v1/cameras/probe", "/api/v1/cameras/{camera_id}/whep/{session_id}",
}  # fmt: skip
"""Nothing is watched live here, and no sender runs."""


@schemathesis.serializer("application/sdp", "image/jpeg", "video/mp4")
def as_it_is(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.mark.parametrize(
    "examples",
    [  # a mark on the function would hide the time-out of the slow one
        pytest.param(4, marks=pytest.mark.timeout(300)),
        pytest.param(60, marks=[pytest.mark.slow, pytest.mark.timeout(1500)]),
    ],
)
def test_no_request_gets_a_server_error_or_an_answer_that_is_not_described(
    store: Store, deployment: Deployment, examples: int
) -> None:
    Accounts(store).create("admin", PASSWORD_HASH, "admin", must_change=False)
    scenery = Scenery(deployment, store)
    scenery.sight("dns-01", scenery.fire_at("dns-01", 560, 400), datetime.now(UTC))
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", create_app(store, deployment))
    opener = Authentication(store, RateLimit(1, 1, time.monotonic))
    asked: set[str] = set()

    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path in ENDLESS:
            continue
        checks = CHECKS if operation.path in MAY_SAY_503 else [not_a_server_error, *CHECKS]

        ask_anything(operation.as_strategy(), opener, checks, examples)
        asked.add(operation.path)
    assert len(asked) > 35


def ask_anything(requests: Any, opener: Authentication, checks: list[Any], examples: int) -> None:
    @given(case=requests)
    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def ask(case: schemathesis.Case) -> None:
        token, session = opener.open_session("admin")  # some requests end it
        answer = case.call(cookies={COOKIE: token}, headers={"X-CSRF-Token": session.csrf})
        case.validate_response(answer, checks=checks)

    ask()
