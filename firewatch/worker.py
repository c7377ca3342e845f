"""The worker: watches its cameras and reports confirmed sightings.

Which cameras those are may change while it runs (`cameras_now`): one that is added, changed or taken away is
started, built anew or stopped between two looks, and the others do not notice.

One reader thread per camera (`streams.live`), one loop that looks: it takes the camera most overdue, decodes
its newest picture, passes it through the camera's pipeline, and hands what it finds to the clerk
(`firewatch.clerk`), which writes in a thread of its own. Everything is bounded: one frame per camera, one
look at a time. One camera's trouble never stops the others.

Not for: decoding, detecting, locating, sending; those are passed in.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from config import Camera, LookSettings, Mask
from detector.detection import Sighting
from detector.pipeline import LookResult
from firewatch.clerk import RETRY_S, Clerk, PictureSink, SightingSink
from firewatch.masks import is_ignored, without_private_parts
from firewatch.schedule import SLACK, LookSchedule
from streams.cameras import reader
from streams.condition import TAKEN_OUT, CameraState, CameraStateSink, Condition
from streams.frame import Frame
from streams.live import LiveReader
from streams.tap import PacketTap
from streams.vitals import AgeJudge, HealthJudge

_log = logging.getLogger(__name__)

HOUSEKEEPING_S = 1.0
PICTURE_INTERVAL_S = 10.0
MOST_FAILURES = 100
OVERLOADED = 1.25
"""Looks stretched by this much are worth a WARNING: too many cameras, or too short intervals."""


class DetectorBrokenError(Exception):
    """No look succeeds any more, on any camera."""


class CameraPipeline(Protocol):
    """What the worker needs of `detector.pipeline.Pipeline`."""

    def look(self, frame: Frame) -> LookResult: ...


class LookObserver(Protocol):
    """Is told of every look that succeeded, in the looking thread: must be quick."""

    def looked(self, camera: Camera, frame: Frame, result: LookResult) -> None:
        """`frame` has its private parts blackened; `result` still holds what ignore masks cover."""
        ...


@dataclass
class WorkerCounts:
    """What a worker did since its start."""

    looks: int = 0
    bad_pictures: int = 0
    failed_looks: int = 0
    sightings: int = 0
    ignored_sightings: int = 0


@dataclass(frozen=True)
class WorkerFigures:
    """How a worker is doing, told with every heartbeat. Counts run from its start."""

    cameras: int
    looks: int
    failed_looks: int
    sightings: int
    stretch: float
    """How much longer than wanted the look intervals are for want of processor time; 1 is as wanted."""
    unlooked: int
    """Arrivals that were replaced by newer ones before anybody looked."""
    connections: int
    given_up: int
    """Connections that the watchdog gave up."""


_UNREAD = ("name", "lat_deg", "lon_deg", "ground_height_m", "mast_height_m", "pose", "lens", "zoom_table")
"""What is said of a camera that changes nothing of how its pictures are fetched and looked at."""


@dataclass
class _Watched:
    """One camera and all that watches it."""

    camera: Camera
    pipeline: CameraPipeline
    judge: HealthJudge
    live: LiveReader
    picture_due_s: float = float("-inf")
    told: CameraState | None = None


class Worker:
    """Watches cameras until its stop event is set. `run` is the whole life of it."""

    def __init__(
        self,
        cameras: Sequence[Camera],
        looks: LookSettings,
        make_pipeline: Callable[[Camera], CameraPipeline],
        sightings: SightingSink,
        states: CameraStateSink,
        pictures: PictureSink,
        *,
        tap_for: Callable[[Camera], PacketTap | None] = lambda _camera: None,
        masks_of: Callable[[Camera], Sequence[Mask]] = lambda camera: camera.masks,
        judge_for: Callable[[Camera], HealthJudge] = lambda camera: AgeJudge(camera.stream.stale_after_s),
        observers: Sequence[LookObserver] = (),
        cameras_now: Callable[[], Sequence[Camera]] | None = None,
        forget: Callable[[str], None] = lambda _camera_id: None,
        heartbeat: Callable[[WorkerFigures], None] = lambda _figures: None,
        life_sign: Callable[[], None] = lambda: None,
        retry_s: float = RETRY_S,
        most_failures: int = MOST_FAILURES,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Without `cameras_now` its cameras are `cameras` for good. `forget` is told of each that it watches
        no more."""
        self.counts = WorkerCounts()
        self._looks = looks
        self._make_pipeline = make_pipeline
        self._tap_for = tap_for
        self._judge_for = judge_for
        self._masks_of = masks_of
        self._clerk = Clerk(
            sightings, states, pictures, life_sign=life_sign, retry_s=retry_s, monotonic=monotonic
        )
        self._heartbeat = heartbeat
        self._forget = forget
        self._cameras_now = cameras_now
        self._most_failures = most_failures
        self._monotonic = monotonic
        self._wake = threading.Event()
        self._observers = tuple(observers)
        self._schedule = LookSchedule((), looks, now_s=monotonic(), slack=SLACK)
        self._watched: dict[str, _Watched] = {}
        self._gone = WorkerFigures(0, 0, 0, 0, 1.0, 0, 0, 0)
        self._unusable: dict[str, Camera] = {}
        for camera in cameras:
            if camera.enabled:
                self._add(camera)
        self._failures_in_a_row = 0
        self._housekeeping_due_s = self._overload_said_s = float("-inf")

    def run(self, stop: threading.Event) -> None:
        """Watch until `stop` is set; then the cameras are off."""
        self._clerk.start()
        for one in self._watched.values():
            one.live.start()
        try:
            while not stop.is_set():
                if not self._look_once():
                    self._wake.wait(0.05)
                    self._wake.clear()
                self._keep_house()
        finally:
            self._shut_down()

    @property
    def readers(self) -> dict[str, LiveReader]:
        return {camera_id: one.live for camera_id, one in self._watched.items()}

    def figures(self) -> WorkerFigures:
        readers = [one.live for one in self._watched.values()]
        gone = self._gone
        return WorkerFigures(
            cameras=len(self._watched),
            looks=self.counts.looks,
            failed_looks=self.counts.failed_looks,
            sightings=self.counts.sightings,
            stretch=round(self.stretch, 3),
            unlooked=gone.unlooked + sum(live.replaced for live in readers),
            connections=gone.connections + sum(live.connections for live in readers),
            given_up=gone.given_up + sum(live.abandoned for live in readers),
        )

    def _look_once(self) -> bool:
        ready = [camera_id for camera_id, one in self._watched.items() if one.live.has_frame]
        camera_id = self._schedule.next(ready, self._monotonic())
        if camera_id is None:
            return False
        one = self._watched[camera_id]
        live = one.live
        began_s, ready_since_s = self._monotonic(), live.ready_since_s
        frame = live.take()
        if frame is None:
            return True  # damaged, or nothing new in it: the next one may be looked at at once
        suspicious = self._look(one, frame)
        interval_s = self._schedule.looked(
            camera_id, began_s, suspicious=suspicious, ready_since_s=ready_since_s
        )
        if live.wanted_interval_s != interval_s:
            live.wanted_interval_s = interval_s
            _log.info("look interval camera=%s interval_s=%g", camera_id, interval_s)
        return True

    def _look(self, one: _Watched, frame: Frame) -> bool:
        """One look; whether the camera wants dense looks."""
        camera = one.camera
        one.judge.saw(frame)
        masks = self._masks_of(camera)
        frame = without_private_parts(frame, masks)
        try:
            result = one.pipeline.look(frame)
        except Exception as error:  # whatever a network does to one frame must not blind the other cameras
            self._look_failed(camera, error)
            return False
        self._failures_in_a_row = 0
        self.counts.looks += 1
        if result.look.bad_picture is not None:
            self.counts.bad_pictures += 1
        self._show(one, frame)
        for observer in self._observers:
            observer.looked(camera, frame, result)
        for sighting in result.sightings:
            if is_ignored(sighting.box, frame, masks):
                self.counts.ignored_sightings += 1
                _log.info("sighting ignored by mask camera=%s sighting=%s", camera.id, sighting.sighting_id)
                continue
            self._report(camera, sighting, frame)
        return result.suspicious

    def _look_failed(self, camera: Camera, error: Exception) -> None:
        """Note it; when nothing works any more, end the process: a fresh one may do better."""
        self.counts.failed_looks += 1
        self._failures_in_a_row += 1
        if self._failures_in_a_row == 1:
            _log.error("look failed camera=%s", camera.id, exc_info=error)
        if self._failures_in_a_row >= self._most_failures:
            raise DetectorBrokenError(f"{self._most_failures} looks in a row failed") from error

    def _show(self, one: _Watched, frame: Frame) -> None:
        """Leave the picture for the console, every `PICTURE_INTERVAL_S`."""
        now_s = self._monotonic()
        if now_s < one.picture_due_s:
            return
        one.picture_due_s = now_s + PICTURE_INTERVAL_S
        self._clerk.picture(frame)

    def _report(self, camera: Camera, sighting: Sighting, frame: Frame) -> None:
        self.counts.sightings += 1
        _log.warning(
            "sighting camera=%s sighting=%s label=%s confidence=%.2f captured_at=%s",
            sighting.camera_id,
            sighting.sighting_id,
            sighting.label,
            sighting.confidence,
            sighting.confirmed_at.isoformat(),
        )
        self._clerk.sighting(camera, sighting, frame)

    def _keep_house(self) -> None:
        now_s = self._monotonic()
        if now_s < self._housekeeping_due_s:
            return
        self._housekeeping_due_s = now_s + HOUSEKEEPING_S
        self._heartbeat(self.figures())
        self._follow()
        for one in self._watched.values():
            one.live.watch()
        self._tell_states()
        self._warn_of_overload(now_s)

    def _warn_of_overload(self, now_s: float) -> None:
        stretch = self.stretch
        if stretch > OVERLOADED and now_s - self._overload_said_s > 60:
            self._overload_said_s = now_s
            _log.warning(
                "too slow for its cameras: looks every %.1f s instead of %g s; see looks.patrol_interval_s",
                stretch * self._looks.patrol_interval_s,
                self._looks.patrol_interval_s,
            )

    @property
    def stretch(self) -> float:
        """How much longer than wanted the look intervals are for want of processor time; 1 is as wanted."""
        return self._schedule.stretch

    def _follow(self) -> None:
        """Watch what is to be watched now."""
        if self._cameras_now is None:
            return
        wanted = {camera.id: camera for camera in self._cameras_now()}
        for camera_id in [one for one in self._watched if one not in wanted]:
            self._remove(camera_id)
            off = CameraState(Condition.OFF, datetime.now(UTC), TAKEN_OUT)
            self._clerk.state(camera_id, off, counts=False)
        for camera in wanted.values():
            one = self._watched.get(camera.id)
            if one is None and self._unusable.get(camera.id) != camera:
                self._start(camera)
            elif one is not None and one.camera != camera:
                if _read_alike(one.camera, camera):
                    self._say_anew(one, camera)
                else:
                    self._remove(camera.id)
                    self._start(camera)

    def _start(self, camera: Camera) -> None:
        try:
            self._add(camera)
        except Exception:  # one camera that cannot be built must not blind the others
            self._unusable[camera.id] = camera
            _log.exception("camera cannot be watched camera=%s", camera.id)
            return
        self._unusable.pop(camera.id, None)
        self._watched[camera.id].live.start()
        _log.info("camera watched from now on camera=%s", camera.id)

    def _say_anew(self, one: _Watched, camera: Camera) -> None:
        """Where it stands, looks, or what it is called: its pictures go on coming as they did."""
        _log.info("camera described anew camera=%s", camera.id)
        if one.camera.pose != camera.pose:
            one.judge = self._judge_for(camera)  # it is right where it looks now
        one.camera = camera

    def _add(self, camera: Camera) -> None:
        self._watched[camera.id] = _Watched(
            camera=camera,
            pipeline=self._make_pipeline(camera),
            judge=self._judge_for(camera),
            live=reader(
                camera,
                wanted_interval_s=self._looks.patrol_interval_s,
                on_frame=self._wake.set,
                tap=self._tap_for(camera),
            ),
        )
        self._schedule.add(camera.id, self._monotonic())

    def _remove(self, camera_id: str) -> None:
        """Its threads end by themselves; one that hangs in a silent camera, when FFmpeg lets it."""
        gone = self._watched.pop(camera_id)
        gone.live.stop()
        self._schedule.remove(camera_id)
        self._forget(camera_id)
        self._gone = replace(
            self._gone,
            unlooked=self._gone.unlooked + gone.live.replaced,
            connections=self._gone.connections + gone.live.connections,
            given_up=self._gone.given_up + gone.live.abandoned,
        )
        _log.info("camera watched no more camera=%s", camera_id)

    def _tell_states(self) -> None:
        for camera_id, one in self._watched.items():
            state = one.judge.state(one.live.vitals(), datetime.now(UTC))
            if state != one.told:
                one.told = state
                self._clerk.state(camera_id, state)

    def _shut_down(self) -> None:
        readers = [one.live for one in self._watched.values()]
        for live in readers:
            live.stop()
        self._tell_states()
        self._clerk.close()
        deadline_s = time.monotonic() + 1.0
        for live in readers:  # those that hang in a silent camera end with the process
            live.join(max(0.0, deadline_s - time.monotonic()))


def _read_alike(before: Camera, now: Camera) -> bool:
    """Whether nothing changed of how the camera's pictures are fetched and looked at."""
    same = {name: getattr(now, name) for name in _UNREAD}
    return before.model_copy(update=same) == now
