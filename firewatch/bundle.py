"""One archive for machines without internet: `make bundle`, or `python -m firewatch.bundle --out FILE`.

In it: our wheel (weights, sample footage, console and its map library are package data), the wheels of all it
needs for this Python and this kind of machine, each pinned with its hash; the names of the Debian packages to
have first; a first deployment that starts as it is; service units; checksums; and a bill of materials
(`firewatch.bill_of_materials`). `install.sh` inside needs no network.

Building needs the package index, and the source tree.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from firewatch.bill_of_materials import DEBIAN_PACKAGES, Wheel, bill_of_materials

SOURCE = Path(__file__).resolve().parent.parent
INSTALLATION = SOURCE / "config" / "installation"
EXTRAS = "postgres,s3,oidc"
EXAMPLE = {
    "terrain.tif": SOURCE / "sample_videos" / "terrain.tif",
    "near_fire.mp4": SOURCE / "sample_videos" / "near_fire.mp4",
    "grids.geojson": SOURCE / "config" / "demo_grids.geojson",
    "places.geojson": SOURCE / "config" / "demo_places.geojson",
}
"""What the first deployment of a fresh installation names."""
_NOT_SOURCE = (".git", ".venv", ".work", ".*_cache", "__pycache__", "build", "dist", "node_modules", "var")
"""What earlier builds and runs left must not reach a bundle."""


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
    (folder / "debian-packages.txt").write_text("".join(f"{one.name}\n" for one in DEBIAN_PACKAGES))
    (folder / "python-version.txt").write_text(f"{sys.version_info[0]}.{sys.version_info[1]}\n")
    example = folder / "etc" / "example"
    example.mkdir(parents=True)
    for name, path in EXAMPLE.items():
        shutil.copy(path, example / name)
    shutil.copy(INSTALLATION / "deployment.yaml", folder / "etc")
    shutil.copy(SOURCE / "config" / "deployment.schema.json", folder / "etc")
    district = (SOURCE / "config" / "dashan.yaml").read_text(encoding="utf-8")
    district = district.replace("../sample_videos/terrain.tif", "example/terrain.tif")
    (folder / "etc" / "dashan.yaml").write_text(district, encoding="utf-8")
    bill = json.dumps(bill_of_materials(wheels, example), indent=1, ensure_ascii=False)
    (folder / "sbom.cdx.json").write_text(bill, encoding="utf-8")
    for script in ("install.sh", "firewatch.sh"):
        shutil.copy(INSTALLATION / script, folder)
    shutil.copytree(SOURCE / "docs", folder / "docs")
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
