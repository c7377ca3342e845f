"""What an installation may and may not contain."""

from __future__ import annotations

import os
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


def test_the_network_tells_nobody_that_it_runs(tmp_path: Path) -> None:
    """OpenVINO would report every start to its maker, from a thread of its own, and keep a number at home."""
    code = (
        "import detector.backend, openvino, sys\n"
        "from openvino.tools.ovc import telemetry_utils\n"
        "print(telemetry_utils.tm.__name__)\n"
        "print([one for one in sys.modules if one.startswith('openvino_telemetry.')])"
    )
    environment = {**os.environ, "HOME": str(tmp_path)}
    for told in ("CI", "TF_BUILD", "JENKINS_URL"):  # there it is silent by itself
        environment.pop(told, None)
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment, check=True,
        timeout=100,
    )  # fmt: skip
    assert answer.stdout.split() == ["openvino.tools.ovc.telemetry_stub", "[]"]
    assert not list(tmp_path.iterdir())
