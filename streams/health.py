"""The health of one camera: a state machine over what its pictures and its connection say.

Every condition needs evidence that lasts: it is raised when every picture (of at least two) spoke for it
during its dwell, and lowered when every picture spoke against it for the recovery time; pictures that cannot
tell change nothing. So states do not flap. Of several conditions at once the first of `Condition` is shown.

No clock, no I/O: pictures carry their time, `state` is told the time. What the view itself tells (defocused,
obstructed, moved) is judged by `streams.health_view`, one memory per preset; that its pictures are damaged
is found by the look (`detector.bad_pictures`) and the decoder, and told here with `damaged`.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from config import HealthSettings
from streams.condition import CameraState, Condition
from streams.errors import BadPicture
from streams.frame import Frame
from streams.health_measures import Measures, change, measure
from streams.health_registration import Field, Shift
from streams.health_view import ViewMemory, ViewReading
from streams.ptz import Whereabouts
from streams.vitals import Vitals

MEASURED_EVERY_S = 0.9
"""Dense looks come faster; measuring each would cost more and tell no more."""

MOST_PRESETS = 64

FROZEN_CHANGE = 0.1
"""Grey levels (`health_measures.change`). The same key frame again: 0.00, with a running clock drawn in too.
Still scenes with sensor noise of 0.5 to 4 grey levels through H.264 at 1 to 2 Mbit/s: 0.28 to 1.0. (A camera
that *encodes* a frozen picture anew each time makes 0.3 to 0.5 and cannot be told from a still scene.)"""

DARK_LEVEL = 28  # brightest thousandth of the pixels; darkest real night view (lamps, sky glow): 165
NOT_DARK_LEVEL = 34
GLARE_LEVEL = 245  # darkest fiftieth of the pixels; brightest real view (low sun): under 60
NOT_GLARE_LEVEL = 235
TOO_BRIGHT = 232
NOT_TOO_BRIGHT = 222
"""Mean grey level: little is left to see although a fiftieth is darker; brightest real view: 164."""

REASON_EVERY = timedelta(seconds=60)
"""A reason that keeps changing (connection errors) is news once a minute."""

TOUR = timedelta(minutes=15)
"""What was found of a view counts for so long after it was seen last: a tour comes back sooner."""
LOST_AFTER_S = 300.0
"""A turning camera that stood at none of its presets for so long: a tour stops somewhere every minute or two,
and an operator who turned it by hand to watch something deserves some minutes before anybody is told."""

LIGHT = ("all black", "overexposed")
"""What `detector.bad_pictures` says of pictures that are not damaged; they have conditions of their own."""

REASONS = {
    Condition.BAD_PICTURE: "the picture is damaged",
    Condition.FROZEN: "packets come, but the picture does not change",
    Condition.DARK: "the picture is black",
    Condition.OVEREXPOSED: "the picture is overexposed",
    Condition.OBSTRUCTED: "something covers the view",
    Condition.DEFOCUSED: "the picture is out of focus",
    Condition.MOVED: "the view has moved",
}


@dataclass
class Sustained:
    """Evidence over time, with a dwell to raise and a dwell to lower.

    >>> dark, at = Sustained(10, 5), datetime(2026, 11, 24)
    >>> for second in (0, 2, 4, 6, 8): dark.tell(True, at + timedelta(seconds=second))
    >>> dark.raised
    False
    >>> dark.tell(True, at + timedelta(seconds=10)); dark.raised, dark.since == at
    (True, True)
    """

    dwell_s: float
    recover_s: float
    fewest: int = 2
    raised: bool = False
    since: datetime | None = None
    """When the evidence began."""
    _for: int = 0
    _against_since: datetime | None = None
    _against: int = 0

    def tell(self, evidence: bool | None, at: datetime, *, began: datetime | None = None) -> None:
        """`began`: when what speaks for it began, if that was before `at`."""
        if evidence is None:
            return
        if evidence:
            self._against_since, self._against = None, 0
            if self.raised:
                return
            self.since = self.since or began or at
            self._for += 1
            self.raised = self._for >= self.fewest and (at - self.since).total_seconds() >= self.dwell_s
        elif not self.raised:
            self.since, self._for = None, 0
        else:
            self._against_since = self._against_since or at
            self._against += 1
            lasted_s = (at - self._against_since).total_seconds()
            if self._against >= 2 and lasted_s >= self.recover_s:
                self.forget()

    def interrupt(self) -> None:
        """Nothing was seen for a while: what is not raised must begin anew."""
        self._against_since, self._against = None, 0
        if not self.raised:
            self.since, self._for = None, 0

    def forget(self) -> None:
        self.raised, self.since, self._for = False, None, 0
        self._against_since, self._against = None, 0


class CameraHealth:
    """The judge of one camera (`streams.vitals.HealthJudge`). One thread."""

    def __init__(
        self,
        settings: HealthSettings,
        *,
        stale_after_s: float,
        hfov_of: Callable[[str | None], float] = lambda _preset: 60.0,
        look_size: Callable[[int, int], tuple[int, int]] | None = None,
        reference_of: Callable[[str | None], Field | None] = lambda _preset: None,
    ) -> None:
        """`hfov_of` gives a preset's field of view; `look_size` the size looks use, so that a picture is
        converted only once; `reference_of` where a preset's view stood for an earlier process."""
        self._settings = settings
        self._stale_after_s = stale_after_s
        self._hfov_of = hfov_of
        self._look_size = look_size
        self._reference_of = reference_of
        lasting = settings.recover_after_s
        self._sustained = {
            Condition.BAD_PICTURE: Sustained(settings.bad_picture_after_s, lasting),
            Condition.FROZEN: Sustained(settings.frozen_after_s, lasting),
            Condition.DARK: Sustained(settings.dark_after_s, lasting),
            Condition.OVEREXPOSED: Sustained(settings.overexposed_after_s, lasting),
        }
        self._views: OrderedDict[str | None, _View] = OrderedDict()
        self._view: _View | None = None
        self._measured_at: datetime | None = None
        self._still_with: tuple[datetime, Measures] | None = None
        self._damage = _Damage(settings.bad_picture_after_s)
        self._live_since: datetime | None = None
        self._stale_since: datetime | None = None
        self._fresh_since: datetime | None = None
        self._shown: CameraState | None = None
        self._reason_at: datetime | None = None

    @property
    def has_moved(self) -> bool:
        """The present view counts as moved."""
        return self._view is not None and self._view.sustained[Condition.MOVED].raised

    @property
    def shift(self) -> Shift | None:
        """By how much it has moved; None while it has not, or farther than can be measured."""
        return self._view.shift if self._view is not None and self.has_moved else None

    def references(self) -> dict[str | None, Field]:
        """Where each view stands, by preset, for the next process."""
        kept = {preset: view.memory.anchor.reference for preset, view in list(self._views.items())}
        return {preset: edges for preset, edges in kept.items() if edges is not None}

    @property
    def shown(self) -> CameraState | None:
        """What `state` said last."""
        return self._shown

    @property
    def reading(self) -> ViewReading | None:
        """What the newest picture said against the view's memory; for people and benchmarks."""
        return self._view.reading if self._view is not None else None

    def saw(self, frame: Frame) -> None:
        self._damage.sound_pictures += 1
        at = frame.captured_at
        if self._measured_at is not None and not frame.new_footage:
            since_s = (at - self._measured_at).total_seconds()
            if 0 <= since_s < MEASURED_EVERY_S:
                return
            if since_s < 0:  # the clock was set back: times before say nothing any more
                self._interrupt()
        try:
            size = self._look_size(frame.width_px, frame.height_px) if self._look_size else None
            measures = measure(frame.scaled(*size) if size else frame.image)
        except BadPicture as error:
            self.damaged(str(error), at)
            return
        self._measured_at = at
        # where it is not known which view it is, there is nothing to compare it with
        view = None if frame.place_unsure else self._view_of(frame)
        self._judge_light(measures, at)
        blank = any(self._sustained[one].since is not None for one in (Condition.DARK, Condition.OVEREXPOSED))
        if not blank:  # a black picture cannot change, cannot be compared and must not be remembered
            self._judge_motion(measures, at)
            if view is not None:
                view.tell(measures, at)

    def damaged(self, reason: str | None, at: datetime) -> None:
        """What the look found: why the picture could not be judged, or None."""
        bad = reason is not None and reason not in LIGHT
        if bad:
            self._damage.last_reason = reason or ""
        self._sustained[Condition.BAD_PICTURE].tell(bad, at)

    def state(self, vitals: Vitals, now: datetime) -> CameraState:
        state = self._with_settled_reason(self._state(vitals, now), now)
        self._shown = state
        return state

    def _state(self, vitals: Vitals, now: datetime) -> CameraState:
        if vitals.stopped_at is not None:
            return CameraState(Condition.OFF, vitals.stopped_at, "the worker has stopped watching it")
        if vitals.last_picture_at is None:
            return self._without_picture(vitals)
        damaged = self._damage.since(vitals, now)
        if damaged is not None:
            self._live_since = None
            reason = f"{REASONS[Condition.BAD_PICTURE]}: {vitals.last_bad_picture}"
            return CameraState(Condition.BAD_PICTURE, damaged, reason)
        if self._is_stale(vitals, now):
            assert self._stale_since is not None
            self._live_since = None
            return CameraState(Condition.STALE, self._stale_since, _why_stale(vitals, now))
        found = _lost(vitals.whereabouts, now) or self._of_pictures() or _not_placed(vitals.whereabouts)
        if found is not None:
            self._live_since = None
            return found
        self._live_since = self._live_since or (now if self._shown else vitals.last_picture_at)
        return CameraState(Condition.LIVE, self._live_since, _unrecognised(vitals.whereabouts))

    @staticmethod
    def _without_picture(vitals: Vitals) -> CameraState:
        if vitals.bad_pictures:
            return CameraState(
                Condition.BAD_PICTURE,
                vitals.started_at,
                f"{REASONS[Condition.BAD_PICTURE]}: {vitals.last_bad_picture}",
            )
        return CameraState(Condition.CONNECTING, vitals.started_at, vitals.problem)

    def _of_pictures(self) -> CameraState | None:
        for condition in Condition:
            of_all = self._sustained.get(condition)
            if of_all is not None and of_all.raised and of_all.since is not None:
                reason = REASONS[condition]
                if condition is Condition.BAD_PICTURE and self._damage.last_reason:
                    reason = f"{reason}: {self._damage.last_reason}"
                return CameraState(condition, of_all.since, reason)
            worst = min(self._views_in(condition), key=lambda found: found[0], default=None)
            if worst is not None:
                since, view = worst
                return CameraState(condition, since, view.why(condition, self._hfov_of(view.preset)))
        return None

    def _views_in(self, condition: Condition) -> Iterator[tuple[datetime, _View]]:
        """The views found so, and since when: all of a tour, or its state would change at every turn."""
        for view in self._views.values():
            sustained = view.sustained.get(condition)
            if sustained is None or not sustained.raised or sustained.since is None:
                continue
            lately = self._measured_at is not None and self._measured_at - view.seen_at <= TOUR
            if view is self._view or lately:
                yield sustained.since, view

    def _is_stale(self, vitals: Vitals, now: datetime) -> bool:
        """On the frame's age alone; a camera is back when pictures came for the recovery time."""
        newest = vitals.last_picture_at
        assert newest is not None
        if (now - newest).total_seconds() > self._stale_after_s:
            if self._stale_since is None:
                self._stale_since = newest
                self._interrupt()
            self._fresh_since = None
        elif self._stale_since is not None:
            self._fresh_since = self._fresh_since or newest
            if (newest - self._fresh_since).total_seconds() >= self._settings.recover_after_s:
                self._stale_since = self._fresh_since = None
        return self._stale_since is not None

    def _judge_light(self, measures: Measures, at: datetime) -> None:
        dark = measures.brightest < DARK_LEVEL or (None if measures.brightest < NOT_DARK_LEVEL else False)
        self._sustained[Condition.DARK].tell(dark, at)
        bright: bool | None = measures.darkest > GLARE_LEVEL or measures.mean > TOO_BRIGHT
        if not bright and (measures.darkest > NOT_GLARE_LEVEL or measures.mean > NOT_TOO_BRIGHT):
            bright = None
        self._sustained[Condition.OVEREXPOSED].tell(bright, at)

    def _judge_motion(self, measures: Measures, at: datetime) -> None:
        """Frozen since the first picture that all later ones equal."""
        frozen = self._sustained[Condition.FROZEN]
        if self._still_with is None or change(self._still_with[1], measures) >= FROZEN_CHANGE:
            self._still_with = (at, measures)
            frozen.tell(False, at)
        else:
            frozen.tell(True, at, began=self._still_with[0])

    def _view_of(self, frame: Frame) -> _View:
        if frame.new_footage:
            self._views.pop(frame.preset, None)
            self._still_with = None
        view = self._views.pop(frame.preset, None)
        if view is None:
            known = None if frame.new_footage else self._reference_of(frame.preset)
            view = _View(frame.preset, self._settings, known)
        if self._view is not view:
            self._still_with = None
        self._views[frame.preset] = self._view = view
        while len(self._views) > MOST_PRESETS:
            self._views.popitem(last=False)
        return view

    def _interrupt(self) -> None:
        self._still_with = None
        for sustained in self._sustained.values():
            sustained.interrupt()
        for view in self._views.values():
            for sustained in view.sustained.values():
                sustained.interrupt()

    def _with_settled_reason(self, state: CameraState, now: datetime) -> CameraState:
        shown = self._shown
        if shown is None or (shown.condition, shown.since) != (state.condition, state.since):
            self._reason_at = now
            return state
        if state.reason == shown.reason:
            return shown
        if shown.reason and self._reason_at is not None and now - self._reason_at < REASON_EVERY:
            return shown
        self._reason_at = now
        return state


class _View:
    """One preset's memory and what it says over time."""

    def __init__(self, preset: str | None, settings: HealthSettings, reference: Field | None) -> None:
        self.preset = preset
        self.seen_at = datetime.min.replace(tzinfo=UTC)
        self.memory = ViewMemory(reference)
        self.reading: ViewReading | None = None
        self.shift: Shift | None = None
        lasting = settings.recover_after_s
        self.sustained = {
            Condition.OBSTRUCTED: Sustained(settings.obstructed_after_s, lasting),
            Condition.DEFOCUSED: Sustained(settings.obstructed_after_s, lasting),
            Condition.MOVED: Sustained(settings.moved_after_s, lasting, fewest=3),
        }

    def tell(self, measures: Measures, at: datetime) -> None:
        self.seen_at = at
        reading = self.reading = self.memory.observe(measures, at)
        self.sustained[Condition.OBSTRUCTED].tell(reading.obstructed, at)
        self.sustained[Condition.DEFOCUSED].tell(reading.defocused, at)
        moved = self.sustained[Condition.MOVED]
        moved.tell(reading.moved, at)
        if not moved.raised or (self.shift is None and reading.shift is not None):
            self.shift = reading.shift

    def why(self, condition: Condition, hfov_deg: float) -> str:
        """In words, with the preset where there are several views."""
        reason = self._how_it_moved(hfov_deg) if condition is Condition.MOVED else REASONS[condition]
        return reason if self.preset is None else f"{reason} (preset {self.preset})"

    def _how_it_moved(self, hfov_deg: float) -> str:
        if self.shift is None:
            return "the view has moved farther than can be measured"
        azimuth, tilt = self.shift.degrees(hfov_deg)
        return (
            f"the view has moved by {100 * self.shift.size:.1f} % of its width "
            f"({azimuth:+.1f} deg azimuth, {tilt:+.1f} deg tilt)"
        )


class _Damage:
    """Pictures the decoder refused, against pictures that were looked at."""

    def __init__(self, dwell_s: float) -> None:
        self._dwell_s = dwell_s
        self.sound_pictures = 0
        self._window: deque[tuple[datetime, int, int]] = deque()
        self._since: datetime | None = None
        self.last_reason = ""

    def since(self, vitals: Vitals, now: datetime) -> datetime | None:
        """Since when most of what comes is damaged, if it has lasted; None when pictures are sound."""
        self._window.append((now, vitals.bad_pictures, self.sound_pictures))
        while (now - self._window[0][0]).total_seconds() > self._dwell_s:
            self._window.popleft()
        first_at, bad, good = self._window[0]
        more_bad = vitals.bad_pictures - bad > self.sound_pictures - good
        enough = (now - first_at).total_seconds() >= 0.8 * self._dwell_s
        if more_bad and enough and self._since is None:
            self._since = first_at
        elif vitals.bad_pictures == bad:
            self._since = None
        return self._since


def _lost(where: Whereabouts | None, now: datetime) -> CameraState | None:
    """Turning is no blindness, but a camera that never stands where it is known is not looked at."""
    if where is None or where.between_since is None:
        return None
    if (now - where.between_since).total_seconds() < LOST_AFTER_S:
        return None
    reason = "pictures come, but the camera stands at none of its presets: none is looked at"
    return CameraState(Condition.STALE, where.between_since, reason)


def _not_placed(where: Whereabouts | None) -> CameraState | None:
    if where is None or where.silent_since is None:
        return None
    reason = f"the camera does not say where it stands, the preset known last is assumed: {where.problem}"
    return CameraState(Condition.MOVED, where.silent_since, reason)


def _unrecognised(where: Whereabouts | None) -> str:
    if where is None or not where.missing:
        return ""
    names = ", ".join(where.missing)
    return f"presets never recognised (the camera has none of their tokens, or no position): {names}"


def _why_stale(vitals: Vitals, now: datetime) -> str:
    if vitals.problem:
        return vitals.problem
    age_s = vitals.packet_age_s(now)
    return "packets come, but no picture" if age_s is not None and age_s < 5 else "no picture comes"
