"""Brings to the centre what may be said late: changes of camera states in order, signs of life, the newest
picture of each camera. One thread; a slow link holds up nobody.

All of it is kept in memory: after an outage the centre gets the last `MOST_STATES` changes with their own
times, the newest sign of life and the newest pictures. What a worker that ends meanwhile had not brought is
not missed: the centre counts cameras that nobody speaks for as blind.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Self

from alerting.backoff import Backoff
from alerting.ingest import CLOCK_WARN_S, LifeAnswer, LifeSign, StateChange
from firewatch.remote.link import CentreAwayError, CentreLink, RefusedError
from firewatch.worker import WorkerFigures
from streams.condition import Condition

_log = logging.getLogger(__name__)

PICTURE_INTERVAL_S = 60.0
"""A picture has some 150 kB: a camera's newest once a minute is 20 kbit/s."""
MOST_STATES = 2000
BATCH = 100
CLOSE_S = 3.0
CLOCK_SAID_EVERY_S = 600.0
PAUSES = Backoff(first_s=2.0, longest_s=30.0)


class Courier:
    """`CameraStateSink`, `PictureSink` and `StateKeeper` over a link. Use it in a `with`."""

    def __init__(
        self,
        link: CentreLink,
        *,
        waiting_sightings: Callable[[], int] = lambda: 0,
        picture_interval_s: float = PICTURE_INTERVAL_S,
        pauses: Backoff = PAUSES,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._link = link
        self._waiting_sightings = waiting_sightings
        self._picture_interval_s = picture_interval_s
        self._pauses = pauses
        self._clock = clock
        self._changed = threading.Condition()
        self._states: deque[StateChange] = deque(maxlen=MOST_STATES)
        self._pictures: dict[str, tuple[bytes, datetime]] = {}
        self._picture_due_s: dict[str, float] = {}
        self._life: Mapping[str, tuple[str, datetime, str]] | None = None
        self._figures: WorkerFigures | None = None
        self._not_ours: set[str] = set()
        """Cameras that the centre does not let us speak for."""
        self._clock_said_s = float("-inf")
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Bring what waits, once; a link that hangs is left to the end of the process."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(CLOSE_S)

    def set_camera_state(
        self, camera_id: str, state: str, since: datetime, reason: str = "", *, counts: bool = True
    ) -> None:
        """What does not count as blindness is the centre's own knowledge: it is not told from here."""
        if not counts:
            return
        change = StateChange(camera_id=camera_id, state=Condition(state), since=since, reason=reason[:500])
        with self._changed:
            self._states.append(change)
            self._changed.notify()

    def write(self, camera_id: str, jpeg: bytes, captured_at: datetime) -> None:
        """The newest picture; it is brought when its camera's interval is over."""
        with self._changed:
            self._pictures[camera_id] = (jpeg, captured_at)
            self._changed.notify()

    def heard_from(self, states: Mapping[str, tuple[str, datetime, str]]) -> None:
        with self._changed:
            self._life = dict(states)
            self._changed.notify()

    def figures(self, figures: WorkerFigures) -> None:
        self._figures = figures

    def _run(self) -> None:
        failures = 0
        while True:
            with self._changed:
                closing = self._closing
                if not closing and not (self._states or self._life is not None or self._due_picture()):
                    self._changed.wait(1.0)
            try:
                self._bring_states()
                self._bring_life()
                if not closing:
                    self._bring_pictures()
                failures = 0
            except CentreAwayError:  # the link has said so
                failures += 1
            except Exception:  # nothing here may end the thread
                failures += 1
                _log.exception("courier failed")
            if closing:
                return
            if failures:
                with self._changed:
                    if not self._closing:
                        pause_s = self._pauses.pause_s(failures, random.random())
                        self._changed.wait_for(lambda: self._closing, pause_s)

    def _bring_states(self) -> None:
        while self._states:
            batch = list(self._states)[:BATCH]
            try:
                self._post_states(batch)
            except RefusedError:
                for one in batch:  # one of them is at fault; the others must not suffer
                    self._post_or_drop(one)
            with self._changed:
                for one in batch:
                    if self._states and self._states[0] is one:  # else it made room for newer ones
                        self._states.popleft()

    def _post_states(self, states: Sequence[StateChange]) -> None:
        self._link.ask("POST", "/states", json=[one.model_dump(mode="json") for one in states])

    def _post_or_drop(self, one: StateChange) -> None:
        try:
            self._post_states([one])
        except RefusedError as error:
            self._not_ours_is(one.camera_id, error)

    def _not_ours_is(self, camera_id: str, error: RefusedError) -> None:
        if camera_id not in self._not_ours:
            self._not_ours.add(camera_id)
            _log.error("the centre hears nothing of camera=%s from us: %s", camera_id, error)

    def _bring_life(self) -> None:
        with self._changed:
            states, self._life = self._life, None
        if states is None:
            return
        cameras = tuple(
            StateChange(camera_id=camera_id, state=Condition(state), since=since, reason=reason[:500])
            for camera_id, (state, since, reason) in states.items()
            if camera_id not in self._not_ours
        )
        figures = (
            {name: float(value) for name, value in asdict(self._figures).items()} if self._figures else {}
        )
        figures["waiting_sightings"] = float(self._waiting_sightings())
        sign = LifeSign(sent_at=self._clock(), cameras=cameras, figures=figures)
        try:
            answer = self._link.ask("POST", "/life", json=sign.model_dump(mode="json"))
        except RefusedError as error:
            _log.error("sign of life refused: %s", error)
            for one in cameras:  # find out which camera it is about
                self._post_or_drop(one)
            return
        except CentreAwayError:
            with self._changed:
                self._life = self._life or states
            raise
        self._judge_clock(LifeAnswer.model_validate_json(answer.content).clock_ahead_s)

    def _judge_clock(self, ahead_s: float) -> None:
        now_s = time.monotonic()
        if abs(ahead_s) > CLOCK_WARN_S and now_s - self._clock_said_s > CLOCK_SAID_EVERY_S:
            self._clock_said_s = now_s
            _log.warning(
                "this machine's clock is %.1f s %s the centre's: set it (NTP); capture times are kept as is",
                abs(ahead_s),
                "ahead of" if ahead_s > 0 else "behind",
            )

    def _due_picture(self) -> str | None:
        now_s = time.monotonic()
        for camera_id in self._pictures:
            if now_s >= self._picture_due_s.get(camera_id, float("-inf")):
                return camera_id
        return None

    def _bring_pictures(self) -> None:
        while True:
            with self._changed:
                camera_id = self._due_picture()
                if camera_id is None or self._states or self._life is not None or self._closing:
                    return
                jpeg, captured_at = self._pictures.pop(camera_id)
                self._picture_due_s[camera_id] = time.monotonic() + self._picture_interval_s
            headers = {"X-Captured-At": captured_at.isoformat(), "Content-Type": "image/jpeg"}
            try:
                self._link.ask("PUT", f"/cameras/{camera_id}/picture", content=jpeg, headers=headers)
            except RefusedError as error:
                self._not_ours_is(camera_id, error)
