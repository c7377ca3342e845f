"""Real smoke in other places: a plume is lifted from its own view, with its past, and laid over another.

What a plume adds to its view is the difference to the same view just before the fire. Laid over the
smoke-free picture of another camera it is real smoke before a new background ("copy-paste" augmentation:
Ghiasi et al., CVPR 2021, here with the past of the plume, so that references show it as it was).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from detector.training.views import HEIGHT_PX, WIDTH_PX, Boxes, Picture, ViewSequence

LARGEST_SHARE = 0.45
"""Plumes wider or higher than this share of the picture stay where they are."""


@dataclass(frozen=True)
class Plume:
    """One boxed picture of a sequence, and the view before the fire. `box`: x1, y1, x2, y2 in pixels."""

    sequence: ViewSequence
    index: int
    box: tuple[float, float, float, float]
    before: Picture

    def draw(self, rng: np.random.Generator, foot: npt.NDArray[np.int64]) -> Transplanted:
        """Where and how large it stands in the new view: its base at `foot` (x, y px)."""
        scale = float(np.exp(rng.uniform(np.log(0.5), np.log(1.6))))
        return Transplanted(self, int(foot[0]), int(foot[1]), scale, float(rng.uniform(0.75, 1.25)))


@dataclass(frozen=True)
class Transplanted:
    """A plume in its new place; `strength` multiplies what it adds to the view."""

    plume: Plume
    foot_x: int
    foot_y: int
    scale: float
    strength: float

    @property
    def boxes(self) -> Boxes:
        """1 x 5, class smoke, clipped to the picture."""
        x1, y1, x2, y2 = self.plume.box
        half, height = (x2 - x1) / 2 * self.scale, (y2 - y1) * self.scale
        corners = [self.foot_x - half, self.foot_y - height, self.foot_x + half, float(self.foot_y)]
        clipped = np.clip(corners, 0, [WIDTH_PX, HEIGHT_PX, WIDTH_PX, HEIGHT_PX])
        return np.array([[0.0, *clipped]], np.float32)

    def lay_over(self, picture: Picture, gap_s: float) -> Picture:
        """`picture` with the plume as it was `gap_s` earlier; unchanged where it did not burn yet."""
        added = _added(self.plume, gap_s)
        if added is None:
            return picture
        height, width = (max(2, round(side * self.scale)) for side in added.shape[:2])
        added = cv2.resize(added, (width, height), interpolation=cv2.INTER_AREA) * self.strength
        margin = round(_margin_px(self.plume.box) * self.scale)
        x, y = self.foot_x - width // 2, self.foot_y - height + margin
        left, top, right, bottom = max(0, x), max(0, y), min(WIDTH_PX, x + width), min(HEIGHT_PX, y + height)
        if right <= left or bottom <= top:
            return picture
        out = picture.copy()
        part = (
            out[top:bottom, left:right].astype(np.float32) + added[top - y : bottom - y, left - x : right - x]
        )
        out[top:bottom, left:right] = np.clip(part, 0, 255).astype(np.uint8)
        return out


def sources(sequences: Sequence[ViewSequence]) -> list[Plume]:
    """Every boxed smoke of dated sequences that also show their view before the fire."""
    plumes = []
    for sequence in sequences:
        empty = np.nonzero(sequence.empty)[0]
        if sequence.offsets_s is None or len(empty) < 3:
            continue
        before = np.median(sequence.pictures[empty[-5:]], axis=0).astype(np.uint8)
        for index, boxes in enumerate(sequence.boxes):
            for kind, x1, y1, x2, y2 in boxes if boxes is not None else ():
                small = x2 - x1 < LARGEST_SHARE * WIDTH_PX and y2 - y1 < LARGEST_SHARE * HEIGHT_PX
                if kind == 0 and small and index > empty[-1]:
                    plumes.append(
                        Plume(sequence, index, (float(x1), float(y1), float(x2), float(y2)), before)
                    )
    return plumes


def _margin_px(box: tuple[float, float, float, float]) -> int:
    return max(3, round(0.15 * max(box[2] - box[0], box[3] - box[1])))


def _added(plume: Plume, gap_s: float) -> npt.NDArray[np.float32] | None:
    """What the plume added to its view `gap_s` earlier (h x w x 3, soft at the border), or None."""
    sequence = plume.sequence
    assert sequence.offsets_s is not None
    then_s = sequence.offsets_s[plume.index] - gap_s
    index = int(np.argmin(np.abs(sequence.offsets_s - then_s)))
    if sequence.empty[index] or then_s < 0:
        return None
    margin = _margin_px(plume.box)
    x1, y1 = max(0, int(plume.box[0]) - margin), max(0, int(plume.box[1]) - margin)
    x2, y2 = min(WIDTH_PX, int(plume.box[2]) + margin), min(HEIGHT_PX, int(plume.box[3]) + margin)
    now = sequence.pictures[index][y1:y2, x1:x2].astype(np.float32)
    added = now - plume.before[y1:y2, x1:x2].astype(np.float32)
    ring = np.ones(added.shape[:2], bool)
    ring[margin:-margin, margin:-margin] = False
    added -= np.median(added[ring], axis=0)  # the light has changed since, all over the view
    soft = np.zeros(added.shape[:2], np.float32)
    soft[margin // 2 : -(margin // 2) or None, margin // 2 : -(margin // 2) or None] = 1
    soft = cv2.GaussianBlur(soft, (0, 0), max(1.0, margin / 4))
    return np.asarray(added * soft[..., None], np.float32)


def painted_out_decoys(rng: np.random.Generator, picture: Picture) -> Picture:
    """`picture` with a few thin rectangles drawn and painted out again, as burnt-in boxes were."""
    out = picture.copy()
    mask = np.zeros(out.shape[:2], np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        width, height = np.exp(rng.uniform(np.log(12), np.log(200), 2)).astype(int)
        x, y = int(rng.integers(0, out.shape[1])), int(rng.integers(0, out.shape[0]))
        cv2.rectangle(mask, (x, y), (x + int(width), y + int(height)), 255, int(rng.integers(1, 3)))
    return np.asarray(cv2.inpaint(out, mask, 3, cv2.INPAINT_TELEA), np.uint8)
