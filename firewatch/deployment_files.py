"""What a backup holds of the deployment: its file as it was written, and the small files that it names.

Left out, and said to be: terrain (large, and at hand where it came from) unless it is asked for, files larger
than `SMALL_BYTES`, keys of certificates, and what `${NAME}` and `${file:...}` stand for. A password that
somebody has written into the deployment file itself is in the backup, as the centre's keys are: keep it so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from config import Deployment
from config.files import named_files

SMALL_BYTES = 16 * 1024 * 1024
_COMMENT = re.compile(r"(^|\s)#.*")
_REFERENCE = re.compile(r"\$\{(file:[^}]*|[A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True)
class Chosen:
    """`place`: relative to the deployment file where it was named so, else absolute. `FILE` for itself."""

    place: str
    path: Path


FILE = "."
"""The place of the deployment file: wherever it is put back."""


def choose(
    deployment: Deployment, config_file: Path, *, terrain: bool = False
) -> tuple[tuple[Chosen, ...], tuple[str, ...]]:
    """The files to keep, and a sentence for each thing that is left out."""
    folder = config_file.resolve().parent
    chosen, left_out = [Chosen(FILE, config_file)], []
    for one in named_files(deployment):
        size = one.path.stat().st_size
        if one.is_secret:
            left_out.append(f"{one.option}: {one.path} is a key")
        elif one.option == "terrain" and not terrain:
            left_out.append(f"terrain: {one.path}, {size / 1e6:.0f} MB; --terrain puts it in")
        elif one.option != "terrain" and size > SMALL_BYTES:
            left_out.append(f"{one.option}: {one.path} is large, {size / 1e6:.0f} MB")
        else:
            inside = one.path.is_relative_to(folder)
            chosen.append(Chosen(str(one.path.relative_to(folder) if inside else one.path), one.path))
    for camera in deployment.cameras:
        if not camera.source.scheme:
            left_out.append(f"the footage of camera {camera.id}: {camera.source}")
    return tuple(chosen), (*left_out, *_references_in(config_file.read_text(encoding="utf-8")))


def target_of(place: str, config_file: Path) -> Path:
    """Where a file goes when the deployment file becomes `config_file`.

    >>> target_of("ground/grids.geojson", Path("/etc/firewatch/deployment.yaml")).as_posix()
    '/etc/firewatch/ground/grids.geojson'
    """
    return config_file if place == FILE else config_file.parent / place


def _references_in(text: str) -> Sequence[str]:
    """
    >>> _references_in("secret: ${DISPATCH_SECRET}  # or ${ANOTHER}\\nbearer: ${file:/run/word}")
    ['what ${DISPATCH_SECRET} stands for', 'what ${file:/run/word} stands for']
    """
    lines = (_COMMENT.sub("", line) for line in text.splitlines())
    names = dict.fromkeys(name for line in lines for name in _REFERENCE.findall(line))
    return [f"what ${{{name}}} stands for" for name in names]
