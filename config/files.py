"""Which files a deployment names, besides the footage that stands in for cameras."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from config.deployment import Deployment


@dataclass(frozen=True)
class NamedFile:
    """`option`: where the deployment names it (`dispatch[0].tls.key`)."""

    option: str
    path: Path

    @property
    def is_secret(self) -> bool:
        return self.option.endswith("tls.key")


def named_files(deployment: Deployment) -> tuple[NamedFile, ...]:
    """Each that is there, in the order of the schema."""
    return tuple(one for one in _paths_in(deployment, "") if one.path.is_file())


def _paths_in(value: Any, option: str) -> Iterator[NamedFile]:
    if isinstance(value, Path):
        yield NamedFile(option, value)
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _paths_in(getattr(value, name), f"{option}.{name}" if option else name)
    elif isinstance(value, tuple):
        for index, one in enumerate(value):
            yield from _paths_in(one, f"{option}[{index}]")
