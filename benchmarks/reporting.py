"""What every benchmark prints and writes: the machine, the settings, the figures."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def machine() -> str:
    """The processor and system figures were measured on.

    >>> "cores" in machine()
    True
    """
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def write_figures(path: Path | None, figures: Mapping[str, float | None], **more: Any) -> None:
    """`{"figures": {...}}` with what else helps to read them; nothing where no file is asked for."""
    if path is None:
        return
    content = {"machine": machine(), **more, "figures": dict(figures)}
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
