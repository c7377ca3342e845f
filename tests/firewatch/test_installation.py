"""Installed for years: service units, signs of life to systemd, the bundle for machines without internet."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

from firewatch.bundle import Wheel, bill_of_materials, build, fill
from firewatch.service_manager import ServiceManager

ROOT = Path(__file__).resolve().parents[2]
INSTALLATION = ROOT / "config" / "installation"


@pytest.fixture
def systemd(tmp_path: Path) -> socket.socket:
    """Where a service manager listens."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(str(tmp_path / "notify"))
    listening.settimeout(2)
    return listening


def test_systemd_hears_that_we_are_ready_alive_and_stopping(systemd: socket.socket) -> None:
    at_s = [100.0]
    told = {
        "NOTIFY_SOCKET": systemd.getsockname(),
        "WATCHDOG_USEC": "30000000",
        "WATCHDOG_PID": str(os.getpid()),
    }
    manager = ServiceManager(told, monotonic=lambda: at_s[0])
    manager.ready("watching 3 cameras")
    for at_s[0] in (101.0, 102.0, 112.9, 113.1):
        manager.alive()
    manager.stopping()
    heard = [systemd.recv(200).decode() for _ in range(4)]
    assert heard == ["READY=1\nSTATUS=watching 3 cameras", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"]


def test_without_a_service_manager_nothing_is_said_and_nothing_fails() -> None:
    for environment in ({}, {"NOTIFY_SOCKET": "/nowhere/at/all", "WATCHDOG_USEC": "1"}):
        manager = ServiceManager(environment)
        manager.ready("")
        manager.alive()
        manager.stopping()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    units = [*INSTALLATION.glob("*.service"), *INSTALLATION.glob("*.timer")]
    for unit in units:  # where programs are installed later is empty here
        text = unit.read_text().replace("/opt/firewatch/.venv/bin/firewatch", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    answer = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / unit.name) for unit in units)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    ours = [line for line in answer.stderr.splitlines() if "firewatch" in line]
    assert (len(units), ours) == (4, [])


def wheel(folder: Path, name: str, version: str, licence: str) -> Path:
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        told = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\nLicense-Expression: {licence}\n"
        archive.writestr(f"{name}-{version}.dist-info/METADATA", told)
    return path


def test_a_bundle_names_every_wheel_with_its_licence_and_every_file_with_its_sum(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    found = [
        Wheel.read(wheel(wheels, "a_b", "1.2", "MIT")),
        Wheel.read(wheel(wheels, "c", "3", "Apache-2.0")),
    ]
    fill(tmp_path, found)
    components = bill_of_materials(found)["components"]
    assert [(one["purl"], one["licenses"][0]["license"]["name"]) for one in components] == [
        ("pkg:pypi/a-b@1.2", "MIT"), ("pkg:pypi/c@3", "Apache-2.0"),
    ]  # fmt: skip
    lines = dict(line.split("  ")[::-1] for line in (tmp_path / "SHA256SUMS").read_text().splitlines())
    files = {str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*") if one.is_file()}
    assert set(lines) == files - {"SHA256SUMS"}
    assert all(
        hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == sum_ for name, sum_ in lines.items()
    )


def test_the_bundles_example_keeps_its_logs_where_the_service_may_write(tmp_path: Path) -> None:
    fill(tmp_path, [])
    example = yaml.safe_load((tmp_path / "example-deployment.yaml").read_text(encoding="utf-8"))
    unit = (tmp_path / "units" / "firewatch.service").read_text()
    assert example["logs"] == {"folder": "/var/log/firewatch"}
    assert "LogsDirectory=firewatch\n" in unit


def test_a_damaged_bundle_is_not_installed(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    fill(tmp_path, [Wheel.read(wheel(tmp_path / "wheels", "a", "1", "MIT"))])
    (tmp_path / "requirements.lock").write_text("a==2")
    answer = subprocess.run(
        ["sh", str(tmp_path / "install.sh"), str(tmp_path / "opt")],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert answer.returncode != 0
    assert "the bundle is damaged; copy it again" in answer.stderr
    assert not (tmp_path / "opt").exists()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="needs a network namespace")
def test_the_bundle_installs_and_watches_without_any_network(tmp_path: Path) -> None:
    """Built with the package index; installed and run where there is not even a loopback to it."""
    with tarfile.open(build(tmp_path / "bundle.tar.gz")) as archive:
        archive.extractall(tmp_path, filter="data")
    prefix = tmp_path / "opt"
    steps = f"""
        set -e
        ! {sys.executable} -c 'import socket; socket.create_connection(("192.0.2.1", 9), 1)' 2>/dev/null
        PYTHON={sys.executable} {tmp_path}/firewatch-bundle/install.sh {prefix}
        cd {tmp_path}
        {prefix}/.venv/bin/firewatch replay {ROOT}/sample_videos/near_fire.mp4 --camera near --out seen
    """
    answer = subprocess.run(
        ["unshare", "--net", "sh", "-c", steps], capture_output=True, text=True, check=False, timeout=800
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "hill-1-int8" in answer.stdout
