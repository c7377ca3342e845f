"""Turns pydantic's findings into sentences that say how to mend the file."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from config.deployment import Deployment

_TYPES = {
    "string_type": "a text",
    "float_type": "a number",
    "float_parsing": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list ('- ' lines, or [a, b])",
    "model_type": "a section with 'key: value' lines",
    "model_attributes_type": "a section with 'key: value' lines",
    "dict_type": "a section with 'key: value' lines",
    "finite_number": "a finite number",
    "path_type": "a path",
}


def explain(details: Mapping[str, Any]) -> tuple[str, str]:
    """(what is wrong, how to mend it) for one entry of `ValidationError.errors()`."""
    kind, location, context = details["type"], details["loc"], details.get("ctx", {})
    field = field_at(location)
    hint = field.description or "" if field else ""
    if kind == "extra_forbidden":
        return "there is no such option", _did_you_mean(location)
    if kind == "missing":
        return "is missing", f"add it: {hint}" if hint else "add it"
    if kind in _TYPES:
        return f"must be {_TYPES[kind]}", hint
    if "mend" in context:
        return str(details["msg"]), str(context["mend"])
    what = str(details["msg"]).removeprefix("Value error, ")
    return what.replace("Input should be", "must be").replace("Input should", "must"), hint


def _did_you_mean(location: tuple[str | int, ...]) -> str:
    model = model_at(location[:-1])
    if model is None:
        return "remove it"
    known = list(model.model_fields)
    close = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else f"remove it; known here: {', '.join(known)}"


def model_at(location: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The section class that stands at a location of the deployment file."""
    model: type[BaseModel] = Deployment
    for part in location:
        if isinstance(part, int):
            continue  # an item of a list: its class was found with the list
        field = model.model_fields.get(part)
        inner = _section_in(field.annotation) if field else None
        if inner is None:
            return None
        model = inner
    return model


def field_at(location: tuple[str | int, ...]) -> FieldInfo | None:
    """The field a location names, for its description."""
    names = [index for index, part in enumerate(location) if isinstance(part, str)]
    if not names:
        return None
    model = model_at(location[: names[-1]])
    return model.model_fields.get(str(location[names[-1]])) if model else None


def _section_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _section_in(argument)
        if found is not None:
            return found
    return None
