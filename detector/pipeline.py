"""From frames of one camera to looks, tracks and sightings: the whole of what the detector does at run time.

`Looker` is the eye (bad pictures, memory of the view, network), `Confirmer` the judgement; `Pipeline`
holds one pair per preset, because every preset is a view of its own. Time comes with the frames only, so
that recorded footage gives the same decisions as the live camera did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from detector.backend import Backend
from detector.bad_pictures import bad_picture
from detector.confirmation import Confirmer, Policy, sighting_of
from detector.decoding import decode
from detector.detection import Detection, Look, Sighting
from detector.footing import doubt_the_sky
from detector.registry import Model, Profile, ProfileName
from detector.tracking import Track
from detector.view import ViewMemory, look_size
from streams.errors import BadPicture
from streams.frame import Frame
from streams.picture import to_bgr8

MOST_PRESETS = (
    64  # views remembered per camera; a tour has a few, a free-hand camera must not fill the memory
)


@dataclass(frozen=True)
class LookResult:
    """What one look led to. `look.detections` reach the profile's threshold; they are not confirmed."""

    look: Look
    tracks: tuple[Track, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    suspicious: bool = False


class Looker:
    """The eye on one fixed view: frame in, raw detections and the reason of a bad picture out."""

    def __init__(self, backend: Backend, ages_s: tuple[float, ...], look_width_px: int) -> None:
        self._backend = backend
        self._memory = ViewMemory(ages_s, look_width_px)

    def detections(self, frame: Frame, least_score: float) -> tuple[tuple[Detection, ...], str | None]:
        """(detections of at least `least_score`, None), or ((), why the picture is bad).

        A bad picture is neither judged nor remembered: it would stand in the references as change.
        """
        if frame.new_footage:
            self._memory.reset()
        try:
            if isinstance(frame.picture, np.ndarray):  # as somebody's file has it: grey, 16 bit ...
                frame = replace(frame, picture=to_bgr8(frame.picture))
            size = look_size(frame.width_px, frame.height_px, self._memory.look_width_px)
            image = frame.scaled(*size)
        except BadPicture as error:
            return (), str(error)
        reason = bad_picture(image)
        if reason is not None:
            return (), reason
        seen = self._memory.observe(image, frame.captured_at)
        found = decode(
            self._backend.infer(seen),
            input_size_px=(seen.shape[1], seen.shape[0]),
            frame_size_px=(frame.width_px, frame.height_px),
            least_score=least_score,
        )
        scale = seen.shape[1] / frame.width_px
        return doubt_the_sky(found, self._memory.ground, scale, least_score), None


@dataclass
class _View:
    looker: Looker
    confirmer: Confirmer
    frame_size_px: tuple[int, int] = (0, 0)


class Pipeline:
    """One camera. `look(frame)` is all a worker calls; not thread-safe.

    `policy` overrides single figures of the profile's confirmation (a deployment's `confirmation` section),
    `ages_s` the reference ages the model names. A backend may be shared by the pipelines of one thread.
    BackendError leaves the pipeline usable.
    """

    def __init__(
        self,
        model: Model,
        profile: ProfileName = "balanced",
        *,
        backend: Backend | None = None,
        ages_s: Sequence[float] | None = None,
        policy: Mapping[str, float] | None = None,
        threads: int = 1,
    ) -> None:
        self.model = model
        self._backend = backend if backend is not None else model.open_backend(threads=threads)
        self._ages_s = (replace(model, ages_s=tuple(ages_s)) if ages_s else model).ages_for(self._backend)
        chosen = model.profile(profile)
        self.profile = Profile(chosen.name, chosen.threshold, replace(chosen.policy, **dict(policy or {})))  # type: ignore[arg-type]
        self._views: dict[str | None, _View] = {}

    @property
    def policy(self) -> Policy:
        return self.profile.policy

    def look(self, frame: Frame) -> LookResult:
        """Analyse one frame. Raises BackendError when the network fails: a lost look, never an alert."""
        view = self._view(frame)
        least_score = min(self.profile.threshold, self.policy.candidate_score)
        candidates, bad = view.looker.detections(frame, least_score)
        look = Look(
            camera_id=frame.camera_id,
            preset=frame.preset,
            captured_at=frame.captured_at,
            sequence=frame.sequence,
            width_px=frame.width_px,
            height_px=frame.height_px,
            detections=tuple(d for d in candidates if d.confidence >= self.profile.threshold),
            model_id=self.model.model_id,
            bad_picture=bad,
        )
        if bad is not None:
            return LookResult(look)
        verdict = view.confirmer.advance(frame.captured_at, candidates)
        sightings = tuple(
            sighting_of(track, look, policy=self.policy, profile=self.profile.name)
            for track in verdict.confirmed
        )
        return LookResult(look, verdict.tracks, sightings, verdict.suspicious)

    def reset(self) -> None:
        """Forget all views."""
        self._views.clear()

    def _view(self, frame: Frame) -> _View:
        """The view of the frame's preset; emptied where footage jumps or the picture's size changes."""
        size_px = (frame.width_px, frame.height_px)
        view = self._views.pop(frame.preset, None)
        if view is None:
            looker = Looker(self._backend, self._ages_s, self.model.look_width_px)
            view = _View(looker, Confirmer(self.policy), size_px)
        if frame.new_footage or view.frame_size_px != size_px:
            view.confirmer.reset()
            view.frame_size_px = size_px
        self._views[frame.preset] = view  # most recently used last
        while len(self._views) > MOST_PRESETS:
            self._views.pop(next(iter(self._views)))
        return view
