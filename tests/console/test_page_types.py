"""The page's JavaScript under the eyes of the TypeScript compiler: types in JSDoc, no build step."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from alerting import decisions
from alerting.lifecycle import Action, MachineAct, Step

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


def keys(language: str) -> set[str]:
    text = (ROOT / "console" / "web" / "js" / f"words_{language}.js").read_text(encoding="utf-8")
    return {quoted or plain for quoted, plain in re.findall(r'^  (?:"([^"]+)"|(\w+)):', text, re.MULTILINE)}


def test_both_languages_have_words_for_the_same_things() -> None:
    assert len(keys("zh")) > 400
    assert keys("zh") ^ keys("en") == set()


def test_the_page_has_a_word_for_all_that_a_history_can_say_was_done() -> None:
    said = [*Action, *Step, *MachineAct, decisions.MERGE, decisions.SPLIT, decisions.UNDO]
    assert {f"action.{one}" for one in said} - keys("zh") == set()
