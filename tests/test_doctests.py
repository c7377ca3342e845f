"""The examples in our docstrings are true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("alerting", "config", "console", "detector", "firewatch", "geometry", "simulator", "streams")
NEEDS_EXTRAS = "detector/training"


def modules_with_examples() -> list[str]:
    files = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    paths = [file.relative_to(ROOT) for file in files if ">>> " in file.read_text(encoding="utf-8")]
    return [
        ".".join(path.with_suffix("").parts) for path in paths if not path.as_posix().startswith(NEEDS_EXTRAS)
    ]


@pytest.mark.parametrize("name", modules_with_examples())
def test_the_examples_of_a_module_hold(name: str) -> None:
    tried = doctest.testmod(importlib.import_module(name))
    assert tried.attempted > 0
    assert tried.failed == 0
