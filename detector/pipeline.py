"""From frames of one camera to looks, tracks and sightings: the whole of what the detector does at run time.

`Looker` is the eye (bad pictures, memory of the view, network), `Confirmer` the judgement; `Pipeline`
holds one pair per preset, because every preset is a view of its own. Time comes with the frames only, so
that recorded footage gives the same decisions as the live camera did.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from detector.backend import Backend
from detector.bad_pictures import bad_picture
from detector.calibration import Calibration, with_probabilities
from detector.confirmation import Confirmer, Policy, sighting_of
from detector.decoding import OVERLAP_LIMIT, decode
from detector.detection import Box, Detection, Look, Sighting
from detector.footing import doubt_the_sky
from detector.registry import Model, Profile, ProfileName
from detector.site_memory import SiteMemory, with_usual
from detector.tiles import Rotation, Tile, merged, tiles_of
from detector.tracking import Track
from detector.view import ViewMemory, look_size, mirror
from streams.errors import BadPicture
from streams.frame import Frame, Image
from streams.picture import to_bgr8

MOST_PRESETS = (
    64  # views remembered per camera; a tour has a few, a free-hand camera must not fill the memory
)

LOOKED_CLOSELY_S = 10.0
"""What was suspected and not seen for longer is left to the rotation of the tiles."""


@dataclass(frozen=True)
class LookResult:
    """What one look led to. `look.detections` reach the profile's threshold; they are not confirmed.

    `evidence_score_s` is the strongest lasting evidence of any place of the view, from this look and earlier
    ones.
    """

    look: Look
    tracks: tuple[Track, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    suspicious: bool = False
    evidence_score_s: float = 0.0


class Looker:
    """The eye on one fixed view: frame in, raw detections and the reason of a bad picture out.

    With `tiles`, pictures much larger than a look are looked at in parts as well (`detector.tiles`).

    Every second look is at the mirrored picture. The network is not quite the same to both, so what it sees
    wrongly in one it often does not see in the other, and evidence, being a sum over looks, averages them:
    the gain of test-time mirroring at the cost of none.
    """

    def __init__(
        self,
        backend: Backend,
        ages_s: tuple[float, ...],
        look_width_px: int,
        *,
        tiles: bool = False,
        calibration: Calibration | None = None,
    ) -> None:
        self._backend = backend
        self._ages_s, self._look_width_px = ages_s, look_width_px
        self._whole = self._new_memory()
        self._tiles: dict[Tile, ViewMemory] = {}
        self._rotation = Rotation() if tiles else None
        self._calibration = calibration
        self._mirrored = True  # the first look is as the camera sees it

    def detections(
        self, frame: Frame, least_score: float, suspected: Sequence[Box] = ()
    ) -> tuple[tuple[Detection, ...], str | None]:
        """(detections of at least `least_score`, None), or ((), why the picture is bad).

        The tiles that hold a `suspected` box (frame pixels) are looked at, too. A bad picture is neither
        judged nor remembered: it would stand in the references as change.
        """
        if frame.new_footage:
            self._whole.reset()
            self._tiles.clear()
            self._mirrored = True
        try:
            if isinstance(frame.picture, np.ndarray):  # as somebody's file has it: grey, 16 bit ...
                frame = replace(frame, picture=to_bgr8(frame.picture))
            size = look_size(frame.width_px, frame.height_px, self._look_width_px)
            image = frame.scaled(*size)
            reason = bad_picture(image)
            if reason is not None:
                return (), reason
            self._mirrored = not self._mirrored
            frame_px = (frame.width_px, frame.height_px)
            found = self._found(self._whole, image, frame.captured_at, frame_px, least_score)
            found = merged(
                [*found, *self._found_in_tiles(frame, size, least_score, suspected)], OVERLAP_LIMIT
            )
        except BadPicture as error:
            return (), str(error)
        scale = size[0] / frame.width_px
        doubted = doubt_the_sky(found, self._whole.ground, scale, least_score)
        return with_probabilities(doubted, self._calibration), None

    def _found(
        self, memory: ViewMemory, image: Image, at: datetime, size_px: tuple[int, int], least_score: float
    ) -> tuple[Detection, ...]:
        """What the network finds in one picture with its past, as a picture of `size_px`."""
        seen = memory.observe(image, at)
        if self._mirrored:
            mirror(seen)
        found = decode(
            self._backend.infer(seen),
            input_size_px=(seen.shape[1], seen.shape[0]),
            frame_size_px=size_px,
            least_score=least_score,
        )
        if not self._mirrored:
            return found
        return tuple(replace(d, box=d.box.mirrored(size_px[0])) for d in found)

    def _found_in_tiles(
        self, frame: Frame, look_px: tuple[int, int], least_score: float, suspected: Sequence[Box]
    ) -> list[Detection]:
        """What the tiles whose turn it is show, in pixels of the frame."""
        if self._rotation is None:
            return []
        self._rotation.follow(tiles_of((frame.width_px, frame.height_px), look_px, self._whole.ground))
        self._tiles = {tile: self._tiles.get(tile) or self._new_memory() for tile in self._rotation.tiles}
        found: list[Detection] = []
        for index in self._rotation.turn(frame.captured_at, suspected):
            tile = self._rotation.tiles[index]
            part = frame.image[tile.top : tile.top + tile.height_px, tile.left : tile.left + tile.width_px]
            size_px = (tile.width_px, tile.height_px)
            seen = self._found(self._tiles[tile], part, frame.captured_at, size_px, least_score)
            found += [tile.in_picture(detection) for detection in seen]
        return found

    def _new_memory(self) -> ViewMemory:
        return ViewMemory(self._ages_s, self._look_width_px)


@dataclass
class _View:
    looker: Looker
    confirmer: Confirmer
    suspected: tuple[Box, ...] = ()
    """Where the last look left a suspicion: the next one looks there closely."""
    frame_size_px: tuple[int, int] = (0, 0)


class Pipeline:
    """One camera. `look(frame)` is all a worker calls; not thread-safe.

    `policy` overrides single figures of the profile's confirmation (a deployment's `confirmation` section),
    `ages_s` the reference ages the model names. `site_memory` gives the memory of a preset, where one is
    kept. A backend may be shared by the pipelines of one thread.
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
        tiles: bool = False,
        site_memory: Callable[[str | None], SiteMemory | None] = lambda _preset: None,
    ) -> None:
        self.model = model
        self._site_memory = site_memory
        self._tiles = tiles
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
        candidates, bad = view.looker.detections(frame, least_score, view.suspected)
        memory, size_px = self._site_memory(frame.preset), (frame.width_px, frame.height_px)
        if memory is not None and bad is None:
            memory.record(frame.captured_at, candidates, size_px)
            candidates = memory.doubted(candidates, size_px, frame.captured_at)
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
        view.suspected = (
            tuple(
                track.box
                for track in verdict.tracks
                if track.confirmed_at is None
                and (frame.captured_at - track.last_seen_at).total_seconds() <= LOOKED_CLOSELY_S
            )
            if verdict.suspicious
            else ()
        )
        sightings = tuple(
            with_usual(sighting_of(track, look, policy=self.policy, profile=self.profile.name), memory)
            for track in verdict.confirmed
        )
        return LookResult(look, verdict.tracks, sightings, verdict.suspicious, verdict.evidence_score_s)

    def reset(self) -> None:
        """Forget all views."""
        self._views.clear()

    def _view(self, frame: Frame) -> _View:
        """The view of the frame's preset; emptied where footage jumps or the picture's size changes."""
        size_px = (frame.width_px, frame.height_px)
        view = self._views.pop(frame.preset, None)
        if view is None:
            looker = Looker(
                self._backend,
                self._ages_s,
                self.model.look_width_px,
                tiles=self._tiles,
                calibration=self.model.calibration,
            )
            view = _View(looker, Confirmer(self.policy, size_px), frame_size_px=size_px)
        if frame.new_footage or view.frame_size_px != size_px:
            view.confirmer = Confirmer(self.policy, size_px)
            view.suspected = ()
            view.frame_size_px = size_px
        self._views[frame.preset] = view  # most recently used last
        while len(self._views) > MOST_PRESETS:
            self._views.pop(next(iter(self._views)))
        return view
