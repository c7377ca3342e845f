"""Turns what went wrong into one paragraph for a person, and into an exit code.

Errors that our packages raise on purpose say what is wrong and how to mend it; they are printed as they
are and end with code 2. Anything else is a fault of ours: one paragraph that says so, code 1. The
traceback is shown only with `--debug`.
"""

from __future__ import annotations

import sys

EXIT_KNOWN = 2
EXIT_FAULT = 1

_KNOWN = {
    "config.errors": ("ConfigError",),
    "streams.errors": ("SourceError", "BadPicture"),
    "detector.errors": ("DetectorError",),
    "alerting.database": ("StoreError",),
    "geometry.terrain": ("TerrainError",),
    "simulator.rtsp_footage": ("FootageError",),
    "simulator.rtsp_playlist": ("PlaylistError",),
    "simulator.scene": ("SceneError",),
    "alerting.evidence": ("EvidenceError",),
    "alerting.formats.origin": ("MessageError",),
    "alerting.grids": ("GridError",),
    "alerting.gazetteer": ("GazetteerError",),
    "console.sign_on": ("ExtraMissingError",),
    "firewatch.failures": ("UserError",),
    "firewatch.supervision": ("ProcessUnusableError",),
}
"""Looked up in modules already loaded: an error can only come from one of those."""


class UserError(Exception):
    """The command cannot do what was asked; says why and what to do instead."""


def known_error_types() -> tuple[type[BaseException], ...]:
    """The error classes whose message is meant for the user."""
    found = [
        getattr(sys.modules[module], name)
        for module, names in _KNOWN.items()
        if module in sys.modules
        for name in names
        if hasattr(sys.modules[module], name)
    ]
    return (*found, OSError)


def explained(error: BaseException) -> tuple[str, int]:
    """(paragraph, exit code)."""
    if isinstance(error, known_error_types()):
        if isinstance(error, OSError) and error.strerror:
            where = f"{error.filename}: " if error.filename else ""
            return f"{where}{error.strerror}", EXIT_KNOWN
        return str(error) or type(error).__name__, EXIT_KNOWN
    return (
        f"An unexpected {type(error).__name__} occurred: this is a fault of firewatch, not yours. "
        "Run the command again with 'firewatch --debug ...' and report what it shows.",
        EXIT_FAULT,
    )
