"""The formats a target may ask for: each a pure function from a message to bytes.

A message is one of three: an `alert` (`alerting.message.finished`), a `notice` (`alerting.notices`) or a
`heartbeat`. All are dicts described by the JSON Schemas beside them; `kind_of` tells them apart.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo

from alerting.formats import cap, geojson, template
from alerting.formats.origin import MessageError, Origin

__all__ = ["Body", "Format", "FormatChoice", "MessageError", "Origin", "format_of"]


@dataclass(frozen=True)
class Body:
    """A message as it is sent. Text, so that the store can show what was sent."""

    text: str
    media_type: str


Format = Callable[[dict[str, Any]], Body]


class FormatChoice(Protocol):
    """What a target says of its format; `config.DispatchTarget` is one."""

    @property
    def format(self) -> Literal["json", "cap", "geojson", "template"]: ...
    @property
    def template(self) -> Path | None: ...
    @property
    def media_type(self) -> str: ...


def format_of(choice: FormatChoice, origin: Origin) -> Format:
    """The function that makes the bodies of a target. Raises MessageError for a template that is none."""
    if choice.format == "cap":
        return lambda message: Body(cap.render(message, origin), cap.MEDIA_TYPE)
    if choice.format == "geojson":
        return lambda message: Body(_json(geojson.render(message)), geojson.MEDIA_TYPE)
    if choice.format == "template" and choice.template is not None:
        made = template.Template(choice.template, origin)
        return lambda message: Body(made.render(message), choice.media_type)
    return lambda message: Body(_json(message), "application/json")


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise MessageError(f"is no JSON: {error}") from error


def zone(name: str) -> tzinfo:
    """The zone of a deployment, whose name has been checked."""
    return ZoneInfo(name)
