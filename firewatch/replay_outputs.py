"""What a replay writes: an annotated MP4, events.json, and the snapshots of sightings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import cv2

from detector.annotate import CHINA_TIME, annotated, to_jpeg
from detector.detection import Box, Detection, Sighting
from detector.errors import FootageError
from detector.pipeline import LookResult
from streams.frame import Frame, Image
from streams.recorded import FOOTAGE_EPOCH

TICKS_A_SECOND = 90_000
WIDEST_VIDEO_PX = 1920
MOST_PICTURES_A_SECOND = 15.0
SLIDE_S = 0.25  # a folder with a picture a minute is shown as a slide show, four pictures a second
LONGEST_PAUSE_S = 5.0  # pictures further apart than this are a slide show


class AnnotatedVideo:
    """An H.264 MP4 of the footage with boxes and a caption. A context manager: leaving finishes the file."""

    def __init__(self, path: Path, camera_name: str, *, time_zone: tzinfo = CHINA_TIME) -> None:
        self.path = path
        self._camera_name = camera_name
        self._time_zone = time_zone
        self._container: av.container.OutputContainer | None = None
        self._stream: av.video.stream.VideoStream | None = None
        self._last_s: float | None = None
        self._shown_s = 0.0
        self._confirmed = 0

    def __enter__(self) -> Self:
        self._container = av.open(str(self.path), "w", options={"movflags": "+faststart"})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        container, stream = self._container, self._stream
        self._container = None
        if container is None:
            return
        if stream is not None and kind is None:
            container.mux(stream.encode(None))
        container.close()

    def look(self, frame: Frame, footage_s: float, result: LookResult) -> None:
        del frame, footage_s
        self._confirmed += len(result.sightings)

    def frame(self, frame: Frame, footage_s: float, latest: LookResult | None) -> None:
        """Draw and encode, unless the last picture was shown too shortly ago."""
        step_s = None if self._last_s is None else footage_s - self._last_s
        if step_s is not None and step_s < 1 / MOST_PICTURES_A_SECOND - 1e-3:
            return
        if step_s is not None:
            self._shown_s += SLIDE_S if step_s > LONGEST_PAUSE_S else step_s
        self._last_s = footage_s
        self._encode(_at_most(self._drawn(frame, footage_s, latest), WIDEST_VIDEO_PX))

    def _drawn(self, frame: Frame, footage_s: float, latest: LookResult | None) -> Image:
        state = f"  已确认 {self._confirmed}" if self._confirmed else ""
        if latest is not None and latest.look.bad_picture is not None:
            state += f"  图像异常: {latest.look.bad_picture}"
        elif latest is not None and latest.suspicious:
            state += "  可疑, 加密巡视"
        detections = latest.look.detections if latest else ()
        shown = {detection.box for detection in detections}  # no track that lives on faint scores only
        return annotated(
            frame.image,
            detections=detections,
            tracks=[track for track in latest.tracks if track.box in shown] if latest else (),
            caption=f"{self._camera_name}  {_clock(frame.captured_at, footage_s, self._time_zone)}{state}",
        )

    def _encode(self, image: Image) -> None:
        if self._container is None:
            raise RuntimeError("open the video first: `with video: ...`")
        height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
        if self._stream is None:
            self._stream = self._container.add_stream("libx264", rate=25)
            self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "yuv420p"
            self._stream.codec_context.time_base = Fraction(1, TICKS_A_SECOND)
            self._stream.options = {"crf": "23", "preset": "veryfast"}
        elif (self._stream.width, self._stream.height) != (width, height):
            image = cv2.resize(image, (self._stream.width, self._stream.height))
            height, width = image.shape[:2]
        picture = av.VideoFrame.from_ndarray(image[:height, :width], format="bgr24")
        picture.pts = round(self._shown_s * TICKS_A_SECOND)
        picture.time_base = Fraction(1, TICKS_A_SECOND)
        self._container.mux(self._stream.encode(picture))


class EventLog:
    """Collects sightings and spells of bad pictures; `write` makes events.json, the same bytes each time."""

    def __init__(self, snapshots: Path) -> None:
        self._snapshots = snapshots
        self._events: list[dict[str, Any]] = []
        self._bad: dict[str, Any] | None = None

    def frame(self, frame: Frame, footage_s: float, latest: LookResult | None) -> None:
        """Nothing: events come from looks."""

    def look(self, frame: Frame, footage_s: float, result: LookResult) -> None:
        self._note_bad_picture(footage_s, result)
        for sighting in result.sightings:
            self._write_snapshots(frame, sighting)
            self._events.append(
                {"event": "sighting", "footage_s": round(footage_s, 3), **sighting_as_json(sighting)}
            )

    def write(self, path: Path, heading: Mapping[str, Any]) -> None:
        """Write `heading` and all events."""
        document = {**heading, "events": self._events}
        path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")

    def _note_bad_picture(self, footage_s: float, result: LookResult) -> None:
        reason = result.look.bad_picture
        if reason is None:
            self._bad = None
            return
        if self._bad is None or self._bad["reason"] != reason:
            self._bad = {
                "event": "bad_picture",
                "footage_s": round(footage_s, 3),
                "reason": reason,
                "looks": 0,
            }
            self._events.append(self._bad)
        self._bad["looks"] += 1
        self._bad["until_footage_s"] = round(footage_s, 3)

    def _write_snapshots(self, frame: Frame, sighting: Sighting) -> None:
        self._snapshots.mkdir(parents=True, exist_ok=True)
        plain = self._snapshots / f"{sighting.sighting_id}.jpg"
        plain.write_bytes(to_jpeg(frame.image))
        plain.with_suffix(".boxed.jpg").write_bytes(to_jpeg(annotated(frame.image, sightings=[sighting])))


def sighting_as_json(sighting: Sighting) -> dict[str, Any]:
    """A sighting in plain values; times in ISO 8601, boxes as [x1, y1, x2, y2] in pixels."""
    return {
        "sighting_id": sighting.sighting_id,
        "camera_id": sighting.camera_id,
        "preset": sighting.preset,
        "label": sighting.label,
        "confidence": sighting.confidence,
        "first_seen_at": sighting.first_seen_at.isoformat(),
        "confirmed_at": sighting.confirmed_at.isoformat(),
        "box": _edges(sighting.box),
        "width_px": sighting.width_px,
        "height_px": sighting.height_px,
        "reason": sighting.reason,
        "history": [_point(at, detection) for at, detection in sighting.history],
    }


def _point(at: datetime, detection: Detection) -> dict[str, Any]:
    return {"at": at.isoformat(), "confidence": detection.confidence, "box": _edges(detection.box)}


def _edges(box: Box) -> list[float]:
    return [box.x1, box.y1, box.x2, box.y2]


def _clock(captured_at: datetime, footage_s: float, time_zone: tzinfo) -> str:
    """Local time; plain footage time where the footage has no clock."""
    if captured_at - FOOTAGE_EPOCH < timedelta(days=365):
        return f"{int(footage_s) // 60:02d}:{footage_s % 60:04.1f}"
    return f"{captured_at.astimezone(time_zone):%Y-%m-%d %H:%M:%S}"


def _at_most(image: Image, width_px: int) -> Image:
    if image.shape[1] <= width_px:
        return image
    height_px = round(image.shape[0] * width_px / image.shape[1])
    return cv2.resize(image, (width_px, height_px), interpolation=cv2.INTER_AREA)  # type: ignore[no-any-return]


def prepare_folder(out: Path) -> Path:
    """The output folder, made where missing. Raises FootageError when it cannot be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FootageError(f"--out {out}: cannot be made ({error.strerror})") from None
    return out
