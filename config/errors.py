"""What is wrong with a deployment file, said so that it can be mended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One mistake: where it is, what is wrong, how to mend it. Never holds the offending value of a "
    "secret."""

    file: str
    line: int | None
    field: str
    what: str
    mend: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        subject = f"{self.field}: " if self.field else ""
        return f"{place}: {subject}{self.what}" + (f" - {self.mend}" if self.mend else "")


class ConfigError(Exception):
    """A deployment file that cannot be used; `problems` holds every mistake found, in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line or 0, problem.field)))
        super().__init__("\n".join(map(str, self.problems)))
