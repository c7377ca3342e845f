"""What the API says of itself: who may ask, examples that are true, and the reference written from it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from test_routes import EVERYONE, MACHINES, MATRIX, RESPONDERS

from console import api_reference, problems
from console.app import api_document
from console.description import ROLE
from console.roles import Role

ROOT = Path(__file__).resolve().parents[2]
Operations = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return api_document()


@pytest.fixture(scope="module")
def operations(document: dict[str, Any]) -> Operations:
    return [
        (method.upper(), path, operation)
        for path, found in document["paths"].items()
        for method, operation in found.items()
    ]


def test_the_reference_in_the_documents_is_current(document: dict[str, Any]) -> None:
    assert (ROOT / "docs" / "api.md").read_text(encoding="utf-8") == api_reference.write(document), (
        "run `firewatch api --out docs/api.md`"
    )


def test_each_operation_says_who_may_ask_as_the_role_matrix_does(operations: Operations) -> None:
    for method, path, operation in operations:
        allowed = next(roles for one, where, _, roles in MATRIX if (one, where) == (method, path))
        if allowed in (RESPONDERS, MACHINES):
            assert {operation[ROLE]} == allowed, path
        elif allowed is EVERYONE:
            assert operation[ROLE] == "anyone", path
        else:
            assert operation[ROLE] == next(role.value for role in Role if role.value in allowed), path
        assert ("security" in operation) == (operation[ROLE] != "anyone"), path


def test_each_operation_is_described_and_shows_an_example_that_fits_its_schema(
    document: dict[str, Any], operations: Operations
) -> None:
    for method, path, operation in operations:
        where = f"{method} {path}"
        assert operation.get("description"), where
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path" or (parameter["in"] == "query" and parameter["required"]):
                assert fits(document, parameter["example"], parameter["schema"]), (where, parameter["name"])
        answers = operation["responses"].items()
        answer = next((one for code, one in answers if code.startswith("2")), {})  # {}: leads elsewhere
        contents = [*operation.get("requestBody", {}).get("content", {}).items()]
        contents += answer.get("content", {}).items()
        for media_type, content in contents:
            if media_type == "application/json":
                assert "example" in content, where
                assert fits(document, content["example"], content["schema"]), where


def fits(document: dict[str, Any], example: Any, schema: dict[str, Any]) -> bool:
    whole = {**schema, "components": document["components"]}
    jsonschema.Draft202012Validator(whole).validate(example)
    return True


def test_every_kind_of_problem_that_the_code_names_is_explained() -> None:
    named = set()
    for file in (ROOT / "console").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        named |= set(re.findall(r'(?:Problem|response)\(\s*\d+,\s*"([a-z-]+)"', text))
    assert named | {"http"} == set(problems.KINDS)


def test_what_comes_whole_says_that_it_may_be_asked_for_on_condition(operations: Operations) -> None:
    told = {path for _, path, operation in operations if "304" in operation["responses"]}
    assert {"/api/v1/incidents", "/api/v1/cameras", "/api/v1/users"} <= told
    assert not {"/api/v1/events", "/api/v1/records/export", "/api/v1/cameras/{camera_id}/mjpeg"} & told
