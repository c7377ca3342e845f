"""What an installation may and may not contain."""

from __future__ import annotations

import shutil
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


UNITS = sorted((ROOT / "config" / "installation").glob("*.service"))
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")


@needs_systemd
def test_the_service_units_are_understood_by_systemd(tmp_path: Path) -> None:
    for unit in [*UNITS, *(ROOT / "config" / "installation").glob("*.timer")]:
        text = unit.read_text(encoding="utf-8").replace("/opt/firewatch/.venv/bin/firewatch", sys.executable)
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    for unit in sorted(tmp_path.iterdir()):
        answer = subprocess.run(
            ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False, timeout=60
        )
        assert (answer.returncode, answer.stderr) == (0, ""), unit.name


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_the_services_have_no_rights_they_do_not_need(unit: Path) -> None:
    """systemd's own measure: 0 nothing exposed, 10 everything; a plain unit has 9.6, ours 1.6 or less."""
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode == 0, answer.stdout[-2000:]
