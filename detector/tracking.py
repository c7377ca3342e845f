"""Which detections of successive looks are the same thing: tracks over time in one view.

Pure: a tuple of tracks and one look in, a tuple of tracks out; the look brings the time. Association is by
place only, the same at looks half a second and a minute apart: smoke stays where it is fed, so the place is
what survives a minute without a look. A track goes on where boxes of its class, widened, overlap, or where
the new box covers the old one, for smoke grows tenfold within a minute.

Evidence is kept with the track because it grows by the same step; what it means and when it suffices is
said in `detector.confirmation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from detector.detection import Box, Detection, Label

SAME_PLACE_WIDENING = 1.0  # boxes are compared at twice their size: a plume changes shape within a minute ...
SAME_PLACE_OVERLAP = 0.1  # ... and still meets itself by this IoU
STILL_COVERED = 0.5  # what stood there is seen again where at least this share of its box is covered
MOST_POINTS = 240  # of one track; beyond that its past is thinned evenly by time, first and last are kept


@dataclass(frozen=True)
class TrackPoint:
    """One detection of a track, when its picture was taken, and the evidence it was (score-seconds, >= 0)."""

    at: datetime
    detection: Detection
    evidence_score_s: float = 0.0


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
        points = _thinned((*self.points, point))
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

    A track takes at most one detection of a look: the one that is most at its place *and* most like smoke
    (overlap times score, largest first). By overlap alone a faint box on part of a plume would take the
    plume's track, and the plume itself open a new one.

    New tracks are `standing` when nobody can tell that their thing was not there before. Such a track goes on
    only where its thing is seen again, whole or grown, not with what appears beside or in front of it; a
    second box around the same thing is standing as well.
    """
    pairs = sorted(
        (
            (-overlap * detection.confidence, track_index, detection_index)
            for track_index, track in enumerate(tracks)
            for detection_index, detection in enumerate(detections)
            if detection.label == track.label
            and (overlap := same_place(track.box, detection.box)) > 0
            and (
                still_covers(detection.box, track.box)
                or (overlap >= SAME_PLACE_OVERLAP and not track.standing)
            )
        ),
    )
    given: dict[int, int] = {}
    taken: set[int] = set()
    for _, track_index, detection_index in pairs:
        if track_index not in given and detection_index not in taken:
            given[track_index] = detection_index
            taken.add(detection_index)
    free = [detection for index, detection in enumerate(detections) if index not in taken]

    def stood(new: Detection) -> bool:
        """Whether it is a second box around something that stood there."""
        return any(t.standing and t.label == new.label and still_covers(new.box, t.box) for t in tracks)

    return TrackStep(
        seen=tuple(
            track.with_point(TrackPoint(at, detections[given[index]]))
            for index, track in enumerate(tracks)
            if index in given
        ),
        new=tuple(
            Track(next_id + offset, new.label, (TrackPoint(at, new),), standing or stood(new))
            for offset, new in enumerate(free)
        ),
        unseen=tuple(track for index, track in enumerate(tracks) if index not in given),
    )


def still_covers(box: Box, before: Box) -> bool:
    """Whether what was at `before` can still be seen in `box`, however much it has grown.

    >>> small, grown = Box(20, 90, 50, 120), Box(20, 0, 130, 120)
    >>> still_covers(grown, small), still_covers(small, grown)
    (True, False)
    """
    return box.intersection_px2(before) >= STILL_COVERED * before.area_px2


def base_drift(track: Track) -> float:
    """How far the foot of a track moved, in units of its own mean size (0: fixed, 1: by its whole size).

    A plume grows and leans, but its base stays: at least one of its lower corners or the middle of its foot
    keeps its place. Cloud, shadow, dust and vehicles move with all of them. A shift up or down counts half:
    the foot of a box rises when the lowest smoke clears. Compared are the medians of the first and the last
    third of what speaks for smoke in it, so that one wrong box does not count, nor a faint one from before.

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
    size_px = (_mean_size_px(first) + _mean_size_px(last)) / 2
    if size_px <= 0:
        return 0.0
    left_px, right_px, middle_px, up_px = (
        abs(_median(last, edge) - _median(first, edge))
        for edge in (
            lambda box: box.x1,
            lambda box: box.x2,
            lambda box: (box.x1 + box.x2) / 2,
            lambda box: box.y2,
        )
    )
    sideways_px = min(left_px, right_px, middle_px)
    return float((sideways_px**2 + (up_px / 2) ** 2) ** 0.5 / size_px)


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
    before_px2 = _median(first, lambda box: box.area_px2)
    return _median(last, lambda box: box.area_px2) / before_px2 if before_px2 > 0 else 1.0


_Weighed = list[tuple[float, Box]]


def _ends(track: Track) -> tuple[_Weighed, _Weighed]:
    """The first and the last third of a track (each at least one box), with weights.

    Thirds of its evidence where two looks or more were any: the same at looks a second and a minute apart,
    and what was seen faintly here before the smoke began does not say where its foot is. Else thirds of its
    time. One look is never both first and last, lest a single strong one bear out itself.
    """
    speaking = [(point.evidence_score_s, point.detection.box) for point in track.points]
    speaking = [(weight, box) for weight, box in speaking if weight > 0]
    if len(speaking) < 2:
        third_of_time = (track.last_seen_at - track.first_seen_at) / 3
        return (
            _by_score(p for p in track.points if p.at - track.first_seen_at <= third_of_time),
            _by_score(p for p in track.points if track.last_seen_at - p.at <= third_of_time),
        )
    third = sum(weight for weight, _ in speaking) / 3
    first, last = _head(speaking, third), _head(speaking[::-1], third)
    if len(first) + len(last) <= len(speaking):
        return first, last
    return (first[:-1], last) if len(first) > 1 else (first, last[:-1])


def _by_score(points: Iterable[TrackPoint]) -> _Weighed:
    return [(point.detection.confidence, point.detection.box) for point in points]


def _head(weighed: _Weighed, weight: float) -> _Weighed:
    """The first boxes, as many as make up `weight`; of the last of them only the part that is missing."""
    head: _Weighed = []
    for own, box in weighed:
        head.append((min(own, weight), box))
        weight -= own
        if weight <= 0:
            break
    return head


def _median(weighed: _Weighed, value: Callable[[Box], float]) -> float:
    """The weighted median of a value of boxes."""
    ordered = sorted((value(box), weight) for weight, box in weighed)
    half = sum(weight for _, weight in ordered) / 2
    for number, weight in ordered:
        half -= weight
        if half <= 0:
            return number
    return ordered[-1][0]


def _mean_size_px(weighed: _Weighed) -> float:
    return sum((box.area_px2**0.5 for _, box in weighed), 0.0) / len(weighed)


def _thinned(points: tuple[TrackPoint, ...]) -> tuple[TrackPoint, ...]:
    """At most `MOST_POINTS` of them; where there are more, about half, evenly over time, with both ends.

    The evidence of a point that goes is added to the one kept before it: none is lost.
    """
    if len(points) <= MOST_POINTS:
        return points
    gap = (points[-1].at - points[0].at) / (MOST_POINTS / 2)
    kept = [points[0]]
    for point in points[1:-1]:
        if point.at - kept[-1].at >= gap:
            kept.append(point)
        else:
            evidence_score_s = kept[-1].evidence_score_s + point.evidence_score_s
            kept[-1] = replace(kept[-1], evidence_score_s=evidence_score_s)
    return (*kept, points[-1])
