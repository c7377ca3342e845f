"""The memory of a fixed view, and the network input made from it.

A hill camera that looks at the same view for hours sees a young plume as *change* long before its shape is
plain. So a look is the picture plus its difference to reference pictures of the same view from some time
ago (DESIGN decision 4). This module owns what "some time ago" means:

- For each configured age A the reference is the median of up to three pictures between A/2 and 3A/2 old, by
  wall clock, so that it means the same at one look a second and at one a minute.
- While the history is shorter than A, the oldest pictures stand in for it, once they are 10 s old.
- An age without pictures gives an empty channel (128 everywhere). The network is trained with those, too.
- The reference never holds the present or a later picture: the memory is updated after the input was built.
- The large-scale change of brightness (cloud shadow, dawn, exposure) is taken out of the difference, by the
  median over about a quarter of the picture's width; what remains is local change.

Camera shake is not compensated: on 29 hill-camera sequences of 80 min the shift between pictures three
minutes apart was <= 0.5 px at 640 px (median 0.03 px).

Not for: deciding anything. Whether change is smoke is the network's business.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

import cv2
import numpy as np
import numpy.typing as npt

from detector.footing import LEAST_PICTURES, LEAST_SPAN_S, Ground, ground_of, settle
from streams.frame import resized
from streams.own_pages import in_own_pages

Grey = npt.NDArray[np.uint8]
Picture = npt.NDArray[np.uint8]
Regions = npt.NDArray[np.float32]
"""Mean grey levels by regions of a picture, from which its large-scale brightness is told."""

LOOK_WIDTH_PX = 640
STRIDE_PX = 32
DEFAULT_AGES_S = (20.0, 120.0, 600.0, 1800.0)
NO_CHANGE = 128
GAIN = 3  # a thin plume changes a pixel by 5-20 grey levels: times three it fills the byte without clipping
YOUNGEST_STAND_IN_S = 10.0
_REGION_PX = 16  # the brightness field is estimated on cells of this size ...
_REGION_CELLS = 11  # ... by a median over this many cells squared: 176 px


def look_size(width_px: int, height_px: int, look_width_px: int = LOOK_WIDTH_PX) -> tuple[int, int]:
    """(width, height) in pixels at which a picture is looked at: sides are multiples of 32, aspect kept.

    >>> look_size(1920, 1080), look_size(2048, 1536)
    ((640, 352), (640, 480))
    """
    height = round(look_width_px * height_px / width_px / STRIDE_PX) * STRIDE_PX
    return look_width_px, min(max(height, STRIDE_PX), 2 * look_width_px)


def difference_channel(grey: Grey, reference: Grey) -> Grey:
    """Local change of `grey` against `reference`, both HxW uint8: 128 is none, brighter is brighter.

    >>> view = np.full((64, 64), 100, np.uint8)
    >>> int(difference_channel(view + np.uint8(20), view).mean())  # a change of light is not local change
    128
    """
    channel = np.empty_like(grey)
    write_difference(channel, grey.astype(np.int16), regions_of(grey), reference, regions_of(reference))
    return channel


def regions_of(grey: Grey) -> Regions:
    """The mean brightness of each region of a picture."""
    height, width = grey.shape
    cells = (max(2, width // _REGION_PX), max(2, height // _REGION_PX))
    return np.asarray(cv2.resize(grey.astype(np.float32), cells, interpolation=cv2.INTER_AREA), np.float32)


def write_difference(
    channel: Grey,
    grey: npt.NDArray[np.int16],
    regions: Regions,
    reference: Grey,
    reference_regions: Regions,
) -> None:
    """Write what `difference_channel` is into `channel`. What a picture needs once is passed in.

    The steps are of one type: OpenCV takes several times as long where types are mixed.
    """
    height, width = grey.shape
    coarse = np.rint(regions - reference_regions).astype(np.int16)
    coarse = np.clip(coarse // 2 + NO_CHANGE, 0, 255).astype(np.uint8)
    coarse = cv2.medianBlur(coarse, min(_REGION_CELLS, 2 * (min(coarse.shape) // 2) - 1))
    coarse = (coarse.astype(np.int16) - NO_CHANGE) * 2
    local = np.subtract(grey, reference, dtype=np.int16)
    local -= cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    local *= GAIN
    local += NO_CHANGE
    np.clip(local, 0, 255, out=channel, casting="unsafe")


def mirror(seen: Picture) -> None:
    """Turn a network input (HxWxC, plane after plane in memory) left to right, in its place.

    A reversed view of it would be copied by the engine, pixel by pixel, at twenty times the cost.
    """
    rows = seen.transpose(2, 0, 1).reshape(-1, seen.shape[1])
    cv2.flip(rows, 1, dst=rows)


def median_of(pictures: Sequence[Grey]) -> Grey:
    """Pixel-wise median of one to three pictures (the mean of two).

    >>> a, b, c = (np.full((1, 1), v, np.uint8) for v in (10, 200, 30))
    >>> int(median_of([a, b, c])[0, 0])
    30
    """
    if len(pictures) == 1:
        return pictures[0]
    a, b = pictures[0], pictures[1]
    if len(pictures) == 2:
        return cv2.addWeighted(a, 0.5, b, 0.5, 0)  # type: ignore[no-any-return]
    return cv2.max(cv2.min(a, b), cv2.min(cv2.max(a, b), pictures[2]))  # type: ignore[no-any-return]


class ViewMemory:
    """What one fixed view looked like, for each reference age. One per camera and preset.

    `observe` returns the network input: HxWx(3+ages) uint8, blue, green, red, then one difference channel per
    age in the order of `ages_s`; it lies in memory plane after plane, as the engines read it. Memory is
    bounded: at most seven grey pictures of look size per age.
    """

    def __init__(self, ages_s: Sequence[float] = DEFAULT_AGES_S, look_width_px: int = LOOK_WIDTH_PX) -> None:
        self.ages_s = tuple(float(age) for age in ages_s)
        self.look_width_px = look_width_px
        self._samples: list[deque[tuple[datetime, Grey]]] = [deque() for _ in self.ages_s]
        self._medians: dict[float, tuple[list[Grey], Grey, Regions]] = {}  # by age: samples, their median
        self._shape: tuple[int, int] | None = None
        self._ground_from: tuple[datetime, ...] = ()
        self._ground_now: Ground | None = None
        self._ground: Ground | None = None

    def reset(self) -> None:
        """Forget the view: after a PTZ move, a cut in the footage, or a change of the picture's size."""
        for samples in self._samples:
            samples.clear()
        self._medians.clear()
        self._shape = None
        self._ground_from = ()
        self._ground_now = self._ground = None

    def observe(self, image: Picture, captured_at: datetime, *, new_footage: bool = False) -> Picture:
        """Network input for `image` (HxWx3 BGR uint8) of `captured_at`; then remembers the picture."""
        size = look_size(image.shape[1], image.shape[0], self.look_width_px)
        small = resized(image, size)
        grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
        if new_footage or self._shape != grey.shape or self._went_back(captured_at):
            self.reset()
            self._shape = grey.shape
        planes = np.empty((3 + len(self.ages_s), *grey.shape), np.uint8)
        cv2.split(small, list(planes[:3]))
        signed, regions = grey.astype(np.int16), regions_of(grey)
        for age_s, channel in zip(self.ages_s, planes[3:], strict=True):
            reference = self._reference(age_s, captured_at)
            if reference is None:
                channel.fill(NO_CHANGE)
            else:
                write_difference(channel, signed, regions, *reference)
        self._remember(grey, captured_at)
        return planes.transpose(1, 2, 0)

    def reference(self, age_s: float, at: datetime) -> Grey | None:
        """The reference picture of a configured age as a look at `at` would use it, or None."""
        found = self._reference(age_s, at)
        return None if found is None else found[0]

    def _reference(self, age_s: float, at: datetime) -> tuple[Grey, Regions] | None:
        """The reference picture and its regions, made anew only where its samples have changed."""
        chosen = self._chosen(self._samples[self.ages_s.index(age_s)], age_s, at)
        if not chosen:
            return None
        known = self._medians.get(age_s)
        if known is None or [id(one) for one in known[0]] != [id(one) for one in chosen]:
            median = in_own_pages(median_of(chosen))
            known = self._medians[age_s] = (chosen, median, regions_of(median))
        return known[1:]

    @property
    def ground(self) -> Ground | None:
        """Where the ground of the view is (`detector.footing`), from the last quarter of an hour and before.

        None while the history is short, by night and in dense fog.
        """
        samples = min(zip(self.ages_s, self._samples, strict=True), key=lambda pair: abs(pair[0] - 600))[1]
        times = tuple(taken for taken, _ in samples)
        if len(times) < LEAST_PICTURES or (times[-1] - times[0]).total_seconds() < LEAST_SPAN_S:
            return None
        if self._ground_from != times:
            elapsed_s = (times[-1] - self._ground_from[-1]).total_seconds() if self._ground_from else 0.0
            self._ground_from = times
            self._ground_now = ground_of([grey for _, grey in samples])
            self._ground = settle(self._ground_now, self._ground, elapsed_s)
        return None if self._ground_now is None else self._ground

    def _went_back(self, captured_at: datetime) -> bool:
        return any(samples and samples[-1][0] > captured_at for samples in self._samples)

    @staticmethod
    def _chosen(samples: deque[tuple[datetime, Grey]], age_s: float, at: datetime) -> list[Grey]:
        """The one to three samples whose median is the reference of this age; none when it has none."""
        while samples and at - samples[0][0] > timedelta(seconds=1.5 * age_s):
            samples.popleft()
        if not samples:
            return []
        reached_s = min(age_s, (at - samples[0][0]).total_seconds())
        if reached_s < YOUNGEST_STAND_IN_S:
            return []
        old_enough = [grey for taken, grey in samples if (at - taken).total_seconds() >= reached_s / 2]
        if len(old_enough) > 3:
            old_enough = [old_enough[0], old_enough[len(old_enough) // 2], old_enough[-1]]
        return old_enough

    def _remember(self, grey: Grey, captured_at: datetime) -> None:
        due = [
            samples
            for age_s, samples in zip(self.ages_s, self._samples, strict=True)
            if not samples or (captured_at - samples[-1][0]).total_seconds() >= age_s / 4
        ]
        if due:
            kept = in_own_pages(grey)
            for samples in due:
                samples.append((captured_at, kept))
