"""What benchmarks need to know of running processes: processor time, memory, and that they end."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """Processor seconds a process has used, all its threads, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def memory_mb(pid: int) -> float:
    """Proportional set size: shared libraries count for each process by its share."""
    return _smaps_mb(pid, "Pss")


def own_memory_mb(pid: int) -> float:
    """Memory that comes from no file, which is where a leak shows. The proportional set would rise with the
    end of any other process that uses the same libraries."""
    return _smaps_mb(pid, "Anonymous")


def _smaps_mb(pid: int, what: str) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no memory figure for process {pid}")


def threads(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))


def open_files(pid: int) -> Counter[str]:
    """What a process has open, by name; sockets and pipes by kind."""
    names: Counter[str] = Counter()
    for entry in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            names[re.sub(r":\[\d+\]$", "", os.readlink(f"/proc/{pid}/fd/{entry}"))] += 1
    return names


def end(processes: Iterable[subprocess.Popen[bytes]], grace_s: float = 8.0) -> None:
    """Terminate, wait, kill."""
    running = [process for process in processes if process.poll() is None]
    for process in running:
        process.send_signal(signal.SIGTERM)
    for process in running:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace_s)
        process.kill()
        process.wait()
