"""How many 1080p25 cameras this machine watches: `python -m benchmarks.cameras [--quick] [--json FILE]`.

The simulator's RTSP server sends every camera's 4 Mbit/s H.264 over TCP from the same machine (its processor
time is reported apart, and is not taken out of what the workers have). The product's own workers watch them
at 0.5 looks a second with the model and profile that `firewatch evaluate` takes by default; two of the
cameras show a fire, whose dense looks count. *Held* means: 95 % of the looks are decided within a second of
capture, and nobody starves (each camera has 90 % of its looks, and never waits three intervals).

The number of cameras is searched in steps (16 s of warming up, 30 s of judging each), then held for
`--seconds`. Besides: what reading and key-frame decoding cost without the network, the time until all
cameras have had a look again after the server was killed and started anew, memory, and the plain way
(`benchmarks.cameras_plain`) as baseline, where PyTorch and Ultralytics are installed. `--quick` tries one
number of cameras only and judges it for 10 s, with footage too short for its fires to be suspected.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.camera_fleet import CameraServer, Fleet, Verdict, judge
from benchmarks.camera_footage import Footage, make_footage
from benchmarks.cameras_plain import held_the_plain_way
from benchmarks.processes import cpu_s, end
from benchmarks.reporting import machine, write_figures
from detector.registry import load_model
from firewatch.plan import cores, workers_for

PROFILE = "balanced"
WARM_UP_S = 16.0
TRY_S = 30.0
FIRST_TRY = 40
STEP = 4
FIRES = 2


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cameras", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within a minute: one number of cameras")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--seconds", type=float, default=300.0, help="how long the final number is held")
    parser.add_argument("--cameras", type=int, help="begin the search here")
    parser.add_argument("--footage", type=Path, default=Path(tempfile.gettempdir()) / "firewatch-footage")
    options = parser.parse_args(arguments)
    model = load_model()
    print(f"machine: {machine()}")
    print(f"model: {model.model_id}, profile {PROFILE}")
    footage = make_footage(
        options.footage, calm_s=4 if options.quick else 12, fire_s=8 if options.quick else 60
    )
    with tempfile.TemporaryDirectory(prefix="firewatch-cameras-") as scratch:
        figures = _figures(options, footage, Path(scratch))
    for name, value in figures.items():
        print(f"{name:24} {'not measured' if value is None else f'{value:.3g}'}")
    write_figures(
        options.json, figures, model_id=model.model_id, profile=PROFILE, files=[f.name for f in model.files]
    )
    return 0


def _figures(options: argparse.Namespace, footage: Footage, scratch: Path) -> dict[str, float | None]:
    figures: dict[str, float | None] = {}
    if options.quick:
        held = _attempt(footage, options.cameras or 16, scratch / "quick", 5.0, 10.0, figures, recover=True)
        figures["cameras.held"] = float(held.cameras) if held.held else 0.0
    else:
        cameras = _search(footage, options.cameras or FIRST_TRY, scratch)
        held = _attempt(
            footage, cameras, scratch / "final", WARM_UP_S, options.seconds, figures, recover=True
        )
        while not held.held and cameras > STEP:
            cameras -= 2
            held = _attempt(
                footage, cameras, scratch / f"final-{cameras}", WARM_UP_S, options.seconds, figures,
                recover=True,
            )  # fmt: skip
        figures["cameras.held"] = float(held.cameras) if held.held else 0.0
        for count in (10, 20, 40):
            figures[f"cameras.blind_ms_{count}"] = _cost_without_network(footage, count, scratch)
    figures["cameras.p95_s"] = held.p95_s
    plain = held_the_plain_way(footage, scratch, quick=options.quick)
    figures["cameras.plain_held"] = plain
    figures["cameras.ratio"] = figures["cameras.held"] / plain if plain else None
    return figures


def _search(footage: Footage, first: int, scratch: Path) -> int:
    """The largest number of cameras that a short try holds, in steps."""
    cameras = first
    held = _attempt(footage, cameras, scratch / f"try-{cameras}", WARM_UP_S, TRY_S).held
    step = STEP if held else -STEP
    while cameras + step >= STEP:
        better = _attempt(footage, cameras + step, scratch / f"try-{cameras + step}", WARM_UP_S, TRY_S).held
        cameras += step
        if better != held:
            return cameras - step if held else cameras
    return cameras


def _attempt(
    footage: Footage,
    cameras: int,
    folder: Path,
    warm_up_s: float,
    seconds: float,
    figures: dict[str, float | None] | None = None,
    *,
    recover: bool = False,
) -> Verdict:
    figures = {} if figures is None else figures
    workers = workers_for(cameras, cores())
    with (
        CameraServer(footage, cameras, fires=FIRES) as server,
        Fleet(server, folder, workers=workers) as fleet,
    ):
        if fleet.wait_for_all(time.time(), 60.0) is None:
            print(f"{cameras} cameras: not all had a look within a minute")
        time.sleep(warm_up_s)
        assert server.process is not None
        began_s, mb_first = time.time(), fleet.memory_mb()
        spent_s, served_s = fleet.cpu_s(), cpu_s(server.process.pid)
        time.sleep(seconds)
        ended_s = time.time()
        spent_s, served_s = fleet.cpu_s() - spent_s, cpu_s(server.process.pid) - served_s
        mb_last = fleet.memory_mb()
        verdict = judge(fleet.looks(), server.names, began_s, ended_s)
        figures["cameras.mb_each"] = mb_last / cameras
        figures["cameras.mb_growth_each"] = (mb_last - mb_first) / cameras
        figures["cameras.worker_cores"] = spent_s / (ended_s - began_s)
        figures["cameras.server_cores"] = served_s / (ended_s - began_s)
        print(
            f"{cameras} cameras, {workers} workers, {verdict.seconds:.0f} s: "
            f"{'held' if verdict.held else 'NOT held'}; p95 {verdict.p95_s:.2f} s, "
            f"{verdict.looks_per_s:.1f} looks/s, slowest camera {verdict.slowest_share:.0%} of its looks, "
            f"longest gap {verdict.longest_gap_s:.1f} s, {verdict.dense_cameras} cameras under suspicion; "
            f"{mb_last / cameras:.1f} MB a camera ({(mb_last - mb_first) / cameras:+.1f}), "
            f"workers {spent_s / verdict.seconds:.2f} cores, server {served_s / verdict.seconds:.2f}",
            flush=True,
        )
        if recover:
            server.stop()
            time.sleep(5)
            server.start()
            back_s = fleet.wait_for_all(time.time(), 90.0)
            figures["cameras.recover_s"] = back_s
            took = "never" if back_s is None else f"{back_s:.1f} s"
            print(f"all live again {took} after the server came back")
            ended_s = time.monotonic()
            end(fleet.processes)
            figures["cameras.drain_s"] = time.monotonic() - ended_s
            print(f"all workers ended {figures['cameras.drain_s']:.1f} s after they were told to")
    return verdict


def _cost_without_network(footage: Footage, cameras: int, scratch: Path) -> float:
    """Processor milliseconds a second and camera for reading, key-frame decoding and conversion alone."""
    with (
        CameraServer(footage, cameras, fires=0) as server,
        Fleet(server, scratch / f"blind-{cameras}", workers=2, blind=True) as fleet,
    ):
        fleet.wait_for_all(time.time(), 60.0)
        time.sleep(4)
        began_s, spent_s = time.monotonic(), fleet.cpu_s()
        time.sleep(10)
        cost_ms = 1000 * (fleet.cpu_s() - spent_s) / (time.monotonic() - began_s) / cameras
    print(f"{cameras} cameras without the network: {cost_ms:.1f} ms a second and camera", flush=True)
    return cost_ms


if __name__ == "__main__":
    raise SystemExit(main())
