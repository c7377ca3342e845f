"""The page's JavaScript under the eyes of the TypeScript compiler: types in JSDoc, no build step."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TSC = ROOT / "node_modules" / ".bin" / "tsc"


@pytest.mark.skipif(
    not TSC.exists() or shutil.which("node") is None,
    reason="no TypeScript here: npm install --no-save typescript@5.9 (CI does, where it finds npm)",
)
def test_the_pages_of_the_console_have_no_type_errors() -> None:
    command = [str(TSC), "--project", str(Path(__file__).with_name("tsconfig.json"))]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=110)
    lines = answer.stdout.splitlines()
    ours = [line for line in lines if line.startswith("console/web/js/")]  # libraries come as they are
    assert ours == []
    assert all("error TS" in line or line.startswith(" ") for line in lines), answer.stdout[:2000]
