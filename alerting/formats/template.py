"""A body as a file of the deployment dictates it, for platforms with a format of their own.

The file is a Jinja template, rendered in its sandbox: it sees the message and nothing else of this program.
Names: `alert`, `notice` or `heartbeat` (one of them; the others are undefined), `kind`, `centre`. Filters
besides Jinja's own: `local_time` (a time of the message in the deployment's zone), `tojson` (a value as JSON,
Chinese as it is). A name that does not exist is an error, not an empty text: half a message must not look
like a whole one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from alerting.formats.cap import headline_en, headline_zh
from alerting.formats.origin import MessageError, Origin, kind_of, local_time, place_en, place_zh

LARGEST_CHARACTERS = 1_000_000


class Template:
    """One template file. Raises MessageError, with file and line, for a file that is no template."""

    def __init__(self, path: Path, origin: Origin) -> None:
        self._path = path
        self._origin = origin
        environment = ImmutableSandboxedEnvironment(
            undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False
        )
        environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
        environment.filters["local_time"] = lambda text: local_time(text, origin.time_zone)
        environment.filters["headline_zh"], environment.filters["headline_en"] = headline_zh, headline_en
        environment.filters["place_zh"], environment.filters["place_en"] = place_zh, place_en
        try:
            self._template = environment.from_string(path.read_text(encoding="utf-8"))
        except TemplateError as error:
            line = getattr(error, "lineno", None)
            raise MessageError(f"template {path}, line {line}: {error}") from error
        except (OSError, UnicodeDecodeError) as error:
            raise MessageError(f"template {path} cannot be read: {error}") from error

    def render(self, message: dict[str, Any]) -> str:
        kind = kind_of(message)
        try:
            text = self._template.render({kind: message, "kind": kind, "centre": self._origin.name})
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise MessageError(f"template {self._path}: {type(error).__name__}: {error}") from error
        if len(text) > LARGEST_CHARACTERS:
            raise MessageError(f"template {self._path} made more than {LARGEST_CHARACTERS} characters")
        return text
