"""Which parts of a large picture are looked at in its own resolution, and when.

A plume of three pixels in a look of 640 px is nine pixels wide in the picture of a 1080p camera. Pictures
much wider than a look are therefore cut into tiles along the band where far ground lies: just beneath the
skyline, where a small plume stands. The whole picture is looked at every time; on patrol one tile joins it
every `ROTATION_S` seconds, in turn, by the clock of the frames; under suspicion those tiles join every look
that hold what is suspected.

Off unless a deployment asks for them (`detector.tiles`): with the shipped weights one rendered scene of cloud
and fog raised a false sighting that the whole look does not raise (docs/experiments.md).

Not for: looking (`detector.looker`), deciding what is suspicious (`detector.confirmation`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from detector.detection import Box, Detection
from detector.footing import Ground

ROTATION_S = 12.0
"""At a patrol of 2 s every sixth look has a tile: a sixth more work."""
LEAST_GAIN = 1.5  # below this a tile shows hardly more than the look does
MOST_TILES = 4  # wider pictures get tiles of less than their own resolution: a dense look stays affordable
SKYLINE_SHARE = 0.35  # of a tile's height lies above the skyline: plumes rise
UNKNOWN_SKYLINE = 0.45  # of the picture's height, where the ground is not known yet
MOVED_SHARE = 0.25  # of a tile's height the skyline must be found elsewhere before the tile follows
HOLDS_SHARE = 0.7  # of the smaller box inside the larger one: seen twice


@dataclass(frozen=True)
class Tile:
    """A part of the picture, in its pixels."""

    left: int
    top: int
    width_px: int
    height_px: int

    @property
    def box(self) -> Box:
        return Box(self.left, self.top, self.left + self.width_px, self.top + self.height_px)

    def in_picture(self, detection: Detection) -> Detection:
        """A detection of this tile (pixels of the tile) in pixels of the whole picture."""
        box, dx, dy = detection.box, self.left, self.top
        return replace(detection, box=Box(box.x1 + dx, box.y1 + dy, box.x2 + dx, box.y2 + dy))


def tiles_of(
    picture_px: tuple[int, int], look_px: tuple[int, int], ground: Ground | None = None
) -> tuple[Tile, ...]:
    """The tiles of a picture (sizes are width, height), side by side along the skyline; none for small ones.

    >>> [(t.left, t.top, t.width_px, t.height_px) for t in tiles_of((1920, 1080), (640, 352))]
    [(0, 363, 640, 352), (640, 363, 640, 352), (1280, 363, 640, 352)]
    >>> tiles_of((640, 480), (640, 480))
    ()
    """
    if picture_px[0] < LEAST_GAIN * look_px[0]:
        return ()
    count = min(MOST_TILES, -(-picture_px[0] // look_px[0]))
    width = max(look_px[0], -(-picture_px[0] // count))
    height = min(picture_px[1], round(width * look_px[1] / look_px[0]))
    lefts = [round(index * (picture_px[0] - width) / max(1, count - 1)) for index in range(count)]
    return tuple(Tile(left, _top(left, width, height, picture_px, ground), width, height) for left in lefts)


def _top(left: int, width: int, height: int, picture_px: tuple[int, int], ground: Ground | None) -> int:
    skyline = UNKNOWN_SKYLINE * picture_px[1]
    if ground is not None:
        columns = ground.shape[1] / picture_px[0]
        part = ground[:, int(left * columns) : max(1, int((left + width) * columns))]
        skyline = _first_ground_row(part) / ground.shape[0] * picture_px[1]
    return round(min(max(0.0, skyline - SKYLINE_SHARE * height), picture_px[1] - height))


def _first_ground_row(ground: npt.NDArray[np.float32]) -> float:
    """The row of cells where the ground begins, by the median of the columns."""
    is_ground = ground > 0.5
    first = np.where(is_ground.any(axis=0), is_ground.argmax(axis=0), ground.shape[0] * UNKNOWN_SKYLINE)
    return float(np.median(first))


class Rotation:
    """The tiles of one view and whose turn it is. Time comes with the calls."""

    def __init__(self) -> None:
        self.tiles: tuple[Tile, ...] = ()
        self._next = 0
        self._due_at: datetime | None = None

    def follow(self, tiles: tuple[Tile, ...]) -> None:
        """Take new tiles where their number changed or the skyline was found elsewhere; else keep those."""
        near = len(tiles) == len(self.tiles) and all(
            abs(new.top - old.top) <= MOVED_SHARE * old.height_px
            and (new.width_px, new.height_px) == (old.width_px, old.height_px)
            for new, old in zip(tiles, self.tiles, strict=True)
        )
        if not near:
            self.tiles = tiles
            self._next = 0

    def turn(self, at: datetime, suspected: Sequence[Box]) -> tuple[int, ...]:
        """Indices of the tiles to look at now: those that hold a suspected box, and one in its turn.

        >>> from datetime import UTC
        >>> rotation = Rotation()
        >>> rotation.follow(tiles_of((1920, 1080), (640, 352)))
        >>> start = datetime(2026, 1, 1, tzinfo=UTC)
        >>> [rotation.turn(start + timedelta(seconds=s), ()) for s in (0, 6, 12, 24, 36)]
        [(0,), (), (1,), (2,), (0,)]
        >>> rotation.turn(start + timedelta(seconds=38), [Box(700, 400, 720, 420)])
        (1,)
        """
        if not self.tiles:
            return ()
        wanted = {
            index
            for index, tile in enumerate(self.tiles)
            if any(tile.box.intersection_px2(box) > 0 for box in suspected)
        }
        if self._due_at is None or at >= self._due_at or at < self._due_at - timedelta(seconds=ROTATION_S):
            self._due_at = at + timedelta(seconds=ROTATION_S)
            wanted.add(self._next % len(self.tiles))
            self._next = (self._next + 1) % len(self.tiles)
        return tuple(sorted(wanted))


def merged(detections: Sequence[Detection], overlap_limit: float) -> tuple[Detection, ...]:
    """Detections of several parts of one picture, strongest first, what was seen twice kept once.

    >>> once = Detection("smoke", 0.6, Box(0, 0, 100, 100))
    >>> again = Detection("smoke", 0.4, Box(10, 10, 40, 60))
    >>> merged([again, once], 0.5) == (once,)
    True
    """
    kept: list[Detection] = []
    for detection in sorted(detections, key=lambda d: -d.confidence):
        if not any(_same(detection, other, overlap_limit) for other in kept):
            kept.append(detection)
    return tuple(kept)


def _same(one: Detection, other: Detection, overlap_limit: float) -> bool:
    if one.label != other.label:
        return False
    smaller = min(one.box.area_px2, other.box.area_px2)
    held = one.box.intersection_px2(other.box) / smaller if smaller > 0 else 1.0
    return held > HOLDS_SHARE or one.box.iou(other.box) > overlap_limit
