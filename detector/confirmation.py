"""When a track becomes a sighting. The policy, in words:

1. **Evidence is score over time, not a count of looks.** Each look at which a track is seen again adds
   (score - `reference_score`) x seconds since the look before; each look at which it is not seen takes
   `reference_score` x seconds away; evidence never falls below zero. This is Page's cumulative-sum test for
   the onset of a change, and means the same at two looks a second and one a minute. One look answers for at
   most `longest_vouch_s` seconds, so that two chance hits a minute apart are not a minute of smoke.
2. **Strong smoke quickly, weak smoke with patience.** A track is confirmed when its evidence reaches
   `evidence_to_confirm_score_s`, it has been seen in at least `least_looks` looks and for at least
   `persistence_s` seconds, and its base has stayed where it was while that evidence came in: moved by at
   most `greatest_drift` of its size (a plume stands on its fire; clouds, shadows and vehicles move). Or,
   with the same base and looks, when it has lasted for `lasting_s` and its *place* holds
   `lasting_evidence_score_s`: the same sum against the lower `lasting_reference_score` and against what is
   usual at that place (`detector.place_evidence`).
3. **What stood there when watching began is not new.** A track that opened before the view had been watched
   for `familiar_s` (a chimney, a haze bank, after a start or a cut) is confirmed only once it has grown to
   `standing_growth` times its first area: a fire that was already burning grows, the furniture does not.
4. **One cause at one place is one sighting.** A new track that meets (boxes widened by half) a cause that was
   confirmed before belongs to it, whatever its class; the cause counts anew after `same_cause_s` without it.
5. A track without a detection for `forget_s` ends, one of what stood there after `same_cause_s`. Bad pictures
   are no evidence either way.
6. A camera is suspicious while an unconfirmed track younger than `suspicion_s` holds evidence: the worker
   then looks densely, so that a real fire is confirmed within `persistence_s` to 20 s.

Not for: what is smoke (the network) and what is one fire seen by several cameras (alerting). The figures
of a policy belong to a network and stand with it in models/registry.yaml; those here are the fallback.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from detector.detection import Box, Detection, Look, Sighting
from detector.place_evidence import PlaceEvidence
from detector.tracking import Track, associate, base_drift, growth

MEETING_WIDENING = 0.5  # boxes meet when they touch at one and a half times their size, as evaluation counts


@dataclass(frozen=True)
class Policy:
    """The figures of the policy above; see the module's text for what each does.

    `candidate_score` is the weakest detection a track may be built from. It may be below
    `reference_score`: such a detection keeps a track alive while taking less evidence away than a miss.
    """

    candidate_score: float = 0.15
    reference_score: float = 0.25
    evidence_to_confirm_score_s: float = 6.0
    longest_vouch_s: float = 30.0
    least_looks: int = 2
    persistence_s: float = 10.0
    greatest_drift: float = 0.25  # finds on val cameras and rendered fires <= 0.16; dust and cloud 0.26-0.83
    familiar_s: float = 10.0  # before that a view has no reference picture at all
    standing_growth: float = 1.5
    forget_s: float = 150.0
    same_cause_s: float = 600.0
    suspicion_s: float = 120.0
    lasting_reference_score: float = 0.15
    lasting_evidence_score_s: float = 15.0
    lasting_s: float = 110.0  # three looks at one a minute, which is never quite a minute
    lasting_ceiling_score_s: float = 90.0  # an ended fire is forgotten after this / reference seconds


@dataclass(frozen=True)
class Cause:
    """Something confirmed at one place: its box then, its latest box, and when it was last seen."""

    confirmed_box: Box
    latest_box: Box
    last_seen_at: datetime

    def is_at(self, box: Box) -> bool:
        return meets(self.confirmed_box, box) or meets(self.latest_box, box)


@dataclass(frozen=True)
class Verdict:
    """What one look led to: all living tracks, the newly confirmed ones, and whether to look densely.

    `evidence_score_s` is the strongest lasting evidence at any place of the view: whether it shows smoke,
    judged from this look and earlier ones.
    """

    tracks: tuple[Track, ...]
    confirmed: tuple[Track, ...]
    suspicious: bool
    evidence_score_s: float = 0.0


def meets(one: Box, other: Box) -> bool:
    """Whether two boxes touch, both widened by half.

    >>> meets(Box(0, 0, 10, 10), Box(14, 0, 24, 10)), meets(Box(0, 0, 10, 10), Box(16, 0, 26, 10))
    (True, False)
    """
    return one.widened(MEETING_WIDENING).intersection_px2(other.widened(MEETING_WIDENING)) > 0


class Confirmer:
    """Follows one view of `frame_size_px` and says when a track is confirmed. No clock, no randomness.

    >>> from datetime import UTC
    >>> smoke = Detection("smoke", 0.6, Box(100, 100, 120, 130))
    >>> start = datetime(2026, 1, 1, tzinfo=UTC)
    >>> confirmer = Confirmer(Policy(), (640, 480))
    >>> looks = [[], [], [smoke], [smoke], [smoke]]
    >>> [len(confirmer.advance(start + timedelta(minutes=m), seen).confirmed) for m, seen in enumerate(looks)]
    [0, 0, 0, 1, 0]
    """

    def __init__(self, policy: Policy, frame_size_px: tuple[int, int]) -> None:
        self.policy = policy
        self._places = PlaceEvidence(
            frame_size_px,
            reference_score=policy.lasting_reference_score,
            ceiling_score_s=policy.lasting_ceiling_score_s,
        )
        self._next_id = 1
        self.reset()

    def reset(self) -> None:
        """Forget everything: the view or the footage is another one."""
        self._tracks: tuple[Track, ...] = ()
        self._causes: tuple[Cause, ...] = ()
        self._last_look_at: datetime | None = None
        self._watched_since: datetime | None = None
        self._places.reset()

    def advance(self, at: datetime, detections: Sequence[Detection]) -> Verdict:
        """Take in the detections of one look. A look from before the last one starts the view anew."""
        if self._last_look_at is not None and at < self._last_look_at:
            self.reset()
        policy = self.policy
        candidates = [d for d in detections if d.confidence >= policy.candidate_score]
        self._watched_since = self._watched_since or at
        watched_s = ((self._last_look_at or at) - self._watched_since).total_seconds()
        elapsed_s = 0.0 if self._last_look_at is None else (at - self._last_look_at).total_seconds()
        vouched_s = min(elapsed_s, policy.longest_vouch_s)
        self._last_look_at = at

        living = [track for track in self._tracks if not self._is_forgotten(track, at)]
        step = associate(
            living, candidates, at, next_id=self._next_id, standing=watched_s < policy.familiar_s
        )
        self._next_id += len(step.new)
        self._places.advance(at, candidates, vouched_s)
        seen = [
            _judged(track, score_together(track.points[-1].detection, candidates), policy, vouched_s)
            for track in (*step.seen, *step.new)
        ]
        unseen = [_with_evidence(track, -policy.reference_score * vouched_s) for track in step.unseen]

        self._causes = tuple(
            cause
            for cause in self._causes
            if at - cause.last_seen_at <= timedelta(seconds=policy.same_cause_s)
        )
        settled: list[Track] = []
        confirmed: list[Track] = []
        for track in sorted(seen, key=lambda track: -track.evidence_score_s):
            settled.append(self._settle(track, at, confirmed))
        self._tracks = tuple(sorted([*settled, *unseen], key=lambda track: track.track_id))
        return Verdict(
            self._tracks,
            tuple(confirmed),
            any(self._raises_suspicion(t, at) for t in self._tracks),
            self._places.strongest_score_s,
        )

    def _is_forgotten(self, track: Track, at: datetime) -> bool:
        forget_s = self.policy.same_cause_s if track.standing else self.policy.forget_s
        return (at - track.last_seen_at).total_seconds() > forget_s

    def _settle(self, track: Track, at: datetime, confirmed: list[Track]) -> Track:
        """The track after it was compared with known causes and with the policy."""
        known = next((i for i, cause in enumerate(self._causes) if cause.is_at(track.box)), None)
        if known is not None:
            causes = list(self._causes)
            causes[known] = replace(causes[known], latest_box=track.box, last_seen_at=at)
            self._causes = tuple(causes)
            return track if track.confirmed_at is not None else replace(track, confirmed_at=at)
        lasting_score_s = self._places.at(track.label, track.box)
        if track.confirmed_at is None and is_confirmed(track, self.policy, lasting_score_s):
            track = replace(track, confirmed_at=at)
            confirmed.append(track)
            self._causes = (*self._causes, Cause(track.box, track.box, at))
        return track

    def _raises_suspicion(self, track: Track, at: datetime) -> bool:
        return (
            track.confirmed_at is None
            and (track.evidence_score_s > 0 or (track.last_seen_at == at and self._is_strong(track)))
            and (at - track.first_seen_at).total_seconds() <= self.policy.suspicion_s
        )

    def _is_strong(self, track: Track) -> bool:
        return track.points[-1].detection.confidence >= self.policy.reference_score


def is_confirmed(track: Track, policy: Policy, lasting_score_s: float = 0.0) -> bool:
    """Rules 2 and 3 of the policy, for a track that no known cause explains."""
    strong = track.evidence_score_s >= policy.evidence_to_confirm_score_s
    lasting = lasting_score_s >= policy.lasting_evidence_score_s and track.seen_for_s() >= policy.lasting_s
    return (
        (strong or lasting)
        and track.looks_seen >= policy.least_looks
        and track.seen_for_s() >= policy.persistence_s
        and base_drift(track) <= policy.greatest_drift
        and (not track.standing or growth(track) >= policy.standing_growth)
    )


def sighting_of(track: Track, look: Look, *, policy: Policy, profile: str) -> Sighting:
    """The sighting a just confirmed track makes; its id follows from place and times alone."""
    history = tuple((point.at, point.detection) for point in track.points)
    quickly = track.evidence_score_s >= policy.evidence_to_confirm_score_s
    patience = "" if quickly else f", but lasting smoke at its place for {policy.lasting_s:.0f} s"
    return Sighting(
        sighting_id=_content_id(track, look),
        camera_id=look.camera_id,
        preset=look.preset,
        label=track.label,
        confidence=track.confidence,
        first_seen_at=track.first_seen_at,
        confirmed_at=look.captured_at,
        box=track.box,
        width_px=look.width_px,
        height_px=look.height_px,
        history=history,
        model_id=look.model_id,
        profile=profile,
        reason=(
            f"{track.label} at one place in {track.looks_seen} looks over {track.seen_for_s():.0f} s, score "
            f"{track.points[-1].detection.confidence:.2f} (highest {track.confidence:.2f}); evidence "
            f"{track.evidence_score_s:.1f} of {policy.evidence_to_confirm_score_s:.1f} score-seconds"
            f"{patience}; base moved {base_drift(track):.2f} of its size "
            f"(at most {policy.greatest_drift:.2f})"
        ),
        probability=max((d.probability for _, d in history if d.probability is not None), default=None),
    )


def score_together(detection: Detection, beside: Iterable[Detection]) -> float:
    """Its score; with a weaker detection of the other class at its place, the chance of either.

    >>> flames = Detection("fire", 0.4, Box(50, 90, 60, 100))
    >>> smoke = Detection("smoke", 0.25, Box(0, 0, 90, 100))
    >>> round(score_together(flames, [flames, smoke]), 2), score_together(smoke, [flames, smoke])
    (0.55, 0.25)
    """
    other = max((one.confidence for one in beside if _is_other_class_there(detection, one)), default=0.0)
    if other > detection.confidence:
        return detection.confidence  # or a hint of flames in strong smoke would be reported as fire
    return 1 - (1 - detection.confidence) * (1 - other)


def _is_other_class_there(detection: Detection, other: Detection) -> bool:
    """Whether the larger part of the smaller box lies in the other one."""
    return other.label != detection.label and detection.box.share_of_smaller(other.box) > 0.5


def _judged(track: Track, score: float, policy: Policy, vouched_s: float) -> Track:
    """The track with the evidence of its latest look; a look that opens a track is no evidence yet."""
    point = track.points[-1]
    change_score_s = (score - policy.reference_score) * vouched_s
    point = replace(point, evidence_score_s=max(0.0, change_score_s))
    track = replace(track, points=(*track.points[:-1], point))
    return _with_evidence(track, change_score_s if track.looks_seen > 1 else 0.0)


def _with_evidence(track: Track, change_score_s: float) -> Track:
    return replace(track, evidence_score_s=max(0.0, track.evidence_score_s + change_score_s))


def _content_id(track: Track, look: Look) -> str:
    parts = [look.camera_id, look.preset or "", track.label, look.captured_at.isoformat()]
    for point in track.points:
        box = point.detection.box
        parts.append(f"{point.at.isoformat()} {box.x1:.0f} {box.y1:.0f} {box.x2:.0f} {box.y2:.0f}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
