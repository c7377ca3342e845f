"""One archive for machines without internet: `make bundle`, or `python -m firewatch.bundle --out FILE`.

In it: our wheel (weights, sample footage, console and its map library are package data), the wheels of all it
needs for this Python and this kind of machine, each pinned with its hash; the Debian packages to have first;
service units; checksums; and a bill of materials (CycloneDX 1.6). `install.sh` inside needs no network.

Building needs the package index, and the source tree.
"""

from __future__ import annotations

import argparse
import email.parser
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
INSTALLATION = SOURCE / "config" / "installation"
EXTRAS = "postgres,s3"
DEBIAN_PACKAGES = ("python3", "python3-venv", "ca-certificates", "tzdata", "chrony", "postgresql-client")
"""`chrony`: alerts are worth little without the right time. `postgresql-client`: backups of a store there;
its major version must be no older than the server's."""
_KEPT_LOGS = """
# What each process did, and who asked the console for what (access.log): files, kept for keep_days (200).
logs:
  folder: /var/log/firewatch
"""
_NOT_SOURCE = (".git", ".venv", ".work", ".*_cache", "__pycache__", "build", "dist", "node_modules", "var")
"""What earlier builds and runs left must not reach a bundle."""


@dataclass(frozen=True)
class Wheel:
    """What a wheel says of itself."""

    name: str
    version: str
    licence: str
    sha256: str

    @classmethod
    def read(cls, path: Path) -> Wheel:
        """Raises ValueError for a file that is no wheel."""
        with zipfile.ZipFile(path) as archive:
            inside = [one for one in archive.namelist() if one.endswith(".dist-info/METADATA")]
            if not inside:
                raise ValueError(f"{path} is not a wheel")
            told = email.parser.Parser().parsestr(archive.read(inside[0]).decode("utf-8"))
        classified = [
            one.rpartition(" :: ")[2]
            for one in told.get_all("Classifier", [])
            if one.startswith("License ::")
        ]
        licence = told["License-Expression"] or (classified[0] if classified else "") or told["License"] or ""
        return cls(
            told["Name"], told["Version"], licence.splitlines()[0] if licence else "",
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )  # fmt: skip


def build(out: Path) -> Path:
    """Write the archive `out` (.tar.gz). Raises subprocess.CalledProcessError when pip cannot get a wheel."""
    with tempfile.TemporaryDirectory(prefix="firewatch-bundle-") as scratch:
        folder = Path(scratch) / "firewatch-bundle"
        wheels = folder / "wheels"
        wheels.mkdir(parents=True)
        tree = shutil.copytree(SOURCE, Path(scratch) / "tree", ignore=shutil.ignore_patterns(*_NOT_SOURCE))
        _pip("wheel", "--no-deps", "--wheel-dir", str(wheels), str(tree))
        (ours,) = wheels.glob("*.whl")
        _pip("download", "--only-binary", ":all:", "--dest", str(wheels), f"{ours}[{EXTRAS}]")
        found = [Wheel.read(path) for path in sorted(wheels.glob("*.whl"))]
        fill(folder, found)
        out.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(out, "w:gz") as archive:
            archive.add(folder, folder.name)
    return out


def fill(folder: Path, wheels: Sequence[Wheel]) -> None:
    """Everything beside the wheels."""
    (folder / "requirements.lock").write_text(lock_of(wheels), encoding="utf-8")
    (folder / "debian-packages.txt").write_text("\n".join(DEBIAN_PACKAGES) + "\n")
    (folder / "python-version.txt").write_text(f"{sys.version_info[0]}.{sys.version_info[1]}\n")
    (folder / "sbom.cdx.json").write_text(json.dumps(bill_of_materials(wheels), indent=1), encoding="utf-8")
    shutil.copy(INSTALLATION / "install.sh", folder)
    shutil.copytree(SOURCE / "docs", folder / "docs")
    example = (SOURCE / "config" / "dashan.yaml").read_text(encoding="utf-8")
    (folder / "example-deployment.yaml").write_text(example + _KEPT_LOGS, encoding="utf-8")
    for text in ("LICENSE", "THIRD_PARTY_NOTICES.md"):
        shutil.copy(SOURCE / text, folder)
    for proxy in ("nginx.conf", "Caddyfile"):
        shutil.copy(INSTALLATION / proxy, folder)
    (folder / "units").mkdir()
    for unit in (*INSTALLATION.glob("*.service"), *INSTALLATION.glob("*.timer")):
        shutil.copy(unit, folder / "units")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n" for path in files
    ]
    (folder / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")


def lock_of(wheels: Iterable[Wheel]) -> str:
    """Every wheel by version and hash, as `pip install --require-hashes` wants it.

    >>> lock_of([Wheel("a", "1", "MIT", "ab")])
    'a==1 --hash=sha256:ab\\n'
    """
    return "".join(f"{one.name}=={one.version} --hash=sha256:{one.sha256}\n" for one in wheels)


def bill_of_materials(wheels: Iterable[Wheel]) -> dict[str, object]:
    """CycloneDX 1.6 (<https://cyclonedx.org/docs/1.6/json/>): what is in the bundle, under which licence."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
            "component": {"type": "application", "name": "firewatch"},
        },
        "components": [
            {
                "type": "library",
                "name": one.name,
                "version": one.version,
                "purl": f"pkg:pypi/{one.name.lower().replace('_', '-')}@{one.version}",
                "hashes": [{"alg": "SHA-256", "content": one.sha256}],
                **({"licenses": [{"license": {"name": one.licence}}]} if one.licence else {}),
            }
            for one in wheels
        ],
    }


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    subprocess.run(command, check=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m firewatch.bundle", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("dist") / "firewatch-bundle.tar.gz")
    made = build(parser.parse_args(arguments).out)
    print(f"{made}: {made.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
