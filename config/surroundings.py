"""What a deployment file stands in, for validators of its fields: where its paths lead, what it may read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError


@dataclass(frozen=True)
class Surroundings:
    """What a deployment file may refer to: the environment and the folder that relative paths start from."""

    folder: Path
    environment: Mapping[str, str]

    def path(self, given: Path) -> Path:
        """Where a path of the file leads."""
        return self.folder / given.expanduser()


def surroundings_of(info: ValidationInfo) -> Surroundings | None:
    """The surroundings given to `config.load`; None when a section is built in code."""
    return info.context if isinstance(info.context, Surroundings) else None


def existing_file(path: Path | None, info: ValidationInfo) -> Path | None:
    """Where a path of a deployment file leads, for a field validator. Raises `file_missing`."""
    surroundings = surroundings_of(info)
    if path is None or surroundings is None:
        return path
    full = surroundings.path(path)
    if not full.is_file():
        raise PydanticCustomError(
            "file_missing",
            "there is no file {path}",
            {"path": str(full), "mend": "correct the path (relative paths start at the deployment file)"},
        )
    return full
