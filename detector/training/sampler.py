"""One training crop: a picture, its references, its boxes.

History must carry no label. In a sequence the early pictures, those with a short history, never show
smoke; a network shown the true history would learn "short history: no smoke". So the references of every
sample are drawn from one distribution of ages and gaps, whether it shows smoke or not; a picture without
smoke may take its references from later smoke-free pictures too, time running either way where nothing burns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import numpy.typing as npt

from detector.training import synthetic, transplant
from detector.training.views import HEIGHT_PX, WIDTH_PX, Boxes, Picture, ViewSequence
from detector.view import DEFAULT_AGES_S, NO_CHANGE, difference_channel, median_of

CROP_PX = 320


@dataclass(frozen=True)
class Crop:
    """`channels`: CROP x CROP x (3 + ages) uint8. `boxes`: N x 5, pixels of the crop. `kind`: its origin."""

    channels: Picture
    boxes: Boxes
    kind: str


class Sampler:
    """Draws training crops. Pure but for its generator: the same seed gives the same crops."""

    def __init__(
        self,
        sequences: Sequence[ViewSequence],
        stills: Sequence[tuple[Picture, Boxes]],
        near: Sequence[tuple[Picture, Boxes]],
        rng: np.random.Generator,
        ages_s: Sequence[float] = DEFAULT_AGES_S,
        painted_out: Sequence[tuple[Picture, Boxes]] = (),
    ) -> None:
        self._rng, self._ages_s = rng, tuple(ages_s)
        self._stills, self._near, self._painted_out = stills, near, painted_out
        self._boxed = [(s, _where(s, boxed=True)) for s in sequences if s.offsets_s is not None]
        self._boxed = [(s, found) for s, found in self._boxed if len(found)]
        self._undated = [(s, _where(s, boxed=True)) for s in sequences if s.offsets_s is None]
        self._empty = [(s, np.nonzero(s.empty)[0]) for s in sequences if s.empty.any()]
        self._plumes = transplant.sources(sequences)
        self._ground = {
            s.name: _ground(s.pictures[found[[0, len(found) // 2, -1]]]) for s, found in self._empty
        }
        kinds: list[tuple[float, Callable[[], Crop], bool]] = [
            (0.24, self._real, bool(self._boxed)),
            (0.02, self._without_date, bool(self._undated)),
            (0.18, self._synthetic, bool(self._empty)),
            (0.12, self._transplanted, bool(self._empty and self._plumes)),
            (0.24, self._nothing, bool(self._empty)),
            (0.05, self._from_painted_out, bool(painted_out)),
            (0.05, self._night, bool(self._empty)),
            (0.06, self._from_near, bool(near)),
            (0.04, self._from_stills, bool(stills)),
        ]
        kinds = [kind for kind in kinds if kind[2]]
        weights = np.array([kind[0] for kind in kinds])
        self._kinds, self._weights = [kind[1] for kind in kinds], weights / weights.sum()

    def draw(self) -> Crop:
        """The next crop."""
        return self._kinds[int(self._rng.choice(len(self._kinds), p=self._weights))]()

    # one method a kind of sample

    def _real(self) -> Crop:
        sequence, found = self._boxed[self._rng.integers(len(self._boxed))]
        index = int(self._rng.choice(found))
        earlier = np.arange(index)
        references = [[sequence.pictures[i] for i in slot] for slot in self._slots(sequence, index, earlier)]
        return self._compose(np.array(sequence.pictures[index]), references, sequence.boxes[index], "real")

    def _without_date(self) -> Crop:
        sequence, found = self._undated[self._rng.integers(len(self._undated))]
        index = int(self._rng.choice(found))
        nothing: list[list[Picture]] = [[] for _ in self._ages_s]
        return self._compose(np.array(sequence.pictures[index]), nothing, sequence.boxes[index], "undated")

    def _empty_view(self) -> tuple[Picture, list[list[Picture]], list[list[float]], ViewSequence]:
        sequence, found = self._empty[self._rng.integers(len(self._empty))]
        index = int(self._rng.choice(found))
        slots = self._slots(sequence, index, found[found != index])
        picture = np.array(sequence.pictures[index])
        references = [[np.array(sequence.pictures[i]) for i in slot] for slot in slots]
        assert sequence.offsets_s is not None
        now_s = sequence.offsets_s[index]
        gaps = [[abs(float(now_s - sequence.offsets_s[i])) for i in slot] for slot in slots]
        if self._rng.random() < 0.2:  # looks seconds apart: the same light, other noise
            references[0], gaps[0] = [self._noisy(picture)], [float(self._rng.uniform(10, 30))]
        sky_ends = int(self._ground[sequence.name][:, 1].min()) - 20
        if self._rng.random() < 0.2:
            picture = self._since_a_while(synthetic.haze_bank, picture, references, gaps)
        if self._rng.random() < 0.3:
            picture = self._since_a_while(
                partial(synthetic.cloud_puffs, lowest_y=sky_ends), picture, references, gaps
            )
        if self._rng.random() < 0.3:
            clouds = synthetic.Cumulus.draw(self._rng, sky_ends)
            picture = clouds.lay_over(picture)
            for slot, slot_gaps in zip(references, gaps, strict=True):
                slot[:] = [clouds.lay_over(one, gap) for one, gap in zip(slot, slot_gaps, strict=True)]
        if self._rng.random() < 0.3 and any(references[1:]):
            picture = self._pale_patch(sequence, picture, references)
        if self._rng.random() < 0.15:
            picture = synthetic.specks(self._rng, picture)
        if self._rng.random() < 0.2:
            picture = self._since_a_while(synthetic.shadow, picture, references, gaps)
        for slot_pictures in references:
            if self._rng.random() < 0.06:
                slot_pictures[:] = [synthetic.haze_bank(self._rng, one) for one in slot_pictures]
        return picture, references, gaps, sequence

    def _since_a_while(
        self,
        lay_over: Callable[[np.random.Generator, Picture], Picture],
        picture: Picture,
        references: list[list[Picture]],
        gaps: list[list[float]],
    ) -> Picture:
        """What came seconds or most of an hour ago and stays there, as a fire does, need not be one."""
        seed = int(self._rng.integers(2**31))
        came_s = float(np.exp(self._rng.uniform(np.log(5), np.log(3000))))
        for slot, slot_gaps in zip(references, gaps, strict=True):
            slot[:] = [
                lay_over(np.random.default_rng(seed), one) if gap_s < came_s else one
                for one, gap_s in zip(slot, slot_gaps, strict=True)
            ]
        return lay_over(np.random.default_rng(seed), picture)

    def _pale_patch(
        self, sequence: ViewSequence, picture: Picture, references: list[list[Picture]]
    ) -> Picture:
        """What looks like smoke but was always there is none: the same patch now and in every reference."""
        x, y = self._ground[sequence.name][self._rng.integers(len(self._ground[sequence.name]))]
        length_px = float(np.exp(self._rng.uniform(np.log(10), np.log(120))))
        patch = synthetic.Smoke.draw(self._rng, picture, int(x), int(y), length_px)
        for slot in references:
            slot[:] = [patch.lay_over(one, 0)[0] for one in slot]
        return patch.lay_over(picture, 0)[0]

    def _nothing(self) -> Crop:
        picture, references, _, _ = self._empty_view()
        return self._compose(picture, references, None, "empty")

    def _synthetic(self) -> Crop:
        rng = self._rng
        picture, references, gaps, sequence = self._empty_view()
        found: list[list[float]] = []
        for _ in range(1 if rng.random() < 0.8 else 2):
            x, y = self._ground[sequence.name][rng.integers(len(self._ground[sequence.name]))]
            length_px = float(np.exp(rng.uniform(np.log(12), np.log(190))))
            smoke = synthetic.Smoke.draw(rng, picture, int(x), int(y), length_px)
            age_s = float(np.exp(rng.uniform(np.log(20), np.log(3000))))
            clock_s = float(rng.uniform(0, 60))
            after, alpha = smoke.lay_over(picture, clock_s + 30)
            box = synthetic.visible_box(picture, after, alpha)
            if box is None:
                continue
            picture = after
            found.append([0.0, *box])
            for slot_pictures, slot_gaps in zip(references, gaps, strict=True):
                for i, gap_s in enumerate(slot_gaps):
                    if gap_s < age_s:
                        grown = 0.3 + 0.7 * (age_s - gap_s) / age_s
                        earlier_s = clock_s + 30 - gap_s if gap_s < 30 else float(rng.uniform(0, 80))
                        slot_pictures[i] = smoke.lay_over(slot_pictures[i], earlier_s, grown)[0]
        boxes = np.array(found, np.float32).reshape(-1, 5)
        return self._compose(picture, references, boxes if len(boxes) else None, "synthetic")

    def _transplanted(self) -> Crop:
        """A real plume with its own past, moved to another camera's view."""
        rng = self._rng
        picture, references, gaps, sequence = self._empty_view()
        ground = self._ground[sequence.name]
        plume = self._plumes[int(rng.integers(len(self._plumes)))]
        moved = plume.draw(rng, ground[rng.integers(len(ground))])
        picture = moved.lay_over(picture, 0.0)
        for slot, slot_gaps in zip(references, gaps, strict=True):
            slot[:] = [moved.lay_over(one, gap_s) for one, gap_s in zip(slot, slot_gaps, strict=True)]
        return self._compose(picture, references, moved.boxes, "transplanted")

    def _night(self) -> Crop:
        rng = self._rng
        picture, references, gaps, sequence = self._empty_view()
        level = int(rng.integers(2**31))

        def by_night(one: Picture) -> Picture:
            same_each_time = np.random.default_rng(level)
            return synthetic.lights(same_each_time, synthetic.night(same_each_time, one))

        picture = by_night(picture)
        references = [[by_night(one) for one in slot] for slot in references]
        found: list[list[float]] = []
        if rng.random() < 0.65:
            x, y = self._ground[sequence.name][rng.integers(len(self._ground[sequence.name]))]
            size_px = float(np.exp(rng.uniform(np.log(3), np.log(25))))
            if rng.random() < 0.6:
                smoke = synthetic.Smoke.draw(rng, picture, int(x), int(y), size_px * rng.uniform(3, 8))
                lit_colour = (
                    float(rng.uniform(20, 60)),
                    float(rng.uniform(40, 90)),
                    float(rng.uniform(60, 150)),
                )
                smoke = synthetic.Smoke(smoke.plume, smoke.x, smoke.y, lit_colour, smoke.relief, 0)
                after, alpha = smoke.lay_over(picture, 30)
                box = synthetic.visible_box(picture, after, alpha)
                picture = after
                if box is not None:
                    found.append([0.0, *box])
            picture, core = synthetic.flames(rng, picture, int(x), int(y), size_px)
            ys, xs = np.nonzero(core > 0.25)
            if len(xs) >= 4:
                found.append(
                    [1.0, float(xs.min()), float(ys.min()), float(xs.max()) + 1, float(ys.max()) + 1]
                )
                if rng.random() < 0.4:  # it has been burning for a while
                    slot_age = float(rng.choice([40.0, 300.0, 900.0]))
                    for slot, slot_gaps in zip(references, gaps, strict=True):
                        for i, gap_s in enumerate(slot_gaps):
                            if gap_s < slot_age:
                                slot[i] = synthetic.flames(rng, slot[i], int(x), int(y), size_px * 0.8)[0]
        boxes = np.array(found, np.float32).reshape(-1, 5)
        return self._compose(picture, references, boxes if len(boxes) else None, "night")

    def _from_near(self) -> Crop:
        """Four near pictures side by side, reduced: variety of flames, without history."""
        rng = self._rng
        canvas = np.full((HEIGHT_PX, WIDTH_PX, 3), 114, np.uint8)
        boxes: list[Boxes] = []
        side = int(rng.uniform(110, 235))
        for row in range(HEIGHT_PX // side):
            for column in range(WIDTH_PX // side):
                picture, found = self._near[int(rng.integers(len(self._near)))]
                scale = side / picture.shape[0]
                x, y = column * side, row * side
                canvas[y : y + side, x : x + side] = cv2.resize(
                    picture, (side, side), interpolation=cv2.INTER_AREA
                )
                moved = found.copy()
                moved[:, 1:] = moved[:, 1:] * scale + np.array([x, y, x, y], np.float32)
                boxes.append(moved)
        nothing: list[list[Picture]] = [[] for _ in self._ages_s]
        return self._compose(canvas, nothing, np.concatenate(boxes), "near")

    def _from_stills(self) -> Crop:
        picture, boxes = self._stills[int(self._rng.integers(len(self._stills)))]
        nothing: list[list[Picture]] = [[] for _ in self._ages_s]
        return self._compose(picture.copy(), nothing, boxes if len(boxes) else None, "still")

    def _from_painted_out(self) -> Crop:
        """A picture whose boxes were burnt in and painted out; decoys teach that such traces mean nothing."""
        picture, boxes = self._painted_out[int(self._rng.integers(len(self._painted_out)))]
        nothing: list[list[Picture]] = [[] for _ in self._ages_s]
        return self._compose(transplant.painted_out_decoys(self._rng, picture), nothing, boxes, "painted_out")

    # what they share

    def _slots(self, sequence: ViewSequence, index: int, allowed: npt.NDArray[np.int64]) -> list[list[int]]:
        """Indices of reference pictures for each age, from one law for all samples."""
        rng = self._rng
        assert sequence.offsets_s is not None
        none: list[list[int]] = [[] for _ in self._ages_s]
        if rng.random() < 0.10 or not len(allowed):
            return none
        gaps = np.abs(sequence.offsets_s[allowed] - sequence.offsets_s[index])
        reach_s = float(
            rng.choice([1e9, 1e9, 1e9, rng.uniform(60, 2400)])
        )  # a short history, for all ages alike
        slots = none
        for number, age_s in enumerate(self._ages_s):
            chance = rng.random()
            if chance < (0.5 if age_s < 60 else 0.1):
                continue
            target_s = min(age_s, reach_s) if chance < 0.9 else float(rng.uniform(60, max(61, age_s)))
            low, high = target_s / 2, max(1.5 * target_s, 90.0)
            fits = allowed[(gaps >= low) & (gaps <= high) & (gaps <= reach_s)]
            if len(fits) > 3:
                fits = (
                    fits[[0, len(fits) // 2, -1]]
                    if rng.random() < 0.7
                    else rng.choice(fits, 3, replace=False)
                )
            slots[number] = [int(i) for i in fits]
        return slots

    def _noisy(self, picture: Picture) -> Picture:
        noise = self._rng.standard_normal(picture.shape[:2]).astype(np.float32) * self._rng.uniform(0.3, 2.5)
        return np.clip(picture.astype(np.float32) + noise[..., None], 0, 255).astype(np.uint8)

    def _compose(
        self, picture: Picture, references: list[list[Picture]], boxes: Boxes | None, kind: str
    ) -> Crop:
        rng = self._rng
        if rng.random() < 0.3:  # exposure has changed since the references
            picture = cv2.convertScaleAbs(picture, alpha=rng.uniform(0.88, 1.12), beta=rng.uniform(-8, 8))
        if rng.random() < 0.3:
            picture = self._noisy(picture)
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        channels = [_colour_jitter(rng, picture)]
        if any(references) and rng.random() < 0.12:
            channels = [np.full_like(picture, 114)]  # change alone must suffice: places are learned by colour
        gain = float(rng.uniform(0.6, 1.6)) if rng.random() < 0.5 else 1.0
        stronger = np.clip((np.arange(256) - NO_CHANGE) * gain + NO_CHANGE, 0, 255).astype(np.uint8)
        for slot in references:
            if not slot:
                channels.append(np.full_like(grey, NO_CHANGE))
                continue
            reference = median_of([cv2.cvtColor(one, cv2.COLOR_BGR2GRAY) for one in slot])
            change = difference_channel(grey, reference)
            channels.append(cv2.LUT(change, stronger))
        stacked = cv2.merge([plane for channel in channels for plane in cv2.split(channel)])
        found = boxes if boxes is not None else np.zeros((0, 5), np.float32)
        return _crop(rng, stacked, found, kind)


def _where(sequence: ViewSequence, *, boxed: bool) -> npt.NDArray[np.int64]:
    return np.array(
        [i for i, boxes in enumerate(sequence.boxes) if (boxes is not None and len(boxes)) == boxed], int
    )


def _ground(pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Pixels (x, y) where smoke may stand: textured cells from the horizon down, the far band more often.

    Only what is textured in every picture counts: clouds move on, the ground does not.
    """
    textured = np.min([_texture(one) for one in pictures], axis=0)
    from_below = np.cumsum(textured[::-1], axis=0)[::-1] / np.arange(HEIGHT_PX, 0, -1)[:, None]
    textured = textured * (from_below > 0.5)  # standing cloud has clear air beneath, a ridge has ground
    textured[: int(0.36 * HEIGHT_PX)] = 0
    textured[int(0.85 * HEIGHT_PX) :] = 0
    ys, xs = np.nonzero(textured)
    if not len(xs):
        return np.array([[WIDTH_PX // 2, int(HEIGHT_PX * 0.6)]])
    horizon = np.percentile(ys, 2)
    keep = np.random.default_rng(0).random(len(ys)) < np.exp(-(ys - horizon) / 60.0)
    return np.stack([xs[keep], ys[keep]], 1)


def _texture(picture: Picture) -> npt.NDArray[np.uint8]:
    """1 where edges fill a broad neighbourhood, else 0: masts and the rim of a lens are narrow."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32)
    residue = cv2.GaussianBlur(grey, (0, 0), 0.8) - cv2.blur(grey, (7, 7))  # blind to a sky's smooth gradient
    textured = cv2.blur(np.abs(residue), (9, 9)) > 0.9
    closed = cv2.morphologyEx(textured.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    return np.asarray(cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((15, 61), np.uint8)), np.uint8)


def _colour_jitter(rng: np.random.Generator, picture: Picture) -> Picture:
    if rng.random() < 0.12:
        return cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)  # type: ignore[no-any-return]
    gain = rng.uniform(0.75, 1.25) * rng.uniform(0.92, 1.08, 3)
    curve = 255 * (np.arange(256)[:, None] / 255) ** float(np.exp(rng.normal(0, 0.3)))
    table = np.clip(curve * gain + rng.uniform(-20, 20), 0, 255).astype(np.uint8)
    if rng.random() < 0.15:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 2.0))
    return cv2.LUT(picture, table.reshape(256, 1, 3))  # type: ignore[no-any-return]


def _anywhere(rng: np.random.Generator, stacked: Picture) -> tuple[float, float]:
    return float(rng.uniform(0, stacked.shape[1])), float(rng.uniform(0.1, 0.9) * stacked.shape[0])


def _where_most_changed(rng: np.random.Generator, stacked: Picture) -> tuple[float, float]:
    """The one of eight random places with the strongest change: clouds, shadows, glare, what misleads."""
    places = [_anywhere(rng, stacked) for _ in range(8)]
    change = cv2.absdiff(np.ascontiguousarray(stacked[..., -2]), NO_CHANGE)
    near = cv2.blur(change, (41, 41))
    return max(places, key=lambda place: float(near[int(place[1]), int(place[0])]))


def _crop(rng: np.random.Generator, stacked: Picture, boxes: Boxes, kind: str) -> Crop:
    """A square around a random box (or anywhere) brought to CROP_PX, sometimes mirrored."""
    height, width = stacked.shape[:2]
    side = float(CROP_PX * rng.uniform(0.6, 1.35))
    if len(boxes) and rng.random() < 0.9:
        box = boxes[rng.integers(len(boxes))]
        extent = max(box[3] - box[1], box[4] - box[2])
        side = min(max(side, 1.15 * float(extent)), float(height))
        cx, cy = float(box[1] + box[3]) / 2, float(box[2] + box[4]) / 2
        slack = max(0.0, side - 1.1 * float(extent)) / 2
        cx, cy = cx + rng.uniform(-slack, slack), cy + rng.uniform(-slack, slack)
    else:
        side = min(side, float(height))
        cx, cy = _where_most_changed(rng, stacked) if rng.random() < 0.6 else _anywhere(rng, stacked)
    side = int(min(side, height))
    x = int(np.clip(cx - side / 2, 0, width - side))
    y = int(np.clip(cy - side / 2, 0, height - side))
    part = stacked[y : y + side, x : x + side]
    scale = CROP_PX / side
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    planes = [cv2.resize(np.ascontiguousarray(part[..., i : i + 4]), (CROP_PX, CROP_PX), interpolation=way)
              for i in range(0, part.shape[2], 4)]  # fmt: skip
    channels = np.concatenate([p if p.ndim == 3 else p[..., None] for p in planes], axis=2)
    kept = boxes.copy()
    area = (kept[:, 3] - kept[:, 1]) * (kept[:, 4] - kept[:, 2])
    kept[:, 1::2] = np.clip((kept[:, 1::2] - x) * scale, 0, CROP_PX)
    kept[:, 2::2] = np.clip((kept[:, 2::2] - y) * scale, 0, CROP_PX)
    inside = (kept[:, 3] - kept[:, 1]) * (kept[:, 4] - kept[:, 2]) / scale**2
    good = (inside > 0.3 * area) & (kept[:, 3] - kept[:, 1] > 3) & (kept[:, 4] - kept[:, 2] > 3)
    kept = kept[good]
    if rng.random() < 0.5:
        channels = np.ascontiguousarray(channels[:, ::-1])
        kept[:, [1, 3]] = CROP_PX - kept[:, [3, 1]]
    return Crop(channels, kept, kind)
