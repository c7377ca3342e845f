"""Installed for years: service units, signs of life to systemd, the bundle for machines without internet."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import config
from firewatch.bill_of_materials import Wheel, bill_of_materials
from firewatch.bundle import build, fill
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
    assert (len(units), ours) == (5, [])


def wheel(folder: Path, name: str, version: str, licence: str) -> Path:
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        told = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\nLicense-Expression: {licence}\n"
        archive.writestr(f"{name}-{version}.dist-info/METADATA", told)
    return path


def test_a_bundle_has_a_sum_for_every_file(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    found = [
        Wheel.read(wheel(wheels, "a_b", "1.2", "MIT")),
        Wheel.read(wheel(wheels, "c", "3", "Apache-2.0")),
    ]
    fill(tmp_path, found)
    lines = dict(line.split("  ")[::-1] for line in (tmp_path / "SHA256SUMS").read_text().splitlines())
    files = {str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*") if one.is_file()}
    assert set(lines) == files - {"SHA256SUMS"}
    assert all(
        hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == sum_ for name, sum_ in lines.items()
    )


def named(bill: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """All components by name, those inside others, too."""
    waiting, found = list(bill["components"]), {}
    while waiting:
        one = waiting.pop()
        found[one["name"]] = one
        waiting += one.get("components", [])
    return found


def test_the_bill_of_materials_names_everything_with_licence_and_hash(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    fill(tmp_path, [Wheel.read(wheel(tmp_path / "wheels", "a_b", "1.2", "MIT"))])
    text = (tmp_path / "sbom.cdx.json").read_text(encoding="utf-8")
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert problem is None, str(problem)[:500]
    found = named(json.loads(text))
    assert found["a_b"]["purl"] == "pkg:pypi/a-b@1.2"
    assert (tmp_path / "debian-packages.txt").read_text().split() == [
        one["name"] for one in json.loads(text)["components"] if one.get("purl", "").startswith("pkg:deb/")
    ]
    vendored = {one.name for one in (ROOT / "console" / "web" / "vendor").iterdir() if one.is_dir()}
    assert vendored == {
        f"{one['name']}-{one['version']}" for one in found.values() if "npm" in one.get("purl", "")
    }
    in_tree = {
        name: one for name, one in found.items() if name.startswith(("console/", "models/", "detector/"))
    }
    assert {"models/hill-1-int8/hill-1-int8.bin", "detector/fonts/noto_sans_sc_subset.otf"} <= set(in_tree)
    for name, one in in_tree.items():
        assert one["hashes"][0]["content"] == hashlib.sha256((ROOT / name).read_bytes()).hexdigest(), name
    assert found["hill-1-int8"]["licenses"][0]["license"]["name"] == "CC-BY-NC-SA-4.0"
    assert {"example/terrain.tif", "example/near_fire.mp4"} <= set(found)
    for name, one in found.items():
        assert one["licenses"], name
        assert "hashes" in one or "components" in one or one["purl"].startswith("pkg:deb/"), name


def test_a_schema_that_a_bill_must_fit_refuses_what_is_none() -> None:
    broken = {**bill_of_materials([]), "components": [{"name": "without a type"}]}
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(broken)) is not None


def test_a_fresh_installation_has_a_deployment_that_starts_as_it_is(tmp_path: Path) -> None:
    fill(tmp_path, [])
    first = config.load(tmp_path / "etc" / "deployment.yaml", environment={})
    for path in (first.terrain, first.grids, first.gazetteer):
        assert path is not None
        assert path.is_relative_to(tmp_path / "etc" / "example")
    unit = (tmp_path / "units" / "firewatch.service").read_text()
    assert (first.logs.folder, first.logs.form) == ("/var/log/firewatch", "json")
    assert "LogsDirectory=firewatch\n" in unit
    assert first.storage.database_url.reveal() == "sqlite:////var/lib/firewatch/firewatch.db"
    assert "StateDirectory=firewatch\n" in unit
    words = {"CAMERA_PASSWORD": "long enough", "DISPATCH_SECRET": "long enough"}
    assert len(config.load(tmp_path / "etc" / "dashan.yaml", environment=words).cameras) == 12


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("unit", sorted(INSTALLATION.glob("*.service")), ids=lambda unit: unit.stem)
def test_the_services_have_no_rights_they_do_not_need(unit: Path) -> None:
    """systemd's own measure: 0 nothing exposed, 10 everything; a plain unit has 9.6, ours 1.6 or less."""
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode == 0, answer.stdout[-2000:]


def test_by_hand_the_command_runs_as_the_services_run_it(tmp_path: Path) -> None:
    for name, script in {"id": "echo 0", "systemd-run": 'printf "%s\\n" "$@"'}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    answer = subprocess.run(
        [INSTALLATION / "firewatch.sh", "token", "create", "north box"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    said = answer.stdout.splitlines()
    unit = (INSTALLATION / "firewatch.service").read_text().splitlines()
    assert {"User=firewatch", "Group=firewatch", "WorkingDirectory=/var/lib/firewatch"} <= set(unit)
    assert {"--uid=firewatch", "--gid=firewatch", "--working-directory=/var/lib/firewatch"} <= set(said)
    asked = [one.removeprefix("--property=") for one in said if one.startswith("--property=")]
    assert [one for one in asked if one not in unit] == []
    assert said[-4:] == ["/opt/firewatch/.venv/bin/firewatch", "token", "create", "north box"]


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
@pytest.mark.timeout(1700)
@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="needs a network namespace")
def test_the_bundle_installs_and_watches_without_any_network(tmp_path: Path) -> None:
    """Built with the package index; installed and run where there is not even a loopback to it."""
    with tarfile.open(build(tmp_path / "bundle.tar.gz")) as archive:
        archive.extractall(tmp_path, filter="data")
    prefix, first = tmp_path / "opt", tmp_path / "firewatch-bundle" / "etc" / "deployment.yaml"
    steps = f"""
        set -e
        ! {sys.executable} -c 'import socket; socket.create_connection(("192.0.2.1", 9), 1)' 2>/dev/null
        PYTHON={sys.executable} {tmp_path}/firewatch-bundle/install.sh {prefix}
        cd {tmp_path}
        {prefix}/.venv/bin/firewatch replay {ROOT}/sample_videos/near_fire.mp4 --camera near --out seen
        ip link set lo up
        sed -i 's#/var/lib/firewatch#{tmp_path}/state#; s#/var/log/firewatch#{tmp_path}/log#' {first}
        {prefix}/.venv/bin/firewatch run {first} --state {tmp_path}/state >run.log 2>&1 &
        until {sys.executable} -c '
import urllib.request as r; print(r.urlopen("http://127.0.0.1:8080/readyz", timeout=2).read().decode())
' 2>/dev/null; do kill -0 $!; sleep 1; done
        until grep -q '"camera live' log/worker-1.log; do kill -0 $!; sleep 1; done
        kill $!
        wait $!
        {prefix}/.venv/bin/firewatch backup {first} --state {tmp_path}/state
    """
    answer = subprocess.run(
        ["unshare", "--net", "sh", "-c", steps], capture_output=True, text=True, check=False, timeout=1500
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "hill-1-int8" in answer.stdout
    assert '{"status":"ready"}' in answer.stdout
