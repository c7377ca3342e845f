"""Which fault hits which camera when, drawn from a seed; and whether a health history tells the same."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["freeze", "stall", "refuse", "corrupt", "drop", "clock", "kill a worker", "restart all"]

EXPECTED: Mapping[str, frozenset[str]] = {
    "freeze": frozenset({"frozen"}),
    "stall": frozenset({"stale"}),
    "refuse": frozenset({"stale", "connecting"}),
    "corrupt": frozenset({"bad_picture", "stale"}),
}
"""Faults that last, and what the camera must be called meanwhile. The others must be survived unnoticed."""
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "refuse": {"status": 503},
    "corrupt": {"share": 1.0},
    "clock": {"offset_s": 86400},
}
LONG_S = (75.0, 120.0)
PAUSE_S = 25.0
"""Between two faults, on the mean."""
REST_S = 90.0
"""A camera is left in peace so long after a fault, to be seen live again."""
MOST_AT_ONCE = 5
QUIET_BEFORE_S = 120.0
QUIET_AFTER_S = 240.0
NOTICED_S = 20.0
"""A fault may be told so much after its end: states are written once a second, looks take their time."""
RECOVERED_S = 75.0
"""So long after the end of a fault a camera may still be called blind: backoff, dwell times, next looks."""


@dataclass(frozen=True)
class Injection:
    """One fault; `camera` is empty where all are hit. Times in seconds since the soak began."""

    kind: Kind
    camera: str
    begins_s: float
    ends_s: float


def plan(cameras: Sequence[str], seconds: float, seed: int) -> list[Injection]:
    """All faults of a soak, in order. The first and the last minutes are free of faults.

    The first one is a server that vanishes with all cameras: nothing makes a worker hold more at once than
    their return, and what was held once the process keeps. Only what it takes beyond that is growth.
    """
    chance = random.Random(seed)
    free_from_s = dict.fromkeys(cameras, QUIET_BEFORE_S)
    found: list[Injection] = []
    at_s, last_s = QUIET_BEFORE_S, seconds - QUIET_AFTER_S
    disasters: list[Kind] = ["restart all", "kill a worker"]
    next_disaster_s = QUIET_BEFORE_S
    while at_s < last_s:
        if at_s >= next_disaster_s:
            kind = disasters[len([one for one in found if not one.camera]) % 2]
            found.append(Injection(kind, "", at_s, at_s + 5))
            free_from_s = {name: max(free, at_s + REST_S) for name, free in free_from_s.items()}
            next_disaster_s = at_s + 480
        ends_s = min(last_s, at_s + chance.uniform(*LONG_S))
        free = sorted(name for name in cameras if free_from_s[name] <= at_s)
        active = sum(1 for one in found if one.camera and one.begins_s <= at_s < one.ends_s)
        near_disaster = ends_s + REST_S > next_disaster_s
        if free and active < MOST_AT_ONCE and ends_s - at_s >= LONG_S[0] and not near_disaster:
            name = chance.choice(free)
            kind = chance.choice(("freeze", "stall", "refuse", "corrupt", "drop", "clock"))
            found.append(Injection(kind, name, at_s, at_s + 1 if kind == "drop" else ends_s))
            free_from_s[name] = found[-1].ends_s + REST_S
        at_s += chance.expovariate(1 / PAUSE_S)
    return found


@dataclass(frozen=True)
class Told:
    """One change of state in the store, at seconds since the soak began."""

    camera: str
    at_s: float
    state: str


def contradictions(injections: Sequence[Injection], history: Sequence[Told], ended_s: float) -> list[str]:
    """Where the health history and what was done to the cameras do not match; empty when all is well."""
    found = []
    for one in injections:
        if one.kind in EXPECTED and not any(
            told.camera == one.camera
            and told.state in EXPECTED[one.kind]
            and one.begins_s <= told.at_s <= one.ends_s + NOTICED_S
            for told in history
        ):
            found.append(f"{one.camera}: {one.kind} from {one.begins_s:.0f} to {one.ends_s:.0f} s not told")
    for camera in sorted({told.camera for told in history}):
        mine = [told for told in history if told.camera == camera]
        first_live = next((index for index, told in enumerate(mine) if told.state == "live"), len(mine))
        for index in range(first_live, len(mine)):
            told = mine[index]
            until_s = mine[index + 1].at_s if index + 1 < len(mine) else ended_s
            if told.state != "live" and not _explained(injections, camera, told.at_s, until_s):
                found.append(
                    f"{camera}: {told.state} from {told.at_s:.0f} to {until_s:.0f} s without a cause"
                )
    return found


def _explained(injections: Sequence[Injection], camera: str, from_s: float, to_s: float) -> bool:
    return any(
        one.camera in ("", camera) and one.begins_s <= from_s and to_s <= one.ends_s + RECOVERED_S
        for one in injections
    )
