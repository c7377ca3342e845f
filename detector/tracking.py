"""Which detections of successive looks are the same thing: tracks over time in one view.

Pure: a tuple of tracks and one look in, a tuple of tracks out; the look brings the time. Association is by
place only (boxes of the same class, widened, that overlap), the same at looks half a second and a minute
apart: smoke stays where it is fed, so the place is what survives a minute without a look.

Evidence is kept with the track because it grows by the same step; what it means and when it suffices is
said in `detector.confirmation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from detector.detection import Box, Detection, Label

SAME_PLACE_WIDENING = 1.0  # boxes are compared at twice their size: a plume changes shape within a minute ...
SAME_PLACE_OVERLAP = 0.1  # ... and still meets itself by this IoU
MOST_POINTS = 240  # of one track: the first, then the latest; two minutes of dense looks, hours of patrol


@dataclass(frozen=True)
class TrackPoint:
    """One detection of a track and when its picture was taken."""

    at: datetime
    detection: Detection


@dataclass(frozen=True)
class Track:
    """Detections of one thing over time. `points` are oldest first, never empty.

    `standing` says it was there when watching this view began, as far as anybody can tell.
    `evidence_score_s` is the confirmation evidence in score-seconds; `confirmed_at` is set once it was
    confirmed, or recognised as part of a thing that was confirmed before.
    """

    track_id: int
    label: Label
    points: tuple[TrackPoint, ...]
    standing: bool = False
    evidence_score_s: float = 0.0
    looks_seen: int = 1
    confirmed_at: datetime | None = None

    @property
    def first_seen_at(self) -> datetime:
        return self.points[0].at

    @property
    def last_seen_at(self) -> datetime:
        return self.points[-1].at

    @property
    def box(self) -> Box:
        """Where it was seen last."""
        return self.points[-1].detection.box

    @property
    def confidence(self) -> float:
        """The highest score so far (of the points kept)."""
        return max(point.detection.confidence for point in self.points)

    def seen_for_s(self) -> float:
        return (self.last_seen_at - self.first_seen_at).total_seconds()

    def with_point(self, point: TrackPoint) -> Track:
        points = (*self.points, point)
        if len(points) > MOST_POINTS:
            points = (points[0], *points[-(MOST_POINTS - 1) :])
        return replace(self, points=points, looks_seen=self.looks_seen + 1)


@dataclass(frozen=True)
class TrackStep:
    """What one look did to the tracks: continued ones, new ones, and those not seen in this look."""

    seen: tuple[Track, ...]
    new: tuple[Track, ...]
    unseen: tuple[Track, ...]


def same_place(one: Box, other: Box) -> float:
    """How much two boxes are at one place, 0..1: their overlap (IoU) when both are widened.

    >>> same_place(Box(0, 0, 10, 10), Box(12, 0, 22, 10)) > SAME_PLACE_OVERLAP  # side by side
    True
    >>> same_place(Box(0, 0, 10, 10), Box(40, 0, 50, 10))
    0.0
    """
    return one.widened(SAME_PLACE_WIDENING).iou(other.widened(SAME_PLACE_WIDENING))


def associate(
    tracks: Sequence[Track],
    detections: Sequence[Detection],
    at: datetime,
    *,
    next_id: int,
    standing: bool = False,
) -> TrackStep:
    """Give each detection to the track of its class at the nearest place, or let it open a new track.

    The best overlap is given first; a track takes at most one detection of a look. New tracks are `standing`
    when nobody can tell that their thing was not there before.
    """
    pairs = sorted(
        (
            (-overlap, track_index, detection_index)
            for track_index, track in enumerate(tracks)
            for detection_index, detection in enumerate(detections)
            if detection.label == track.label
            and (overlap := same_place(track.box, detection.box)) >= SAME_PLACE_OVERLAP
        ),
    )
    given: dict[int, int] = {}
    taken: set[int] = set()
    for _, track_index, detection_index in pairs:
        if track_index not in given and detection_index not in taken:
            given[track_index] = detection_index
            taken.add(detection_index)
    free = [detection for index, detection in enumerate(detections) if index not in taken]
    return TrackStep(
        seen=tuple(
            track.with_point(TrackPoint(at, detections[given[index]]))
            for index, track in enumerate(tracks)
            if index in given
        ),
        new=tuple(
            Track(next_id + offset, detection.label, (TrackPoint(at, detection),), standing)
            for offset, detection in enumerate(free)
        ),
        unseen=tuple(track for index, track in enumerate(tracks) if index not in given),
    )


def base_drift(track: Track) -> float:
    """How far the foot of a track moved, in units of its own mean size (0: fixed, 1: by its whole size).

    A plume grows and leans, but its base stays: at least one of its lower corners or the middle of its foot
    keeps its place. Cloud, shadow, dust and vehicles move with all of them. A shift up or down counts half:
    the foot of a box rises when the lowest smoke clears. Compared are the medians of the first and the last
    third of the track, so that one wrong box does not count.

    >>> from datetime import UTC
    >>> def track(*boxes):
    ...     points = [TrackPoint(datetime(2026, 1, 1, 0, m, tzinfo=UTC), Detection("smoke", 0.5, Box(*b)))
    ...               for m, b in enumerate(boxes)]
    ...     return Track(1, "smoke", tuple(points))
    >>> base_drift(track((0, 0, 10, 10), (0, -10, 30, 10)))  # grows up and to the right, left foot fixed
    0.0
    >>> base_drift(track((0, 0, 10, 10), (20, 0, 30, 10)))  # moves as a whole
    2.0
    """
    first, last = _ends(track)
    size_px = sum((box.area_px2**0.5 for box in (*first, *last)), 0.0) / (len(first) + len(last))
    if size_px <= 0:
        return 0.0
    left_px = abs(_median([box.x1 for box in last]) - _median([box.x1 for box in first]))
    right_px = abs(_median([box.x2 for box in last]) - _median([box.x2 for box in first]))
    middle_px = (
        abs(_median([box.x1 + box.x2 for box in last]) - _median([box.x1 + box.x2 for box in first])) / 2
    )
    sideways = min(left_px, right_px, middle_px)
    upwards = abs(_median([box.y2 for box in last]) - _median([box.y2 for box in first]))
    return float((sideways**2 + (upwards / 2) ** 2) ** 0.5 / size_px)


def growth(track: Track) -> float:
    """How many times its first area a track covers now (1: the same), by medians of its first and last third.

    >>> from datetime import UTC
    >>> boxes = [Box(0, 0, 10, 10), Box(0, -10, 10, 10), Box(0, -30, 10, 10)]
    >>> points = [TrackPoint(datetime(2026, 1, 1, 0, m, tzinfo=UTC), Detection("smoke", 0.5, b))
    ...           for m, b in enumerate(boxes)]
    >>> growth(Track(1, "smoke", tuple(points)))
    4.0
    """
    first, last = _ends(track)
    before = _median([box.area_px2 for box in first])
    return _median([box.area_px2 for box in last]) / before if before > 0 else 1.0


def _ends(track: Track) -> tuple[list[Box], list[Box]]:
    """Boxes of the first and of the last third of a track (each at least one)."""
    third = max(1, len(track.points) // 3)
    boxes = [point.detection.box for point in track.points]
    return boxes[:third], boxes[-third:]


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
