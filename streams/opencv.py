"""The second decoder: OpenCV's VideoCapture on FFmpeg, for cameras PyAV cannot read.

It decodes every picture, knows neither packets nor sender reports nor footage marks; the capture time is
the time of arrival. `CAP_FFMPEG` with both time-outs in the constructor, or it blocks for ever.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from types import TracebackType
from typing import Self

import cv2

from config import SecretSource
from streams.capture_clock import CaptureClock
from streams.errors import BadPicture, SourceTimeout, SourceUnreachable
from streams.frame import Frame
from streams.picture import to_bgr8
from streams.source import Arrival, Ready, SourceCounts

os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # its messages repeat the URL with its password


class OpenCvSource:
    """Frames of a live camera (or a file, at full speed) through cv2.VideoCapture."""

    def __init__(
        self,
        url: SecretSource,
        camera_id: str,
        *,
        open_timeout_s: float = 10.0,
        read_timeout_s: float = 10.0,
        wanted_interval_s: float = 2.0,
        clock: CaptureClock | None = None,
        sequence: Iterator[int] | None = None,
    ) -> None:
        self.camera_id = camera_id
        self.wanted_interval_s = wanted_interval_s
        self.counts = SourceCounts()
        self.clock = clock or CaptureClock()
        self._url = url
        self._open_timeout_s = open_timeout_s
        self._read_timeout_s = read_timeout_s
        self._sequence = sequence or count(1)
        self._capture: cv2.VideoCapture | None = None

    def __enter__(self) -> Self:
        level = cv2.utils.logging.getLogLevel()
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        try:
            capture = cv2.VideoCapture(
                self._url.reveal(),
                cv2.CAP_FFMPEG,
                [
                    cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
                    round(self._open_timeout_s * 1000),
                    cv2.CAP_PROP_READ_TIMEOUT_MSEC,
                    round(self._read_timeout_s * 1000),
                ],
            )
        finally:
            cv2.utils.logging.setLogLevel(level)
        if not capture.isOpened():
            capture.release()
            raise SourceUnreachable(
                f"{self._url} cannot be opened (OpenCV does not say why; try 'decoder: pyav' to learn more)"
            )
        self._capture = capture
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def arrivals(self) -> Iterator[Arrival]:
        return map(Ready, self.frames())

    def abandon(self) -> None:
        """Nothing to do: what comes late is dropped by the reader."""

    def frames(self) -> Iterator[Frame]:
        if self._capture is None:
            raise RuntimeError("open the source first: `with source: ...`")
        last_given: datetime | None = None
        while self._capture.grab():
            self.counts.packets += 1
            self.counts.last_packet_at = arrived_at = datetime.now(UTC)
            self.counts.last_packet_s = time.monotonic()
            captured_at = self.clock.stamp(None, arrived_at)
            if (
                last_given is not None
                and (captured_at - last_given).total_seconds() < self.wanted_interval_s / 2
            ):
                continue  # grabbed, so that nothing piles up; not converted, since nobody wants it
            found, picture = self._capture.retrieve()
            self.counts.decoded += 1
            try:
                if not found or picture is None:
                    raise BadPicture("a picture cannot be decoded")
                image = to_bgr8(picture)
            except BadPicture as error:
                self.counts.bad(str(error))
                continue
            last_given = captured_at
            yield Frame(image, self.camera_id, captured_at, next(self._sequence))
        raise SourceTimeout(f"{self._url} ended the stream, or sent nothing for {self._read_timeout_s:g} s")
