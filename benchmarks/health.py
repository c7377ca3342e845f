"""Is a blind camera found, and is nothing else called blind? `python -m benchmarks.health [--quick]`.

Three parts, all on real pictures of the data folder (`FIREWATCH_DATA`, or shared/data beside the checkout):

- *True time*: every dated hpwren sequence, unaltered, on its own clock (27 sequences, one picture a minute,
  35 camera-hours). Any obstructed, defocused or moved is false. Then the same sequences with something done
  to their second half, to show that the judge is not deaf at one picture a minute.
- *Mishaps*: stills of hpwren and dfire_hillside played as live cameras at 2 pictures a second with sensor
  noise and drift (`benchmarks.health_footage`), then frozen, blurred, covered, dark, overexposed, turned:
  found within 10 s after the dwell, moved within 60 s. *Harmless* weather and night must raise nothing.
- *Cost*: processor time a measured picture.

The baseline is what a plain watchdog sees, which judges the age of pictures only: none of the mishaps.
`--quick` takes every fourth sequence, and one still instead of `--stills`.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import cv2

from benchmarks.health_footage import (
    HARMLESS,
    MISHAPS,
    RATE_HZ,
    Mishap,
    played,
    sequences,
    stills,
    taken_at,
    turned_view,
)
from benchmarks.reporting import machine, write_figures
from config import HealthSettings
from streams.condition import Condition
from streams.frame import Frame
from streams.health import CameraHealth
from streams.health_measures import measure
from streams.vitals import Vitals

CALM_S = 20.0
OF_THE_VIEW = (Condition.OBSTRUCTED, Condition.DEFOCUSED, Condition.MOVED)
SETTINGS = HealthSettings()
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.health", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within a minute: less of everything")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--stills", type=int, default=26, help="how many of the 77 stills are played")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("FIREWATCH_DATA", DATA)))
    options = parser.parse_args(arguments)
    if not (options.data / "hpwren").is_dir():
        parser.error(f"no hpwren folder in {options.data}; FIREWATCH_DATA or --data name another place")
    cv2.setNumThreads(1)
    print(f"machine: {machine()}")
    every = stills(options.data)
    chosen = every[4:5] if options.quick else every[:: max(1, len(every) // options.stills)]
    clocked = sequences(options.data)[:: 4 if options.quick else 1]
    print(
        f"settings: {len(clocked)} sequences, {len(chosen)} of {len(every)} stills, "
        f"{RATE_HZ:g} pictures/s, calm for {CALM_S:g} s"
    )
    figures = {
        **true_time(clocked),
        **mishaps(chosen),
        **harmless(chosen),
        **cost(chosen[0]),
    }
    for name, value in figures.items():
        print(f"{name:32} {value:.3g}")
    write_figures(options.json, figures, stills=len(chosen))
    return 0


@dataclass(frozen=True)
class Verdict:
    """What was said of a camera at one picture."""

    since_start_s: float
    condition: Condition


def judged(frames: Iterable[Frame], *, stale_after_s: float = 1e6) -> Iterator[Verdict]:
    """What the judge says of each picture, arriving when it was taken."""
    health = CameraHealth(SETTINGS, stale_after_s=stale_after_s)
    start: datetime | None = None
    for frame in frames:
        start = start or frame.captured_at
        health.saw(frame)
        state = health.state(_vitals(frame.captured_at, start), frame.captured_at)
        yield Verdict((frame.captured_at - start).total_seconds(), state.condition)


def true_time(found: Sequence[tuple[str, list[Path]]]) -> dict[str, float]:
    false = missed = 0
    hours = 0.0
    half = (
        next(one for one in MISHAPS if one.name == "blur 3 px"),
        next(one for one in MISHAPS if one.name == "covered 70 %, light"),
        next(one for one in MISHAPS if one.name == "turned 5 %"),
    )
    for number, (name, pictures) in enumerate(found):
        raised = _changes(judged(_frames(name, pictures)))
        hours += (taken_at(pictures[-1]) - taken_at(pictures[0])).total_seconds() / 3600
        for verdict in (one for one in raised if one.condition in OF_THE_VIEW):
            false += 1
            print(f"  false: {name} {verdict.condition} after {verdict.since_start_s / 60:.0f} min")
        mishap = half[number % len(half)]
        said = {one.condition for one in judged(_altered_from_half(name, pictures, mishap))}
        if said & set(OF_THE_VIEW) != {Condition(mishap.expected)}:
            missed += 1
            print(f"  missed at one picture a minute: {name}, {mishap.name}: {sorted(said)}")
    return {
        "health.true_time_hours": hours,
        "health.true_time_false": false,
        "health.true_time_found": 1 - missed / len(found),
    }


def mishaps(chosen: Sequence[Path]) -> dict[str, float]:
    found = late = played_ = 0
    slowest = {Condition.MOVED: 0.0}
    for mishap in MISHAPS:
        expected = Condition(mishap.expected)
        limit_s = 60.0 if expected is Condition.MOVED else _dwell_s(expected) + 10
        times: list[float] = []
        wrong: list[str] = []
        for path in chosen:
            still = cv2.imread(str(path))
            verdicts = list(judged(played(still, mishap, calm_s=CALM_S, altered_s=limit_s)))  # type: ignore[arg-type]
            before = {one.condition for one in verdicts if one.since_start_s < CALM_S}
            after = {one.condition for one in verdicts}
            first = next((one.since_start_s for one in verdicts if one.condition is expected), None)
            played_ += 1
            if first is not None and before == {Condition.LIVE} and after <= {Condition.LIVE, expected}:
                times.append(first - CALM_S)
            else:
                wrong.append(f"{path.parents[1].name}/{path.stem}: {', '.join(sorted(after))}")
        found += len(times)
        worst_s = max(times, default=float("nan"))
        late += sum(one > limit_s for one in times)
        slowest[expected] = max(slowest.get(expected, 0.0), worst_s)
        print(f"  {mishap.name:24} {expected:12} {len(times)}/{len(chosen)}, slowest {worst_s:.1f} s")
        for line in wrong:
            print(f"    missed: {line}")
    others_s = max(worst for condition, worst in slowest.items() if condition is not Condition.MOVED)
    return {
        "health.mishaps_played": played_,
        "health.mishaps_found": found / played_,
        "health.mishaps_found_baseline": 0.0,
        "health.slowest_s": others_s,
        "health.moved_slowest_s": slowest[Condition.MOVED],
    }


def harmless(chosen: Sequence[Path]) -> dict[str, float]:
    false = played_ = 0
    for weather in HARMLESS:
        wrong = []
        for path in chosen:
            still = cv2.imread(str(path))
            frames = played(still, weather, calm_s=CALM_S, altered_s=90)  # type: ignore[arg-type]
            said = {one.condition for one in judged(frames)} & set(OF_THE_VIEW)
            played_ += 1
            if said:
                wrong.append(f"{path.parents[1].name}/{path.stem}: {', '.join(sorted(said))}")
        false += len(wrong)
        print(f"  {weather.name:24} {len(chosen) - len(wrong)}/{len(chosen)} without a false word")
        for line in wrong:
            print(f"    false: {line}")
    return {"health.harmless_played": played_, "health.harmless_false": false}


def cost(path: Path) -> dict[str, float]:
    """Median of five runs over the same 60 pictures of look size."""
    frames = list(played(cv2.imread(str(path)), MISHAPS[0], calm_s=60, altered_s=0))[::2]  # type: ignore[arg-type]
    runs = []
    for _ in range(5):
        health = CameraHealth(SETTINGS, stale_after_s=30)
        began_s = time.process_time()
        for frame in frames:
            health.saw(frame)
        runs.append((time.process_time() - began_s) / len(frames) * 1000)
    began_s = time.process_time()
    for frame in frames:
        measure(frame.image)
    only_grey = (time.process_time() - began_s) / len(frames) * 1000
    return {"health.cpu_ms_look": sorted(runs)[2], "health.cpu_ms_grey": only_grey}


def _dwell_s(condition: Condition) -> float:
    name = Condition.OBSTRUCTED if condition is Condition.DEFOCUSED else condition
    return float(getattr(SETTINGS, f"{name}_after_s"))


def _changes(verdicts: Iterable[Verdict]) -> list[Verdict]:
    changes: list[Verdict] = []
    for verdict in verdicts:
        if not changes or changes[-1].condition is not verdict.condition:
            changes.append(verdict)
    return changes


def _frames(name: str, pictures: Sequence[Path]) -> Iterator[Frame]:
    for number, path in enumerate(pictures):
        yield Frame(cv2.imread(str(path)), name, taken_at(path), number)  # type: ignore[arg-type]


def _altered_from_half(name: str, pictures: Sequence[Path], mishap: Mishap) -> Iterator[Frame]:
    for number, frame in enumerate(_frames(name, pictures)):
        altered = number >= len(pictures) // 2
        view = turned_view(frame.image, mishap.turn if altered else (0.0, 0.0))
        yield replace(frame, picture=mishap.change(view, 0.0) if altered else view)


def _vitals(at: datetime, start: datetime) -> Vitals:
    return Vitals(
        camera_id="bench",
        started_at=start - timedelta(seconds=1),
        stopped_at=None,
        connected_since=start,
        connections=1,
        last_packet_at=at,
        last_picture_at=at,
        packets=1,
        bytes=1,
        bad_pictures=0,
        last_bad_picture="",
        bad_since_good=0,
        problem="",
        clock_skew_s=None,
        key_frame_spacing_s=None,
    )


if __name__ == "__main__":
    raise SystemExit(main())
