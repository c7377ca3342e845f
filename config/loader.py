"""Reads a deployment file: YAML with line numbers, secrets resolved, every mistake reported at once."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from yaml.nodes import MappingNode, Node, SequenceNode

from config.deployment import Deployment
from config.errors import ConfigError, Problem
from config.explain import explain
from config.surroundings import Surroundings

Location = tuple[str | int, ...]


def load(path: str | Path, *, environment: Mapping[str, str] | None = None) -> Deployment:
    """The deployment described by the file at `path`. Raises ConfigError with every problem found.

    `environment` stands in for the process environment, in which `${NAME}` is looked up.
    """
    path = Path(path)
    text = _read(path)
    return loads(text, file=str(path), folder=path.resolve().parent, environment=environment)


def loads(
    text: str,
    *,
    file: str = "<text>",
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Deployment:
    """As `load`, from text; relative paths start at `folder` (default: the working directory)."""
    root = _compose(text, file)
    lines = _lines(root)
    problems = [Problem(file, line, field, what, mend) for line, field, what, mend in _duplicate_keys(root)]
    data = yaml.SafeLoader("").construct_document(root)
    problems += _duplicate_ids(data, lines, file)
    surroundings = Surroundings(folder or Path.cwd(), os.environ if environment is None else environment)
    try:
        deployment = Deployment.model_validate(data, context=surroundings)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        for details in found:
            if details["type"] == "too_short" and any(
                _is_inside(one["loc"], details["loc"]) for one in found
            ):
                continue  # pydantic counts only the valid items: an echo of what is wrong with one of them
            if details["type"] == "duplicate_id" and problems:
                continue  # said already, with its line
            what, mend = explain(details)
            location = _without_markers(details["loc"])
            problems.append(Problem(file, _line_of(location, lines), _dotted(location), what, mend))
        raise ConfigError(problems) from None
    if problems:
        raise ConfigError(problems)
    return deployment


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        what, mend = "is not UTF-8 text", "save it as UTF-8"
    except IsADirectoryError:
        what, mend = "is a folder", "name the YAML file in it"
    except OSError as error:
        what, mend = f"cannot be read: {error.strerror}", "correct the path, or start from config/dashan.yaml"
    raise ConfigError([Problem(str(path), None, "", what, mend)])


def _compose(text: str, file: str) -> MappingNode:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.problem, error.context) if part)
        mend = "mend the YAML; indentation is spaces only, and text with ': ' or '#' needs quotes"
        raise ConfigError(
            [Problem(file, mark.line + 1 if mark else None, "", f"not YAML: {what}", mend)]
        ) from None
    except yaml.YAMLError as error:
        raise ConfigError(
            [Problem(file, None, "", f"not YAML: {error}", "save it as plain UTF-8 text")]
        ) from None
    if not isinstance(root, MappingNode):
        what = "is empty" if root is None else "must hold 'key: value' lines"
        raise ConfigError([Problem(file, 1, "", what, "start from config/dashan.yaml")])
    return root


def _children(node: Node, at: Location) -> Iterator[tuple[Location, Node, int]]:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield (*at, key.value), value, key.start_mark.line + 1
    elif isinstance(node, SequenceNode):
        for index, value in enumerate(node.value):
            yield (*at, index), value, value.start_mark.line + 1


def _lines(root: Node) -> dict[Location, int]:
    """Line number of every key and list item."""
    lines: dict[Location, int] = {(): root.start_mark.line + 1}
    pending: list[tuple[Location, Node]] = [((), root)]
    while pending:
        at, node = pending.pop()
        for location, child, line in _children(node, at):
            lines[location] = line
            pending.append((location, child))
    return lines


def _duplicate_keys(root: Node) -> Iterator[tuple[int, str, str, str]]:
    """PyYAML keeps the last of two equal keys without a word; here that is a mistake."""
    pending: list[tuple[Location, Node]] = [((), root)]
    while pending:
        at, node = pending.pop()
        seen: dict[Hashable, int] = {}
        for location, child, line in _children(node, at):
            key = location[-1]
            if key in seen:
                yield (
                    line,
                    _dotted(location),
                    f"is given twice (first on line {seen[key]})",
                    "keep one of them",
                )
            seen[key] = line
            pending.append((location, child))


def _duplicate_ids(data: Any, lines: Mapping[Location, int], file: str) -> Iterator[Problem]:
    """Found on the raw data, so that they are reported together with every other mistake."""
    for section in ("cameras", "dispatch"):
        items = data.get(section) if isinstance(data, dict) else None
        seen: dict[str, int | None] = {}
        for index, item in enumerate(items if isinstance(items, list) else []):
            id_ = item.get("id") if isinstance(item, dict) else None
            if not isinstance(id_, str):
                continue
            location = (section, index, "id")
            line = _line_of(location, lines)
            if id_ in seen:
                what = f"the id '{id_}' is used already on line {seen[id_]}"
                yield Problem(file, line, _dotted(location), what, "give each its own id")
            else:
                seen[id_] = line


def _without_markers(location: Location) -> Location:
    """Only what stands in the file: pydantic adds '[key]' and the names of validators to some locations."""
    return tuple(
        part for part in location if not (isinstance(part, str) and part.startswith(("[", "function-")))
    )


def _is_inside(location: Location, section: Location) -> bool:
    return len(location) > len(section) and location[: len(section)] == section


def _line_of(location: Location, lines: Mapping[Location, int]) -> int | None:
    while location not in lines and location:
        location = location[:-1]
    return lines.get(location)


def _dotted(location: Location) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
