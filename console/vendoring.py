"""The page's libraries: which npm packages, which files of them, and that they are what was published.

The console has no build step and no CDN: the files lie in `web/vendor/`, with their licences and a checksum
file. `python -m console.vendoring` fetches them again (it calls `npm pack`, a development tool) after the
versions below were changed; nothing here runs in production.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

VENDOR = Path(__file__).parent / "web" / "vendor"
CHECKSUMS = VENDOR / "CHECKSUMS.sha256"


@dataclass(frozen=True)
class Library:
    """One npm package. `files`: path in the package -> name here."""

    name: str
    version: str
    integrity: str
    licence: str
    files: dict[str, str]
    replace: tuple[tuple[str, str], ...] = ()
    """Texts replaced in every JavaScript file: a browser finds no module by its bare name."""

    @property
    def folder(self) -> str:
        return f"{self.name}-{self.version}"


LIBRARIES = (
    Library(
        "preact",
        "10.29.8",
        "sha512-ej2aVZ+vZ8WO7tvlQWRM9N63A0KzF9q4mWJfDUHgYaIofWY9hu74QdnQrjoPMmZi2/nZ5gN0bJCQF49xQqx09Q==",
        "MIT",
        {"dist/preact.mjs": "preact.mjs", "hooks/dist/hooks.mjs": "hooks.mjs", "LICENSE": "LICENSE"},
        replace=(('from"preact"', 'from"./preact.mjs"'),),
    ),
    Library(
        "htm",
        "3.1.1",
        "sha512-983Vyg8NwUE7JkZ6NmOqpCZ+sh1bKv2iYTlUkzlWmA5JD2acKoxd4KVxbMmxX/85mtfdnDmTFoNKcg5DGAvxNQ==",
        "Apache-2.0",
        {"dist/htm.mjs": "htm.mjs", "LICENSE": "LICENSE"},
    ),
    Library(
        "maplibre-gl",
        "6.17.0",
        "sha512-2chIZwpLGenoUQOcnm9Pk4SLbA8ppNFq8jlpXiq9vcYm3Y1wJ3fc82FL0GLwBaPYJCLzPv/mC46KEupVov75rQ==",
        "BSD-3-Clause",
        {
            "dist/maplibre-gl.mjs": "maplibre-gl.mjs",
            "dist/maplibre-gl-worker.mjs": "maplibre-gl-worker.mjs",
            "dist/maplibre-gl.css": "maplibre-gl.css",
            "LICENSE.txt": "LICENSE.txt",
        },
    ),
)


def vendored_files() -> list[Path]:
    """Everything the checksum file speaks for."""
    return sorted(path for path in VENDOR.rglob("*") if path.is_file() and path != CHECKSUMS)


def checksum_lines() -> str:
    """The text of the checksum file, readable by `sha256sum --check`."""
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(VENDOR).as_posix()}\n"
        for path in vendored_files()
    )


def fetch(library: Library) -> None:
    """Put the library's files below `web/vendor/`. Raises ValueError when the package is another one."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", f"{library.name}@{library.version}", "--json", "--pack-destination", folder]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
        archive = Path(folder) / json.loads(answer.stdout)[0]["filename"]
        found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if found != library.integrity:
            raise ValueError(f"{library.folder}: integrity is {found}, pinned is {library.integrity}")
        target = VENDOR / library.folder
        target.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as package:
            for inside, name in library.files.items():
                member = package.extractfile(f"package/{inside}")
                if member is None:
                    raise ValueError(f"{library.folder} has no file {inside}")
                content = member.read()
                if name.endswith(".mjs"):
                    for old, new in library.replace:
                        content = content.replace(old.encode(), new.encode())
                (target / name).write_bytes(content)


def main() -> None:
    for library in LIBRARIES:
        fetch(library)
    CHECKSUMS.write_text(checksum_lines(), encoding="utf-8")


if __name__ == "__main__":
    main()
