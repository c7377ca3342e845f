"""Fixtures for all tests: where the shared data lies, and small videos made on the spot."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = Path(os.environ.get("FIREWATCH_DATA", ROOT.parent / "shared" / "data"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `data` are skipped, and counted as skipped, where the data is not beside the checkout."""
    if SHARED_DATA.is_dir():
        return
    skip = pytest.mark.skip(reason=f"no shared data at {SHARED_DATA}; FIREWATCH_DATA names another place")
    for item in items:
        if "data" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the shared data; only for tests marked `data`."""
    return SHARED_DATA
