"""An hour of trouble: `python -m benchmarks.soak [--minutes 60] [--cameras 20] [--seed 1]`.

Real workers, supervised as in a centre, watch simulated cameras over RTSP while faults hit them at random
(`benchmarks.soak_plan`): frozen, silent, refusing, damaged, reset, with a wrong clock; now and then a worker
is killed, and the server with all cameras vanishes and returns. At the end every camera must be live, the
workers must hold no more memory, threads and open files than before, and the health history in the store
must tell of every fault that blinds, and of no blindness without one. Ends with code 1 otherwise.

What a view remembers grows for an hour with the ages a model ships with, and would hide a leak: here the
ages are minutes, so that after five of them every buffer is in use and nothing may grow any more.

Looks are rare (every 6 s), so that it can run beside other work: about a third of a core.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from alerting.store import Store
from benchmarks.camera_footage import SAMPLES
from benchmarks.processes import end, open_files, own_memory_mb, threads
from benchmarks.reporting import machine, write_figures
from benchmarks.soak_plan import OPTIONS, Injection, Told, contradictions, plan
from firewatch.logs import start_logging
from firewatch.plan import cores, workers_for
from firewatch.supervision import ProcessSpec, Supervisor

_log = logging.getLogger("soak")
SAMPLE_EVERY_S = 30.0
WARM_S = 300.0
"""A worker's memory is compared from here on: by then every buffer is in use."""
SPAN = 8
"""Samples at either end that are compared, at least: four minutes."""
REFERENCE_AGES_S = (15, 30, 60, 120)
MOST_GROWTH_MB = 12.0
"""The evidence of places goes on for 40 minutes (0.3 MB a camera), and what the allocator holds wanders."""
CLIPS = ("chimney.mp4", "dust_road.mp4", "sun_glare.mp4")
"""90 s long: a shorter loop shows the very same picture at every second look, which *is* a frozen camera."""


@dataclass(frozen=True)
class Sample:
    at_s: float
    memory_mb: float
    threads: int
    open_files: int
    """Without the store's: SQLite keeps as many as there ever were connections at once, for the next."""


class Soak:
    """One run; `tick` is called by the supervisor's loop."""

    def __init__(self, cameras: int, seconds: float, seed: int, folder: Path) -> None:
        self.names = [f"c{number:02d}" for number in range(cameras)]
        self.seconds = seconds
        self.injections = plan(self.names, seconds, seed)
        self.samples: dict[int, list[Sample]] = defaultdict(list)
        self._folder = folder
        self._server: subprocess.Popen[bytes] | None = None
        self._ports = [0, 0]
        self._urls: dict[str, str] = {}
        self._control = ""
        self._to_do: list[tuple[float, str, Injection]] = sorted(
            [(one.begins_s, "begin", one) for one in self.injections]
            + [(one.ends_s, "end", one) for one in self.injections],
            key=lambda step: step[0],
        )
        self._killed: tuple[Injection, int] | None = None
        """The worker that was killed, until it is there again."""
        self.longest_restart_s = 0.0
        self.most_store_files = 0
        self.last_opened: dict[int, Counter[str]] = {}
        self._sample_due_s = 0.0
        self._client = httpx.Client(timeout=10)
        self._started_at = 0.0
        self.start_server()
        self.supervisor = Supervisor(self._specs())

    def run(self) -> None:
        self._started_at = time.time()
        try:
            self.supervisor.run(self._tick)
        finally:
            if self._server is not None:
                end([self._server])
            self._client.close()

    def start_server(self) -> None:
        command = [sys.executable, "-m", "simulator.rtsp"]
        command += ["--port", str(self._ports[0]), "--control-port", str(self._ports[1])]
        for number, name in enumerate(self.names):
            command += ["--camera", f"{name}=~{SAMPLES / CLIPS[number % len(CLIPS)]}*1000000"]
        self._server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self._server.stdout is not None
        told = json.loads(self._server.stdout.readline())
        self._ports = [told["rtsp_port"], told["control_port"]]
        self._urls = told["cameras"]
        self._control = f"http://127.0.0.1:{told['control_port']}"

    def history(self) -> list[Told]:
        store = Store.open(self._database)
        try:
            found, last = [], 0
            while events := store.events_since(last):
                last = events[-1].event_id
                for event in events:
                    if event.kind == "camera" and event.camera_id is not None and "state" in event.data:
                        at_s = event.at.timestamp() - self._started_at
                        found.append(Told(event.camera_id, at_s, str(event.data["state"])))
            return found
        finally:
            store.close()

    def states(self) -> dict[str, str]:
        store = Store.open(self._database)
        try:
            return {state.camera_id: state.state for state in store.camera_states()}
        finally:
            store.close()

    @property
    def _database(self) -> str:
        return f"sqlite:///{self._folder}/store.db"

    def _tick(self) -> None:
        now_s = time.time() - self._started_at
        while self._to_do and self._to_do[0][0] <= now_s:
            _, what, injection = self._to_do.pop(0)
            self._step(what, injection)
        self._note_restart(now_s)
        if now_s >= self._sample_due_s:
            self._sample_due_s = now_s + SAMPLE_EVERY_S
            for pid in self.supervisor.process_ids().values():
                self._sample(pid, now_s)
        if now_s >= self.seconds:
            self.final_states = self.states()
            self.supervisor.request_stop()

    def _sample(self, pid: int, now_s: float) -> None:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):  # just killed
            opened = open_files(pid)
            store = sum(opened[name] for name in opened if name.startswith(f"{self._folder}/store.db"))
            self.most_store_files = max(self.most_store_files, store)
            self.samples[pid].append(Sample(now_s, own_memory_mb(pid), threads(pid), opened.total() - store))
            self.last_opened[pid] = opened

    def _step(self, what: str, one: Injection) -> None:
        _log.info("%s fault=%s camera=%s", what, one.kind, one.camera or "all")
        if one.kind == "kill a worker":
            if what == "begin":
                killed = next(iter(self.supervisor.process_ids().values()))
                os.kill(killed, signal.SIGKILL)
                self._killed = one, killed
        elif one.kind == "restart all":
            if what == "begin" and self._server is not None:
                end([self._server])
            else:
                self.start_server()
        elif what == "end":
            if one.kind != "drop":
                self._client.delete(f"{self._control}/cameras/{one.camera}/faults").raise_for_status()
        else:
            self._fault(one.camera, {"fault": one.kind, **OPTIONS.get(one.kind, {})})
            if one.kind == "refuse":
                self._fault(one.camera, {"fault": "drop"})

    def _note_restart(self, now_s: float) -> None:
        """A killed worker's cameras are blind until it is started again: on a busy machine the system takes
        a while to bury a process that is writing."""
        if self._killed is None:
            return
        one, pid = self._killed
        running = self.supervisor.process_ids().values()
        if pid in running or len(running) < self._workers:
            return
        self._killed = None
        self.longest_restart_s = max(self.longest_restart_s, now_s - one.begins_s)
        self.injections[self.injections.index(one)] = replace(one, ends_s=max(one.ends_s, now_s))

    def _fault(self, camera: str, fault: dict[str, Any]) -> None:
        self._client.post(f"{self._control}/cameras/{camera}/faults", json=fault).raise_for_status()

    def _specs(self) -> list[ProcessSpec]:
        config = self._folder / "soak.yaml"
        config.write_text(json.dumps(self._deployment()), encoding="utf-8")
        specs = []
        self._workers = count = workers_for(len(self.names), cores())
        for index in range(count):
            heartbeat = self._folder / f"heartbeat-{index}"
            command = [sys.executable, "-m", "firewatch.processes.worker", str(config)]
            command += ["--index", str(index), "--of", str(count), "--heartbeat", str(heartbeat)]
            command += ["--spool", str(self._folder / "spool")]
            command += ["--recordings", str(self._folder / "recordings")]
            log = self._folder / f"worker-{index}.log"
            specs.append(ProcessSpec(f"worker-{index}", tuple(command), log=log, heartbeat=heartbeat))
        return specs

    def _deployment(self) -> dict[str, object]:
        return {
            "name": "soak",
            "looks": {"patrol_interval_s": 6, "dense_interval_s": 3},
            "detector": {"reference_ages_s": REFERENCE_AGES_S},
            "storage": {"database_url": self._database, "evidence": str(self._folder / "evidence")},
            "cameras": [
                {
                    "id": name,
                    "name": name,
                    "source": self._urls[name],
                    "lat_deg": 23.1,
                    "lon_deg": 116.4,
                    "ground_height_m": 100,
                    "mast_height_m": 20,
                    "pose": {"azimuth_deg": 10, "tilt_deg": -3, "hfov_deg": 50},
                    "stream": {"stale_after_s": 20, "retry_max_s": 15},
                }
                for name in self.names
            ],
        }


def growth(samples: dict[int, list[Sample]], since_s: float) -> tuple[float, int, int]:
    """Largest growth (MB, threads, open files) of one process between the first and last quarter of its warm
    minutes.

    Recordings and clips under way raise all three for some seconds, a server that has vanished takes a socket
    from every camera for some: medians are compared, which only what lasts can move.
    """
    worst = (0.0, 0, 0)
    for found in samples.values():
        born_s = found[0].at_s
        warm = [one for one in found if one.at_s >= born_s + since_s]
        if len(warm) < 2 * SPAN:
            continue
        span = max(SPAN, len(warm) // 4)
        ends = warm[:span], warm[-span:]
        median_mb = [statistics.median(one.memory_mb for one in end) for end in ends]
        threads = [statistics.median_low(one.threads for one in end) for end in ends]
        files = [statistics.median_low(one.open_files for one in end) for end in ends]
        worst = (
            max(worst[0], median_mb[1] - median_mb[0]),
            max(worst[1], threads[1] - threads[0]),
            max(worst[2], files[1] - files[0]),
        )
    return worst


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--cameras", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--folder", type=Path, help="keep store and logs here (default: a temporary one)")
    options = parser.parse_args(arguments)
    start_logging()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="firewatch-soak-") as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        soak = Soak(options.cameras, options.minutes * 60, options.seed, folder)
        print(
            f"{machine()}; {options.cameras} cameras, {options.minutes:g} min, seed {options.seed}, "
            f"{len(soak.injections)} faults",
            flush=True,
        )
        soak.run()
        # States the workers wrote when they were told to stop at the end are not part of the story.
        history = [told for told in soak.history() if told.at_s < soak.seconds]
        problems = contradictions(soak.injections, history, soak.seconds)
    not_live = sorted(name for name in soak.names if soak.final_states.get(name) != "live")
    problems += [f"{name}: {soak.final_states.get(name)} at the end, not live" for name in not_live]
    more_mb, more_threads, more_files = growth(soak.samples, WARM_S)
    if more_mb > MOST_GROWTH_MB or more_threads > 1 or more_files > 2:
        problems.append(f"a worker grew by {more_mb:.0f} MB, {more_threads} threads, {more_files} open files")
        for pid, opened in soak.last_opened.items():
            print(
                f"process {pid} has open:",
                *(f"{count} x {name}" for name, count in opened.items()),
                sep="\n  ",
            )
    for pid, samples in soak.samples.items():
        mb, thread_count, files = growth({pid: samples}, WARM_S)
        lived = f"{len(samples) * SAMPLE_EVERY_S / 60:.0f} min"
        print(f"process {pid}, {lived}: {mb:+.1f} MB, {thread_count:+d} threads, {files:+d} files")
        print(f"process {pid}, MB every 5 min:", *(f"{one.memory_mb:.0f}" for one in samples[::10]))
    for problem in problems:
        print(f"PROBLEM {problem}")
    figures = {
        "soak.minutes": options.minutes,
        "soak.faults": float(len(soak.injections)),
        "soak.state_changes": float(len(history)),
        "soak.live_at_end": float(len(soak.names) - len(not_live)),
        "soak.problems": float(len(problems)),
        "soak.longest_restart_s": soak.longest_restart_s,
        "soak.memory_growth_mb": more_mb,
        "soak.thread_growth": float(more_threads),
        "soak.open_file_growth": float(more_files),
        "soak.most_store_files": float(soak.most_store_files),
    }
    for name, value in figures.items():
        print(f"{name:24} {value:.3g}")
    write_figures(
        options.json,
        figures,
        seed=options.seed,
        cameras=options.cameras,
        problems=problems,
        samples={str(pid): [asdict(one) for one in samples] for pid, samples in soak.samples.items()},
    )
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
