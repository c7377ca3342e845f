"""The bundle's bill of materials (CycloneDX 1.6, <https://cyclonedx.org/docs/1.6/json/>): everything in it,
under which licence, with which SHA-256.

Wheels by what they say of themselves; Debian packages by name, for they are not in the bundle but to be
installed first; the page's libraries, the font, the schema of CAP, the weights and the example's ground and
footage file by file, for they lie inside our wheel or beside it.
"""

from __future__ import annotations

import email.parser
import hashlib
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from console.vendoring import LIBRARIES, VENDOR
from detector.registry import list_models, verify

SOURCE = Path(__file__).resolve().parent.parent
OURS = "AGPL-3.0-or-later"


@dataclass(frozen=True)
class DebianPackage:
    """To be installed before us, from a Debian mirror or medium."""

    name: str
    licence: str
    why: str


DEBIAN_PACKAGES = (
    DebianPackage("python3", "PSF-2.0", "runs the programs"),
    DebianPackage("python3-venv", "PSF-2.0", "install.sh makes an environment of their own with it"),
    DebianPackage("ca-certificates", "MPL-2.0", "authorities of receivers"),
    DebianPackage("tzdata", "LicenseRef-public-domain", "the deployment's time zone"),
    DebianPackage("chrony", "GPL-2.0-only", "alerts are worth little without the right time"),
    DebianPackage(
        "postgresql-client",
        "PostgreSQL",
        "backups of a store there; its major version must be no older than the server's",
    ),
)


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
            _sha256(path),
        )  # fmt: skip


def bill_of_materials(wheels: Iterable[Wheel], example: Path | None = None) -> dict[str, Any]:
    """Of a bundle with these `wheels` and the files of the folder `example`."""
    components = [_of_wheel(one) for one in wheels]
    components += [_of_debian(one) for one in DEBIAN_PACKAGES]
    components += _vendored()
    components += _weights()
    if example is not None:
        for path in sorted(one for one in example.rglob("*") if one.is_file()):
            components.append(_file("data", f"example/{path.relative_to(example).as_posix()}", path, OURS))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
            "component": {
                "type": "application",
                "name": "firewatch",
                "version": version("firewatch"),
                "licenses": _licences(OURS),
            },
        },
        "components": components,
    }


def _of_wheel(one: Wheel) -> dict[str, Any]:
    return {
        "type": "library",
        "name": one.name,
        "version": one.version,
        "purl": f"pkg:pypi/{one.name.lower().replace('_', '-')}@{one.version}",
        "hashes": [{"alg": "SHA-256", "content": one.sha256}],
        **({"licenses": _licences(one.licence)} if one.licence else {}),
    }


def _of_debian(one: DebianPackage) -> dict[str, Any]:
    return {
        "type": "library",
        "name": one.name,
        "description": one.why,
        "scope": "required",
        "purl": f"pkg:deb/debian/{one.name}",
        "licenses": _licences(one.licence),
        "properties": [{"name": "firewatch:in-bundle", "value": "no: to be installed first"}],
    }


def _vendored() -> Iterator[dict[str, Any]]:
    """What others made and our wheel carries."""
    for library in LIBRARIES:
        folder = VENDOR / library.folder
        yield {
            "type": "library",
            "name": library.name,
            "version": library.version,
            "purl": f"pkg:npm/{library.name}@{library.version}",
            "licenses": _licences(library.licence),
            "components": [
                _file("file", f"console/web/vendor/{library.folder}/{name}", folder / name, library.licence)
                for name in sorted(library.files.values())
            ],
        }
    yield _at("data", "detector/fonts/noto_sans_sc_subset.otf", "OFL-1.1")
    yield _at("data", "alerting/formats/CAP-v1.2.xsd", "LicenseRef-OASIS-notices")


def _weights() -> Iterator[dict[str, Any]]:
    """Every registered model, file by file."""
    files = verify()
    for model in list_models()[1]:
        licence = model.licence.partition(":")[0]
        yield {
            "type": "machine-learning-model",
            "name": model.name,
            "licenses": _licences(licence),
            "components": [_at("file", f"models/{name}", licence) for name in sorted(files[model.name])],
        }


def _at(kind: str, name: str, licence: str) -> dict[str, Any]:
    return _file(kind, name, SOURCE / name, licence)


def _file(kind: str, name: str, path: Path, licence: str) -> dict[str, Any]:
    return {
        "type": kind,
        "name": name,
        "hashes": [{"alg": "SHA-256", "content": _sha256(path)}],
        "licenses": _licences(licence),
    }


def _licences(name: str) -> Sequence[dict[str, Any]]:
    return [{"license": {"name": name}}]


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
