"""Put exported weights into models/ under a name: files, checksums, and what they were trained on.

    python -m detector.training.publish .work/first/export --name hill-1 --data DATA

Profiles, card and licence of the entry are kept as they stand in models/registry.yaml; a new name starts with
those of the current model. Thresholds are chosen by a person from `firewatch evaluate`, never here.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import yaml

from detector.registry import REGISTRY, sha256_of
from detector.training.manifest import sequences


def publish(exported: Path, name: str, trained_on: list[str], registry: Path = REGISTRY) -> None:
    """Copy the exported files to models/NAME/ and make NAME the current model of the registry."""
    folder = registry.parent / name
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for suffix in (".xml", ".bin", ".onnx"):
        (source,) = exported.glob(f"*{suffix}")
        target = folder / f"{name}{suffix}"
        shutil.copyfile(source, target)
        files[f"{name}/{target.name}"] = sha256_of(target)
    document: dict[str, Any] = yaml.safe_load(registry.read_text())
    entry = document["models"].get(name) or dict(document["models"][document["current"]])
    document["models"][name] = entry | {"files": files, "trained_on": sorted(trained_on)}
    document["current"] = name
    registry.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100))


def main() -> None:
    """Parse arguments and publish."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("exported", type=Path, help="folder written by detector.training.export")
    parser.add_argument("--name", required=True)
    parser.add_argument("--data", type=Path, required=True, help="the shared data folder, for what was seen")
    parser.add_argument("--splits", default="train")
    args = parser.parse_args()
    seen = [
        pictures[0].sequence
        for pictures in sequences(args.data / "hpwren", frozenset(args.splits.split(",")))
    ]
    publish(args.exported, args.name, seen)


if __name__ == "__main__":
    main()
