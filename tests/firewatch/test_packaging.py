"""What an installation may and may not contain."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_one_distribution_provides_cv2() -> None:
    assert len(set(packages_distributions()["cv2"])) == 1


@pytest.mark.parametrize(
    "module",
    [
        "firewatch.cli",
        "firewatch.processes.worker",
        "firewatch.worker",
        "detector.pipeline",
        "detector.registry",
        "console.app",
        "alerting.intake",
        "streams.cameras",
    ],
)
def test_the_product_runs_without_pytorch(module: str) -> None:
    code = (
        f"import sys, {module}; "
        "loaded = {name.split('.')[0] for name in sys.modules}; "
        "print(sorted(loaded & {'torch', 'torchvision', 'ultralytics'}))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True, timeout=100
    )
    assert answer.stdout.strip() == "[]"


def test_help_does_not_load_what_it_does_not_need() -> None:
    code = (
        "import sys; sys.argv = ['firewatch', '--help']\n"
        "from firewatch.cli import main\n"
        "try: main()\n"
        "finally: print('cv2' in sys.modules, 'openvino' in sys.modules, 'av' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True, timeout=100
    )
    assert answer.stdout.splitlines()[-1] == "False False False"
